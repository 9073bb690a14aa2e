import type { IncomingMessage } from 'node:http'
import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVault, generateKey, memoryStore, type Session, type Vault } from '../../src/index.ts'
import { passwordRecipe } from '../login/recipes.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'

/**
 * As many PHP applications are made (MediaWiki, phpMyAdmin): all pages have one path and answer everybody with 200, no two
 * answers are equal, and who is not signed in is shown less. Nothing in a status or a redirect tells.
 */
let shop: Shop
let browser: Browser
let vault: Vault
let signedIn: Set<string>
let logins = 0

const sid = (req: IncomingMessage): string => /app=([^;]+)/.exec(req.headers.cookie ?? '')?.[1] ?? ''
const form = `<form method=post action="/index.php?do=enter"><label>Email <input name=email></label>
  <label>Password <input type=password name=pw></label><button>Sign in</button></form>`

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
  signedIn = new Set()
  let answers = 0
  shop.on('shop.test', '/index.php', (req, res) => {
    const what = new URL(req.url ?? '/', 'https://shop.test').searchParams.get('do')
    if (req.method === 'POST' && what === 'enter') {
      logins += 1
      const id = `canary-app-${String(logins)}`
      signedIn.add(id)
      res.setHeader('set-cookie', `app=${id}; Path=/; HttpOnly; Secure`)
      res.writeHead(303, { location: '/index.php?do=front' }).end()
      return
    }
    const isSomebody = signedIn.has(sid(req))
    answers += 1
    const door = isSomebody ? '<a id=my-logout href="/index.php?do=leave">' : '<a id=my-login>'
    // A page of its own asks for the password at once; the others show less.
    const own = isSomebody
      ? `<h1>Alice’s ${what ?? ''}</h1>`
      : what === 'settings'
        ? form
        : '<h1>Welcome</h1>'
    const content = what === null ? form : own
    res
      .setHeader('content-type', 'text/html; charset=utf-8')
      .end(`<!doctype html><meta name=request content="${String(answers)}">${door}</a>${content}`)
  })
  const http = { lookup: shop.lookup, ca: shop.ca }
  const secrets = shop.accounts.alice
  vault = createVault({ store: memoryStore(), key: generateKey(), browser: { browser }, http, secrets })
}, 120_000)

afterAll(async () => {
  await browser.close()
  await shop.close()
})

const address = (page: string): string => shop.url('shop.test', `/index.php?do=${page}`)
const open = (account: string): Promise<Session> =>
  vault.open(passwordRecipe(shop, { url: shop.url('shop.test', '/index.php') }), { account })

describe('an application with one address for all', () => {
  test('is signed in to by what its pages show to somebody and to nobody', async () => {
    await using session = await open('first')
    expect(session.isNew).toBe(true)
    const { probe } = (await vault.peek('shop/first'))?.snapshot ?? {}
    expect(probe).toMatchObject({
      url: address('front'),
      alive: { status: 200, marks: ['#my-logout'] },
      dead: { status: 200, marks: ['#my-login'] },
    })
    expect(await session.check()).toBe('alive')
  })

  test.each([
    ['a page that shows less', 'orders'],
    ['a page that asks for the password', 'settings'],
    ['the page that the probe asks for', 'front'],
  ])('when it has forgotten us, %s is not given for the answer', async (_, page) => {
    await using session = await open(page)
    const before = logins
    expect(await session.http(address(page)).text()).toContain(`Alice’s ${page}`)
    signedIn.clear()
    expect(await session.http(address(page)).text()).toContain(`Alice’s ${page}`)
    expect([session.epoch, logins - before]).toEqual([2, 1])
    signedIn.clear()
    expect(await (await session.fetch(address(page))).text()).toContain(`Alice’s ${page}`)
    expect([session.epoch, logins - before]).toEqual([3, 2])
  })

  test('its login page is given to who asks for it', async () => {
    await using session = await open('curious')
    expect(await session.http(shop.url('shop.test', '/index.php')).text()).toContain('type=password')
    expect(session.epoch).toBe(1)
  })
})
