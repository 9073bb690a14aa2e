import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { RequestFailedError } from '../../src/errors.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import { browserProxy, proxyOf } from '../../src/http/wire/proxy.ts'
import { proxyDigest } from '../../src/session/egress.ts'
import { type Authority, createAuthority } from '../site/certificates.ts'
import { launchChromium } from '../site/chromium.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import type { Echo } from '../site/workbench.ts'
import {
  carrierOf,
  clientNames,
  clientOf,
  cookie,
  failureOf,
  type Answered,
  type ClientName,
} from './clients.ts'
import { type Proxies, proxyKinds, startProxies } from './proxies.ts'

type Protocol = 'http/1.1' | 'HTTP/2'

let shops: Readonly<Record<Protocol, Shop>>
let authority: Authority
let proxies: Proxies

beforeAll(async () => {
  shops = { 'http/1.1': await startShop(), 'HTTP/2': await startShop({ http2: true }) }
  authority = await createAuthority('The proxies')
  proxies = await startProxies(authority)
})

beforeEach(() => {
  proxies.asked.length = 0
})

afterAll(() => Promise.all([proxies.close(), ...Object.values(shops).map((shop) => shop.close())]))

const subjects: [ClientName, Protocol][] = [
  ...clientNames.map((name): [ClientName, Protocol] => [name, 'http/1.1']),
  ['http', 'HTTP/2'],
  ['fetch', 'HTTP/2'],
]

describe.each(subjects)('%s, %s, through a proxy', (name, protocol) => {
  let shop: Shop
  beforeAll(() => {
    shop = shops[protocol]
  })

  async function ask(url: string, options: HttpOptions): Promise<Answered[]> {
    const carrier = carrierOf({ cookies: [cookie({ name: 'sid', value: 'canary' })] })
    const ca = [shop.ca, authority.ca]
    const client = await clientOf(name, carrier, { lookup: shop.lookup, ca, ...options })
    try {
      const answers: Answered[] = []
      for (let n = 0; n < 3; n++) {
        // A connection is kept from when its answer is over, which may be a moment later than that it was read.
        if (n > 0) await expect.poll(() => client.free()).not.toBe(0)
        answers.push(await client.ask(url))
      }
      return answers
    } finally {
      await client.close()
    }
  }

  test.each(
    proxyKinds.flatMap((kind) => [
      [kind, 'https', () => shop.url('shop.test', '/echo?token=canary')] as const,
      [kind, 'http', () => shop.httpUrl('shop.test', '/echo?token=canary')] as const,
    ]),
  )('%s: %s goes through kept tunnels that show the place and nothing else', async (kind, scheme, url) => {
    const answers = await ask(url(), { proxyUrl: proxies.url(kind) })
    for (const answer of answers) {
      expect(answer.status).toBe(200)
      expect(answer.text.toLowerCase()).not.toContain('proxy-authorization')
      const { httpVersion } = JSON.parse(answer.text) as Echo
      expect(httpVersion).toBe(protocol === 'HTTP/2' && scheme === 'https' ? '2.0' : '1.1')
    }
    expect(new Set(proxies.asked.map(({ place }) => place))).toEqual(new Set([new URL(url()).host]))
    expect(proxies.asked.length).toBeLessThan(answers.length)
    expect(JSON.stringify(proxies.asked)).not.toContain('canary')
  })

  test.each([
    ['says no', () => proxies.url('http', 'user:wr0ng@'), /PROXY_ANSWERED_407/],
    ['says no', () => proxies.url('https', 'user:wr0ng@'), /PROXY_ANSWERED_407/],
    ['says no', () => proxies.url('socks5', 'user:wr0ng@'), /PROXY_AUTHENTICATION_FAILED/],
    ['wants a password', () => proxies.url('socks5h', ''), /PROXY_(AUTHENTICATION_FAILED|NOT_SOCKS)/],
    ['says no', () => proxies.url('socks4a', 'wr0ng@'), /PROXY_ANSWERED_FAILED/],
    [
      'is another kind',
      () => proxies.url('http').replace('http:', 'socks5:'),
      /PROXY_(NOT_SOCKS|ECONNRESET)/,
    ],
    ['is dead', () => 'http://user:p%40ss@proxy.test:1', /PROXY_ECONNREFUSED/],
    ['is dead', () => 'https://user:p%40ss@proxy.test:1', /PROXY_ECONNREFUSED/],
    ['is dead', () => 'socks5://user:p%40ss@proxy.test:1', /PROXY_ECONNREFUSED/],
    ['is unknown', () => 'http://user:p%40ss@nowhere.example', /PROXY_ENOTFOUND/],
    ['is unknown', () => 'socks4a://user@nowhere.example', /PROXY_ENOTFOUND/],
  ])('a proxy that %s is an error, and nothing goes around it', async (_what, url, reason) => {
    const before = shop.counters.requests
    for (const target of [shop.url('shop.test', '/echo'), shop.httpUrl('shop.test', '/echo')]) {
      const error = await failureOf(ask(target, { proxyUrl: url() }))
      expect(error).toBeInstanceOf(RequestFailedError)
      expect(error.message).toMatch(reason)
      expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/p@ss|p%40ss|wr0ng|canary/)
    }
    expect(shop.counters.requests).toBe(before)
  })
})

