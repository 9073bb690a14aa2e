import type { Browser, BrowserContext, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Carrier } from '../../src/http/carrier.ts'
import { headersFor } from '../../src/http/headers/headers-for.ts'
import { captureIdentity } from '../../src/login/capture-identity.ts'
import { watchRequests } from '../../src/login/learn/watch-requests.ts'
import { launchChromium } from '../site/chromium.ts'
import { type Shop, startShop } from '../site/shop.ts'
import { carrierOf, cookie } from './clients.ts'
import { differences, exceptions, type Pair } from './like-chromium/compare.ts'
import { askByPage } from './like-chromium/page-driver.ts'
import { type Recorded, type Recorder, recordWire } from './like-chromium/recorder.ts'
import { replayers, type Replayer } from './like-chromium/replayers.ts'
import { type WireCase, wireCases } from './like-chromium/wire-cases.ts'

const cookies = [
  { name: 'lax', value: 'l', sameSite: 'Lax' },
  { name: 'strict', value: 's', sameSite: 'Strict' },
  { name: 'none', value: 'n', sameSite: 'None' },
  { name: 'deep', value: 'd', sameSite: 'Lax', path: '/rec/api' },
  { name: 'wide', value: 'w', sameSite: 'Lax', domain: '.shop.test' },
  { name: 'plain', value: 'p', sameSite: 'Lax', secure: false },
  { name: 'foreign', value: 'f', sameSite: 'Lax', domain: 'other.test' },
  { name: 'embedded', value: 'e', sameSite: 'None', domain: 'other.test' },
] as const

const asGerman =
  /^(typed|a form that posts|fetch: GET with (X-CSRF|Accept-Language)|fetch: POST of (JSON|text))/

/** A page makes each request of the table, then each client of ours: the server must see the same. */
describe.each(['1.1', '2'])('over HTTP/%s', (protocol) => {
  let shop: Shop
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let recorder: Recorder
  let carrier: Carrier
  let clients: readonly Replayer[]
  const byPage = new Map<WireCase, readonly Recorded[]>()
  let preflights = 0

  beforeAll(async () => {
    shop = await startShop({ http2: protocol === '2' })
    recorder = recordWire(shop)
    browser = await launchChromium(shop)
    context = await browser.newContext()
    await context.addCookies(cookies.map((one) => ({ ...cookie(one), sameSite: one.sameSite })))
    page = await context.newPage()
    carrier = await carrierLike(page)
    clients = await replayers(carrier, { lookup: shop.lookup, ca: shop.ca })
    for (const one of wireCases(shop)) {
      const seen = await askByPage(page, recorder, one)
      byPage.set(one, seen.requests)
      preflights += seen.preflights
    }
  })

  test('a browser whose language is emulated says it elsewhere, and so do all clients', async () => {
    const german = await browser.newContext({ locale: 'de-DE' })
    const germanPage = await german.newPage()
    const watch = watchRequests(german)
    await germanPage.goto(shop.url('shop.test', '/rec/page'))
    await watch.settled()
    const identity = await captureIdentity(germanPage, watch.stop())
    const inGerman = await replayers(carrierOf({ identity }), { lookup: shop.lookup, ca: shop.ca })
    const asked = wireCases(shop).filter(({ what }) => asGerman.test(what))
    const seen = new Map<WireCase, readonly Recorded[]>()
    for (const one of asked) seen.set(one, (await askByPage(germanPage, recorder, one)).requests)
    for (const client of inGerman) {
      const pairs = await pairsOf(client, seen)
      const mine = exceptions.filter((exception) => exception.of(client.name, protocol))
      expect([client.name, differences(pairs, mine)]).toEqual([client.name, []])
      expect(pairs.length).toBeGreaterThan(2)
    }
    await Promise.all([...inGerman.map((client) => client.close()), german.close()])
  })

  afterAll(async () => {
    await Promise.all([...clients.map((client) => client.close()), browser.close()])
    await shop.close()
  })

  /** The identity of this browser, taken as a login takes it, and the same cookies. */
  async function carrierLike(from: Page): Promise<Carrier> {
    const watch = watchRequests(context)
    await from.goto(shop.url('shop.test', '/rec/page'))
    await from.evaluate(
      (url) => fetch(url, { credentials: 'include' }).then(() => undefined),
      shop.url('other.test', '/rec/a'),
    )
    await watch.settled()
    const identity = await captureIdentity(from, watch.stop())
    return carrierOf({ cookies: cookies.map(cookie), identity })
  }

  async function pairsOf(
    client: Replayer,
    asked: ReadonlyMap<WireCase, readonly Recorded[]>,
  ): Promise<Pair[]> {
    const pairs: Pair[] = []
    for (const [one, requests] of asked) {
      const [seen] = requests
      if (seen === undefined || !client.takes(one)) continue
      recorder.take()
      await client.ask(one, seen)
      pairs.push({ what: one.what, browser: requests, ours: recorder.take().requests })
    }
    return pairs
  }

  test.each(['session.http', 'session.fetch', 'the undici dispatcher'])(
    '%s sends what Chromium sends',
    async (name) => {
      const client = clients.find((one) => one.name === name)
      const pairs = client === undefined ? [] : await pairsOf(client, byPage)
      const compared = pairs.reduce((sum, { browser: requests }) => sum + requests.length, 0)
      expect(compared).toBeGreaterThanOrEqual(50)
      const mine = exceptions.filter((exception) => exception.of(name, protocol))
      expect(differences(pairs, mine)).toEqual([])
      for (const exception of mine) {
        const others = mine.filter((other) => other !== exception)
        expect([exception.name, differences(pairs, others).length > 0]).toEqual([exception.name, true])
      }
      console.log(
        `${name}, HTTP/${protocol}: ${String(compared)} requests as Chromium's, ${String(mine.length)} exceptions`,
      )
    },
  )

  test('headersFor gives the same lines to clients that are not ours', () => {
    const compared = [...byPage].flatMap(([one, [seen, ...more]]): Pair[] => {
      const plain =
        Object.keys(one.headers).length === 0 && one.body === undefined && one.encoding === undefined
      if (seen === undefined || more.length > 0 || !plain || one.credentials === 'omit') return []
      const lines = headersFor(carrier, one.to, {
        method: one.method,
        as: one.by === 'fetch' || one.by === 'xhr' ? 'fetch' : 'navigation',
        ...(one.from !== undefined && { topLevelSite: one.from }),
      })
      const ofClient = /^(:.*|host|connection|content-length|priority)$/i
      const theirs = seen.headers.filter(([name]) => !ofClient.test(name))
      return [
        { what: one.what, browser: [{ ...seen, headers: theirs }], ours: [{ ...seen, headers: lines }] },
      ]
    })
    const mine = exceptions.filter((exception) => exception.name === 'zstd')
    if (protocol === '1.1') expect(differences(compared, mine)).toEqual([])
    expect(compared.length).toBeGreaterThan(20)
  })

  test('only a page asks for leave first: nobody replays a preflight', () => {
    expect(preflights).toBeGreaterThan(0)
  })
})
