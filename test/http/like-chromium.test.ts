import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttp, type SessionHttp } from '../../src/http/client.ts'
import { createFetch, type SessionFetch } from '../../src/http/fetch.ts'
import type { Carrier } from '../../src/http/carrier.ts'
import type { Identity } from '../../src/state/identity.ts'
import { launchChromium } from '../site/chromium.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import type { Echo } from '../site/workbench.ts'
import { carrierOf, cookie } from './clients.ts'

/** The same ways, asked by real Chromium and by our clients: the server at the end must see the same request. */
let shop: Shop
let browser: Browser
let page: Page
let http: SessionHttp & { close(): Promise<void> }
let fetch: SessionFetch

const cookies = [
  { name: 'lax', value: 'l', sameSite: 'Lax' },
  { name: 'strict', value: 's', sameSite: 'Strict' },
  { name: 'none', value: 'n', sameSite: 'None' },
  { name: 'deep', value: 'd', sameSite: 'Lax', path: '/echo' },
  { name: 'wide', value: 'w', sameSite: 'Lax', domain: '.shop.test' },
  { name: 'plain', value: 'p', sameSite: 'Lax', secure: false },
  { name: 'foreign', value: 'f', sameSite: 'Lax', domain: 'other.test' },
] as const

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
  const context = await browser.newContext()
  page = await context.newPage()
  const identity = await captureIdentity(page)
  await context.addCookies(cookies.map((one) => ({ ...cookie(one), sameSite: one.sameSite })))
  const carrier: Carrier = carrierOf({ cookies: cookies.map(cookie), identity })
  const options = { lookup: shop.lookup as never, ca: shop.ca }
  http = createHttp(carrier, options)
  fetch = createFetch(carrier, options)
})

afterAll(async () => {
  await Promise.all([http.close(), fetch.close(), browser.close()])
  await shop.close()
})

async function captureIdentity(from: Page): Promise<Identity> {
  const seen = await navigated(from, shop.url('shop.test', '/echo'))
  const userAgent = seen.headers.find(([name]) => name === 'User-Agent')?.[1] ?? ''
  return { userAgent, languages: ['en-US'], navigationHeaders: seen.headers }
}

async function navigated(from: Page, url: string): Promise<Echo> {
  const answer = await from.goto(url)
  return (await answer?.json()) as Echo
}

/**
 * What is compared: all names, values and their order. Not: encodings (Node 20 cannot decode zstd) and
 * Sec-Fetch-Storage-Access, which tells of a browser setting.
 */
function comparable(echo: Echo): object {
  const headers = echo.headers
    .filter(([name]) => name !== 'Sec-Fetch-Storage-Access')
    .map(([name, value]) => [
      name.toLowerCase(),
      name === 'Accept-Encoding' ? value.replace(', zstd', '') : value,
    ])
  return { method: echo.method, host: echo.host, body: echo.body, headers }
}

/** undici writes host, connection and content-length itself: in lower case, the last one at the end. */
function withoutFraming(echo: object): object {
  const { headers, ...rest } = echo as { headers: [string, string][] }
  return {
    ...rest,
    headers: headers.filter(([name]) => !['host', 'connection', 'content-length'].includes(name)),
  }
}

function way(...stops: [status: number, url: string][]): string {
  const [first, ...rest] = stops
  if (first === undefined) throw new Error('A way has a stop')
  const [status, url] = first
  if (rest.length === 0) return url
  const origin = new URL(url).origin
  return `${origin}/redirect?status=${String(status)}&to=${encodeURIComponent(way(...rest))}`
}

const end = (host: string): [number, string] => [0, shop.url(host, '/echo?page=1')]

const ways: Record<string, () => string> = {
  'no redirect': () => way(end('shop.test')),
  'to the same host': () => way([302, shop.url('shop.test')], end('shop.test')),
  'to another host of the site': () => way([302, shop.url('shop.test')], end('api.shop.test')),
  'to another site': () => way([302, shop.url('shop.test')], end('other.test')),
  'to another site and back': () =>
    way([302, shop.url('shop.test')], [307, shop.url('other.test')], end('shop.test')),
  'over another site to a third': () =>
    way([302, shop.url('shop.test')], [302, shop.url('other.test')], end('third.test')),
  'permanently to another site': () => way([308, shop.url('shop.test')], end('other.test')),
}

describe('a typed address', () => {
  test.each(Object.keys(ways))('%s: session.http sends what Chromium sends', async (name) => {
    const url = ways[name]?.() ?? ''
    const ours = await http(url)
    expect(comparable(JSON.parse(ours.text()) as Echo)).toEqual(comparable(await navigated(page, url)))
  })

  test.each([
    ['from https to http', () => way([302, shop.url('shop.test')], [0, shop.httpUrl('shop.test', '/echo')])],
    ['over http', () => shop.httpUrl('shop.test', '/echo')],
    ['from http to https', () => way([302, shop.httpUrl('shop.test')], [0, shop.url('shop.test', '/echo')])],
  ])('%s: session.http sends what Chromium sends', async (_name, url) => {
    const ours = await http(url())
    expect(comparable(JSON.parse(ours.text()) as Echo)).toEqual(comparable(await navigated(page, url())))
  })
})

interface Init {
  readonly method?: string
  readonly body?: string
  readonly headers?: Record<string, string>
}

describe('a page asks', () => {
  const asked = (url: string, init: Init): Promise<Echo> =>
    page.evaluate(
      async ([target, options]) => {
        const answer = await globalThis.fetch(target, { credentials: 'include', referrer: '/', ...options })
        return (await answer.json()) as Echo
      },
      [url, init] as const,
    )

  beforeAll(async () => {
    await page.goto(shop.url('shop.test', '/blank'))
  })

  test.each(Object.keys(ways))('%s: session.fetch sends what Chromium sends', async (name) => {
    const url = ways[name]?.() ?? ''
    const ours = (await (await fetch(url)).json()) as Echo
    expect(withoutFraming(comparable(ours))).toEqual(withoutFraming(comparable(await asked(url, {}))))
  })

  const form = {
    method: 'POST',
    body: 'a=1',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  }
  const json = { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }
  const posts: [what: string, url: () => string, init: Init][] = [
    ['a form at home', () => way(end('shop.test')), form],
    ['a form, redirected with 302', () => way([302, shop.url('shop.test')], end('shop.test')), form],
    ['a form, redirected with 307', () => way([307, shop.url('shop.test')], end('shop.test')), form],
    ['a form, redirected with 307 abroad', () => way([307, shop.url('shop.test')], end('other.test')), form],
    ['a form, redirected with 303 abroad', () => way([303, shop.url('shop.test')], end('other.test')), form],
    ['JSON at home', () => way(end('shop.test')), json],
    ['JSON, redirected with 308', () => way([308, shop.url('shop.test')], end('shop.test')), json],
    ['nothing by POST', () => way(end('shop.test')), { method: 'POST' }],
    ['a DELETE', () => way(end('shop.test')), { method: 'DELETE' }],
  ]

  test.each(posts)('%s: session.fetch sends what Chromium sends', async (_what, url, init) => {
    const ours = (await (await fetch(url(), init)).json()) as Echo
    expect(withoutFraming(comparable(ours))).toEqual(withoutFraming(comparable(await asked(url(), init))))
  })

  test.each(posts)('%s: session.http sends what Chromium sends', async (_what, url, init) => {
    const ours = (await http(url(), init)).json<Echo>()
    expect(comparable(ours)).toEqual(comparable(await asked(url(), init)))
  })
})