describe('what a SOCKS proxy answers', () => {
  test.each([
    [2, 'PROXY_ANSWERED_NOTALLOWED', 'final'],
    [4, 'PROXY_ANSWERED_HOSTUNREACHABLE', 'recoverable'],
    [5, 'PROXY_ANSWERED_CONNECTIONREFUSED', 'recoverable'],
  ])('code %i is %s and %s', async (code, reason, tier) => {
    const shop = shops['http/1.1']
    proxies.answerSocks(code)
    const client = await clientOf('fetch', carrierOf({}), {
      lookup: shop.lookup,
      proxyUrl: proxies.url('socks5'),
    })
    expect(await failureOf(client.ask(shop.url('shop.test', '/echo')))).toMatchObject({ reason, tier })
    proxies.answerSocks(0)
    await client.close()
  })
})

describe('a password with a percent sign that begins no escape', () => {
  test.each([
    ['http', 'PROXY_ANSWERED_407'],
    ['socks5', 'PROXY_AUTHENTICATION_FAILED'],
  ] as const)('is shown to the %s proxy', async (kind, reason) => {
    const shop = shops['http/1.1']
    const proxyUrl = proxies.url(kind, '100%:50%off%40@')
    const client = await clientOf('fetch', carrierOf({}), { lookup: shop.lookup, proxyUrl })
    expect(await failureOf(client.ask(shop.url('shop.test', '/echo')))).toMatchObject({ reason })
    await client.close()
    expect(browserProxy(new URL(proxyUrl))).toMatchObject({ username: '100%', password: '50%off@' })
    expect(proxyDigest(new URL(proxyUrl))).toHaveLength(22)
  })
})

describe('what is no proxy', () => {
  test.each([
    ['socks4://proxy.test', /must be one of/],
    ['ftp://user:p@ss@proxy.test', /must be one of/],
    ['not a URL, p@ss', /not a URL/],
    ['socks5:p@ss', /names no host/],
    ['socks4a://user:p%40ss@proxy.test', /knows no password/],
  ])('%s is a TypeError that does not repeat it', (proxyUrl, what) => {
    expect(() => proxyOf({ proxyUrl })).toThrow(TypeError)
    expect(() => proxyOf({ proxyUrl })).toThrow(what)
    expect(() => proxyOf({ proxyUrl })).not.toThrow(/p@ss|p%40ss/)
  })
})

describe('a browser that wears the session', () => {
  test('goes through the same HTTP proxy, with its password', async () => {
    const shop = shops['http/1.1']
    const browser = await launchChromium(shop)
    try {
      const context = await browser.newContext({ proxy: browserProxy(new URL(proxies.url('http'))) })
      const page = await context.newPage()
      expect((await page.goto(shop.url('shop.test', '/blank')))?.status()).toBe(200)
      expect(proxies.asked.map(({ place }) => place)).toContain(new URL(shop.url('shop.test')).host)
    } finally {
      await browser.close()
    }
  })

  test.each([
    ['socks5h://proxy.test:1080', 'socks5://proxy.test:1080'],
    ['socks5://proxy.test:1080', 'socks5://proxy.test:1080'],
    ['socks4a://user@proxy.test:1080', 'socks4://proxy.test:1080'],
    ['https://user:p%40ss@proxy.test:8443', 'https://proxy.test:8443'],
  ])(
    'is told of %s in words that Chromium knows: it would go around what it does not',
    (proxyUrl, server) => {
      expect(browserProxy(new URL(proxyUrl))).toMatchObject({ server })
      expect(browserProxy(new URL(proxyUrl)).server).not.toContain('@')
    },
  )
})
