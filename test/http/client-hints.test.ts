import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Carrier } from '../../src/http/carrier.ts'
import { captureIdentity } from '../../src/login/capture-identity.ts'
import { watchRequests } from '../../src/login/learn/watch-requests.ts'
import type { Identity } from '../../src/state/identity.ts'
import { launchChromium } from '../site/chromium.ts'
import { type Shop, startShop } from '../site/shop.ts'
import { carrierOf } from './clients.ts'
import { blurred, differences, exceptions, type Pair } from './like-chromium/compare.ts'
import { askByPage } from './like-chromium/page-driver.ts'
import { type Recorder, recordWire } from './like-chromium/recorder.ts'
import { replayers } from './like-chromium/replayers.ts'
import type { WireCase } from './like-chromium/wire-cases.ts'

let shop: Shop
let browser: Browser
let recorder: Recorder
let identity: Identity

beforeAll(async () => {
  shop = await startShop()
  recorder = recordWire(shop)
  browser = await launchChromium(shop)
  identity = await captured()
})

afterAll(async () => {
  await browser.close()
  await shop.close()
})

/** As a login takes it, from a site that has asked for two hints. */
async function captured(): Promise<Identity> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const watch = watchRequests(context)
  await page.goto(
    shop.url('asker.test', '/rec/a?header=Accept-CH:Sec-CH-UA-Arch,%20Sec-CH-UA-Model,%20Unknown'),
  )
  await page.goto(shop.url('asker.test', '/rec/b'))
  await page.evaluate(
    (url) => fetch(url, { credentials: 'include' }).then(() => undefined),
    shop.url('other.test', '/rec/a'),
  )
  await watch.settled()
  const found = await captureIdentity(page, watch.stop())
  await context.close()
  recorder.take()
  return found
}

const everything = [
  ...['Sec-CH-UA', 'Sec-CH-UA-Arch', 'Sec-CH-UA-Bitness', 'Sec-CH-UA-Full-Version', 'Sec-CH-UA-Mobile'],
  ...['Sec-CH-UA-Full-Version-List', 'Sec-CH-UA-Model', 'Sec-CH-UA-Platform', 'Sec-CH-UA-Platform-Version'],
  ...['Sec-CH-UA-WoW64', 'Sec-CH-UA-Form-Factors', 'Sec-CH-Prefers-Color-Scheme', 'DPR', 'Sec-CH-DPR'],
  ...['Sec-CH-Prefers-Reduced-Motion', 'Sec-CH-Prefers-Reduced-Transparency', 'Device-Memory', 'RTT'],
  ...['Sec-CH-Device-Memory', 'Viewport-Width', 'Sec-CH-Viewport-Width', 'Sec-CH-Viewport-Height'],
  ...['Downlink', 'ECT', 'Save-Data', 'Width', 'Sec-CH-Width', 'Sec-CH-Nonsense'],
].join(', ')

