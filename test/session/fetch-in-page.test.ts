import type { Browser } from 'playwright'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createVault, generateKey, memoryStore, type HttpOptions, type Session } from '../../src/index.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import type { Echo } from '../site/workbench.ts'
import { shopRecipe } from './shop-recipe.ts'

let shop: Shop
let browser: Browser
const store = memoryStore()
const key = generateKey()

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
})
afterAll(async () => {
  await browser.close()
  await store.close()
  await shop.close()
})

function open(http: HttpOptions = {}): Promise<Session> {
  const recipe = shopRecipe(shop, {
    home: shop.url('shop.test', '/account'),
    probe: shop.url('api.shop.test', '/me'),
  })
  const reach = { lookup: shop.lookup, ca: shop.ca, ...http }
  const vault = createVault({
    store,
    key,
    browser: { browser },
    http: reach,
    secrets: { ...shop.accounts.alice },
  })
  return vault.open(recipe, { account: 'alice' })
}

test('a page of the session asks with its cookies and learned headers, is in step with it, and is renewed with it', async () => {
  await using session = await open()
  const me = shop.url('api.shop.test', '/me')
  expect((await session.fetchInPage(me)).status).toBe(200)
  const bytes = new Uint8Array([0, 1, 254, 255, 10])
  const echo = await session.fetchInPage(shop.url('shop.test', '/echo?a=1'), {
    method: 'POST',
    body: bytes,
    headers: { 'X-Mine': 'yes' },
  })
  const seen = (await echo.json()) as Echo
  const header = (name: string): string | undefined =>
    seen.headers.find(([one]) => one.toLowerCase() === name)?.[1]
  expect([seen.method, seen.body, header('x-mine')]).toEqual([
    'POST',
    Buffer.from(bytes).toString('latin1'),
    'yes',
  ])
  expect(header('cookie')).toContain('sid=')
  expect(header('user-agent')).toBe(session.identity?.userAgent)

  await session.fetchInPage(
    shop.url('shop.test', `/set-cookie?line=${encodeURIComponent('by-page=1; Path=/')}`),
  )
  await expect.poll(() => session.state.cookies.map(({ name }) => name)).toContain('by-page')

  shop.revoke('alice')
  const { logins } = shop.counters
  const answers = await Promise.all(Array.from({ length: 8 }, () => session.fetchInPage(me)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect([shop.counters.logins - logins, session.epoch]).toEqual([1, 2])
  expect(browser.contexts()).toHaveLength(1)
})

test('it is bounded, keeps to the rules of its page, and ends with the session', async () => {
  const session = await open({ maxResponseBytes: 1_000 })
  let answered = (): void => undefined
  shop.on('shop.test', '/never', () => new Promise<void>((done) => (answered = done)))
  shop.on('shop.test', '/big', (_, res) => void res.end('x'.repeat(5_000)))
  shop.on('elsewhere.test', '/closed', (_, res) => void res.end('{}')) // says nothing of CORS

  const ask = (host: string, path: string, init?: RequestInit): Promise<Response> =>
    session.fetchInPage(shop.url(host, path), init)
  await expect(ask('shop.test', '/big')).rejects.toMatchObject({ cause: { code: 'request-failed' } })
  await expect(ask('elsewhere.test', '/closed')).rejects.toMatchObject({
    cause: { code: 'request-failed', message: expect.stringMatching(/CORS/) as string },
  })
  await expect(ask('shop.test', '/echo', { redirect: 'manual' })).rejects.toThrow(TypeError)
  const off = new AbortController()
  const called = ask('shop.test', '/never', { signal: off.signal })
  off.abort(new Error('enough'))
  await expect(called).rejects.toThrow('enough')

  const late = ask('shop.test', '/never')
  const failed = expect(late).rejects.toMatchObject({ cause: { code: 'closed' } })
  await session.close()
  await failed
  answered()
  expect(browser.contexts()).toHaveLength(0)
})

test('an answer that does not come is out of time', async () => {
  shop.on('shop.test', '/silent', () => new Promise<void>(() => undefined))
  await using session = await open({ timeout: 700 })
  await expect(session.fetchInPage(shop.url('shop.test', '/silent'))).rejects.toMatchObject({
    cause: { code: 'timed-out' },
  })
})
