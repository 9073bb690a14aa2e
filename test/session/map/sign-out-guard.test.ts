import type { Browser, Dialog } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  crawleeClient,
  createVault,
  generateKey,
  memoryStore,
  SignOutGuardedError,
  type Session,
} from '../../../src/index.ts'
import { findSignOuts } from '../../../src/login/sign-out-links.ts'
import { addSignOuts, signOutAddress } from '../../../src/state/sign-outs.ts'
import { launchChromium } from '../../site/chromium.ts'
import { startShop, type Shop } from '../../site/shop.ts'
import { shopRecipe } from '../shop-recipe.ts'
import { signIn } from '../signed-in.ts'

let shop: Shop
let browser: Browser
/** Sessions that somebody has ended by the links of the garden. */
let ended = 0

/** A site of which no name gives the way out away: only what the links say. */
const garden = `<nav>
  <a href="/garden/beds?page=2">Beds</a> <a href="/garden/tools">Tools</a>
  <a href="/garden/gate?token=secret">Abmelden</a>
  <a href="/garden?do=42&token=secret">  Se  déconnecter </a>
  <a href="/garden/door" rel="nofollow logout"><img alt=""></a>
  <a href="/garden/outdoor">Outdoor, and how to log out of the garden at night</a>
</nav>
<form action="/garden/shed" method="post"><input type="hidden" name="csrf" value="x"><button>Wyloguj</button></form>
<form action="/garden/search"><input name="q"><button>ログアウト</button></form>`

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
  shop.on('shop.test', '/garden', (req, res) => {
    if (req.url?.includes('do=42') === true) leave()
    res.setHeader('content-type', 'text/html; charset=utf-8').end(garden)
  })
  for (const path of ['/garden/gate', '/garden/door', '/garden/shed'])
    shop.on('shop.test', path, (_req, res) => {
      leave()
      res.end('bye')
    })
  shop.on('shop.test', '/garden/*', (_req, res) => {
    res.end('a page')
  })
})
afterAll(async () => {
  await browser.close()
  await shop.close()
})

function leave(): void {
  ended += 1
  shop.revoke('alice')
}

async function open(
  store = memoryStore(),
  key = generateKey(),
): Promise<{ vault: ReturnType<typeof createVault>; session: Session }> {
  const vault = createVault({ store, key, http: { lookup: shop.lookup, ca: shop.ca } })
  if ((await vault.list()).length === 0) await vault.put('shop/alice', await signIn(shop))
  return { vault, session: await vault.open(shopRecipe(shop), { account: 'alice', login: 'never' }) }
}

/** As `browse` does, in the browser of this test. */
async function visit(session: Session, path: string): Promise<string[]> {
  const context = await browser.newContext()
  try {
    const worn = await session.attach(context)
    const page = await context.newPage()
    await page.goto(shop.url('shop.test', path))
    const links = await page.evaluate(() => [
      ...[...document.links].map(({ href }) => href),
      ...[...document.forms].map((form) => form.action),
    ])
    await worn.end()
    return links
  } finally {
    await context.close()
  }
}

describe('the guard against signing out', () => {
  test('a crawl over all links of a visited page leaves the session alive, and the guard survives', async () => {
    const [store, key] = [memoryStore(), generateKey()]
    const { session } = await open(store, key)
    const links = await visit(session, '/garden')
    expect(links).toHaveLength(8)
    const result = await session.map(links, (url) => session.http(url))
    expect(ended).toBe(0)
    expect(await session.check()).toBe('alive')
    expect(result.done).toBe(4)
    const place = (path: string): string => shop.url('shop.test', path)
    expect([...result.guarded].sort()).toEqual(
      [place('/garden'), place('/garden/door'), place('/garden/gate'), place('/garden/shed')].sort(),
    )
    expect(session.signsOut(place('/garden/gate?token=another'))).toBe(true)
    expect(session.signsOut(place('/garden?do=41'))).toBe(false)
    expect(session.signsOut(place('/garden'))).toBe(false)
    await session.close()

    const again = await open(store, key)
    expect((await again.session.map(links, (url) => again.session.http(url))).guarded).toHaveLength(4)
    expect(JSON.stringify((await again.vault.peek('shop/alice'))?.snapshot.signOuts)).not.toMatch(
      /secret|token/,
    )
    const client = crawleeClient(again.session)
    await expect(client.sendRequest({ url: place('/garden/gate') })).rejects.toBeInstanceOf(
      SignOutGuardedError,
    )
    expect((await client.sendRequest({ url: place('/garden/tools') })).body).toBe('a page')
    expect(ended).toBe(0)
    // Whoever asks for it means it.
    await again.session.http(place('/garden/gate'))
    expect(ended).toBe(1)
    await again.session.close()
  })

  test('a login in the browser remembers what the page after it links to', async () => {
    const vault = createVault({
      ...{ store: memoryStore(), key: generateKey(), http: { lookup: shop.lookup, ca: shop.ca } },
      browser: { browser },
      secrets: { ...shop.accounts.alice },
    })
    await using session = await vault.open(shopRecipe(shop), { account: 'alice' })
    const place = shop.url('shop.test', '/logout')
    expect((await vault.peek('shop/alice'))?.snapshot.signOuts).toEqual([{ url: place }])
    const html = await session.http(shop.url('shop.test', '/account')).text()
    const links = [...html.matchAll(/href="([^"]+)"/g)].map(([, path = '']) => shop.url('shop.test', path))
    expect(links.length).toBeGreaterThanOrEqual(3)
    const before = shop.counters.logouts
    expect((await session.map(links, (url) => session.http(url))).guarded).toEqual([place])
    expect(shop.counters.logouts).toBe(before)
  })

  test('a page that does not answer holds nobody up, and one without links has none', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(shop.url('shop.test', '/blank'))
    expect(await findSignOuts(context)).toEqual([])
    const opened = new Promise<Dialog>((resolve) => page.once('dialog', resolve))
    const busy = page.evaluate(() => {
      alert('waits')
    })
    const dialog = await opened
    expect(await findSignOuts(context)).toEqual([])
    await dialog.dismiss()
    await busy
    await context.close()
  })
})

describe('what is remembered of a sign-out link', () => {
  test.each([
    ['https://a.test/bye?t=secret', [], { url: 'https://a.test/bye' }],
    ['https://a.test/bye?t=1', ['https://a.test/b?t=2'], { url: 'https://a.test/bye' }],
    ['https://a.test/', ['https://a.test/'], { url: 'https://a.test/' }],
    ['https://a.test/', ['https://a.test/?page=2'], undefined],
    ['javascript:void(0)', [], undefined],
    ['mailto:a@b.test', [], undefined],
  ] as const)('of %s beside %j', (address, others, expected) => {
    expect(signOutAddress(address, others)).toEqual(expected)
  })

  test('a path that does other things, too, is remembered with a digest of its query', () => {
    const found = signOutAddress('https://a.test/i.php?x=9', ['https://a.test/i.php?x=1'])
    expect(found?.url).toBe('https://a.test/i.php')
    expect(found?.query).toMatch(/^[\w-]{16}$/)
  })

  test('the list does not grow by what it knows, nor for ever', () => {
    const one = [{ url: 'https://a.test/bye' }]
    expect(addSignOuts(one, [{ url: 'https://a.test/bye' }])).toBe(one)
    const many = Array.from({ length: 150 }, (_, n) => ({ url: `https://a.test/${String(n)}` }))
    expect(addSignOuts(one, many)).toHaveLength(100)
  })
})