/** One way through a browser: what was asked for before shows in what comes after. */
function way(): WireCase[] {
  const at = (host: string, query = '', path = '/rec/a'): string =>
    shop.url(host, query === '' ? path : `${path}?${query}`)
  const asking = (hints: string, more = ''): string =>
    `header=${encodeURIComponent(`Accept-CH:${hints}`)}${more}`
  const to = (url: string): string => `to=${encodeURIComponent(url)}`
  const typed = (what: string, url: string): WireCase => ({
    ...{ what, by: 'address', to: url, method: 'GET', headers: {}, credentials: 'include' },
  })
  const page = at('shop.test', 'n=2')
  const asked = (what: string, url: string, part: Partial<WireCase> = {}): WireCase => ({
    ...{ what, by: 'fetch', from: page, to: url, method: 'GET', headers: {}, credentials: 'include' },
    ...part,
  })
  return [
    typed('a site asks for everything', at('shop.test', asking(everything))),
    typed('it gets everything', page),
    asked('what its page asks of it has it too', at('shop.test')),
    asked('with headers', at('shop.test'), {
      headers: { 'X-Requested-With': 'a', Authorization: 'b', Accept: 'c/d' },
    }),
    asked('by POST', at('shop.test'), {
      method: 'POST',
      body: '{}',
      headers: { 'Content-Type': 'application/json' },
    }),
    asked('a host of its site does not', at('api.shop.test')),
    asked('another site does not', at('other.test')),
    asked('redirected at home it has', at('shop.test', to(at('shop.test')))),
    asked('redirected abroad it has not', at('shop.test', to(at('api.shop.test')))),
    typed('a typed address of another host has not', at('api.shop.test')),
    asked('nor what another page asks of it', at('shop.test'), { from: at('api.shop.test') }),
    typed('redirected away', at('shop.test', to(at('other.test')))),
    typed('redirected to it', at('other.test', to(at('shop.test')))),
    typed('a page of a third site', at('third.test')),
    asked('whose answer to a script asks', at('third.test', asking('Sec-CH-UA-Arch')), {
      from: at('third.test'),
    }),
    typed('in vain', at('third.test')),
    typed('a redirect asks', at('fourth.test', `${asking('Sec-CH-UA-Arch')}&${to(at('fourth.test'))}`)),
    typed('and is heard', at('fourth.test')),
    typed('another answer asks for something else', at('fourth.test', asking('Sec-CH-UA-Bitness'))),
    typed('which counts alone', at('fourth.test')),
    typed('and goes on', at('fourth.test')),
    typed('an empty one', at('fourth.test', asking(''))),
    typed('ends it', at('fourth.test')),
    typed(
      'critical: it is asked again at once',
      at('critical.test', asking('Sec-CH-UA-Arch, Sec-CH-UA-Model', '&header=Critical-CH:Sec-CH-UA-Arch')),
    ),
    typed(
      'once',
      at('critical.test', asking('Sec-CH-UA-Arch, Sec-CH-UA-Model', '&header=Critical-CH:Sec-CH-UA-Arch')),
    ),
    typed('plain http asks', shop.httpUrl('plain.test', `/rec/a?${asking('Sec-CH-UA-Arch')}`)),
    typed('in vain, too', shop.httpUrl('plain.test', '/rec/a')),
  ]
}

describe('client hints', () => {
  test('a login knows what its browser would say, and who has asked', () => {
    const names = identity.clientHints?.map(([name]) => name) ?? []
    expect(names).toEqual(
      expect.arrayContaining(['sec-ch-ua-arch', 'sec-ch-ua-full-version-list', 'dpr', 'rtt']),
    )
    expect(identity.hintsAsked).toEqual({
      [new URL(shop.url('asker.test')).origin]: ['sec-ch-ua-arch', 'sec-ch-ua-model'],
    })
    const sentToAll = identity.navigationHeaders
      .map(([name]) => name.toLowerCase())
      .filter((name) => name.startsWith('sec-ch-'))
    expect(sentToAll).toEqual(['sec-ch-ua', 'sec-ch-ua-mobile', 'sec-ch-ua-platform'])
  })

  test.each(['session.http', 'session.fetch'])(
    '%s gives them when Chromium does, in its order',
    async (name) => {
      const context = await browser.newContext()
      const page = await context.newPage()
      const carrier: Carrier & { identity: Identity } = {
        ...carrierOf({ identity: { ...identity, hintsAsked: {} } }),
        identity: { ...identity, hintsAsked: {} },
        identityChanged(next) {
          carrier.identity = next
        },
      }
      const clients = await replayers(carrier, { lookup: shop.lookup, ca: shop.ca })
      const client = clients.find((one) => one.name === name)
      const pairs: Pair[] = []
      for (const one of way()) {
        const { requests } = await askByPage(page, recorder, one)
        const [seen] = requests
        if (seen === undefined || client === undefined) throw new Error(`Nothing came: ${one.what}`)
        await client.ask(one, seen)
        pairs.push({ what: one.what, browser: requests, ours: recorder.take().requests })
      }
      const mine = [...exceptions.filter((one) => one.of(name, '1.1')), blurred]
      expect(differences(pairs, mine)).toEqual([])
      // Who never gives a hint is like Chromium in none of these.
      const hints = pairs
        .flatMap(({ ours }) => ours)
        .filter(({ headers }) => headers.some(([key]) => key === 'sec-ch-ua-arch'))
      expect(hints.length).toBeGreaterThan(10)
      await Promise.all([...clients.map((one) => one.close()), context.close()])
    },
  )
})
