import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { CookieJar } from 'tough-cookie'
import {
  createVault,
  generateKey,
  impitFetch,
  memoryStore,
  type HttpOptions,
  type Session,
} from '../../src/index.ts'
import { installForeignClients, loadImpit } from '../site/foreign-clients.ts'
import { startShop, type Shop } from '../site/shop.ts'

let shop: Shop
let asked = 0

beforeAll(async () => {
  await installForeignClients()
  shop = await startShop()
  shop.on('127.0.0.1', '/page', (_, res) => {
    asked += 1
    res.writeHead(200, { 'content-type': 'text/plain' }).end('page')
  })
}, 300_000)
afterAll(() => shop.close())
beforeEach(() => {
  asked = 0
})

async function open(http: HttpOptions = {}): Promise<Session> {
  const vault = createVault({ store: memoryStore(), key: generateKey(), http })
  const url = shop.httpUrl('127.0.0.1')
  await vault.put('impit/alice', { state: { cookies: [], origins: [] } })
  return vault.open({ name: 'impit', url }, { account: 'alice', login: 'never' })
}

const unfit: readonly [settings: () => object, why: RegExp][] = [
  [() => ({ ignoreTlsErrors: true }), /does not verify certificates/],
  [() => ({ cookieJar: new CookieJar() }), /a cookie jar or cookies of its own/],
  [() => ({ headers: { Cookie: 'a=1' } }), /a cookie jar or cookies of its own/],
  [() => ({ headers: { 'X-Api-Key': 'mine' } }), /the header "x-api-key" to every site/],
  [() => ({ headers: { Authorization: 'Basic bWluZQ==' } }), /the header "authorization" to every site/],
  [() => ({ proxyUrl: 'http://127.0.0.1:9' }), /has it a proxy/],
]

test('an impit that would send other things than the session says, or elsewhere, is refused before it sends any', async () => {
  const { Impit } = await loadImpit()
  await using session = await open()
  for (const [settings, why] of unfit) {
    const fetch = impitFetch(session, new Impit(settings() as never))
    const error: unknown = await fetch(shop.httpUrl('127.0.0.1', '/page')).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TypeError)
    expect(String(error)).toMatch(why)
    expect(String(error)).not.toMatch(/mine|bWluZQ/)
  }
  expect(asked).toBe(0)
})

test('an impit that follows redirects by itself, as older ones do whatever they are told, is refused', async () => {
  await using session = await open()
  const follows = {
    fetch: (url: string, { headers }: { headers: [string, string][] }) => globalThis.fetch(url, { headers }),
  }
  const fetch = impitFetch(session, follows as never)
  await expect(fetch(shop.httpUrl('127.0.0.1', '/page'))).rejects.toThrow(/follows redirects by itself/)
  expect(asked).toBe(0)
})

test('any other impit is tried out once, and then used, whichever browser it is like', async () => {
  const { Impit } = await loadImpit()
  await using session = await open()
  for (const settings of [
    {},
    { browser: 'chrome151' },
    { browser: 'firefox144' },
    { followRedirects: true },
  ]) {
    const fetch = impitFetch(session, new Impit(settings as never))
    const texts = [1, 2, 3].map(async () => (await fetch(shop.httpUrl('127.0.0.1', '/page'))).text())
    expect(await Promise.all(texts)).toEqual(['page', 'page', 'page'])
  }
  expect(asked).toBe(12)
})

test('what impit cannot do for the vault is misuse, and the class is made with the proxy of the vault', async () => {
  const { Impit } = await loadImpit()
  for (const [http, name] of [
    [{ ca: shop.ca }, 'ca'],
    [{ lookup: shop.lookup }, 'lookup'],
  ] as const) {
    await using session = await open(http)
    expect(() => impitFetch(session, Impit, {})).toThrow(`"${name}"`)
    expect(() => impitFetch(session, new Impit({} as never))).toThrow(`"${name}"`)
  }
  await using session = await open({ proxyUrl: 'http://127.0.0.1:9', retry: false })
  expect(() => impitFetch(session, new Impit({} as never))).toThrow(/give the class/)
  const fetch = impitFetch(session, Impit, {})
  await expect(fetch(shop.httpUrl('127.0.0.1', '/page'))).rejects.toThrow() // nothing listens at that proxy
  expect(asked).toBe(0)
})
