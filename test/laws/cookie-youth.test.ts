import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeCookies } from '../../src/bridge/context/cookies.ts'
import { cookieHeader } from '../../src/bridge/jar/cookie-header.ts'
import { ingestSetCookies } from '../../src/bridge/jar/set-cookie.ts'
import { Cell } from '../../src/state/cell.ts'
import { Asker, type Asking, contextOf } from './cookie-contexts.ts'
import { type CookieWire, openCookieWire } from './cookie-wire.ts'

/** The time in which a cookie without SameSite goes with a cross-site POST: two minutes, ten seconds in this Chromium. */

let wire: CookieWire

beforeAll(async () => {
  wire = await openCookieWire({ args: ['--enable-features=ShortLaxAllowUnsafeThreshold'] })
})

afterAll(() => wire.close())

const short = 10_000
const long = 120_000

test('a young cookie goes with a POST from another site, and an old one does not', async () => {
  const tab = await Asker.open(wire)
  const url = wire.url({ secure: true, host: 'shop.test', path: '/' })
  const asking: Asking = { manner: 'post', page: { secure: true, host: 'other.test' } }
  const [header] = await tab.ask(asking, [wire.expect(url)]) // the page is there before the clock runs
  expect(header).toBe('')
  let cell = new Cell()
  const lines = ['unset=1; Path=/', 'lax=1; SameSite=Lax; Path=/', 'none=1; SameSite=None; Secure; Path=/']
  let [set, stored] = [0, 0]
  const counts = { young: 0, old: 0 }
  while (counts.young === 0 || counts.old === 0) {
    // Anew, if the machine stood still for all of its youth.
    if (counts.young === 0) {
      await writeCookies(wire.context, [], { replace: true })
      cell = new Cell()
      set = Date.now()
      await wire.visit(url, { lines })
      stored = Date.now()
      ingestSetCookies(cell, url, lines, { by: 'test', now: set })
    }
    const from = Date.now()
    const [header] = await tab.ask(asking, [wire.expect(url)])
    const to = Date.now()
    // Between the two ends of what is known of Chromium's clock nothing is certain.
    const young = to - set <= short
    const old = from - stored > short
    if (young) counts.young += 1
    if (old) counts.old += 1
    if (!young && !old) continue
    const now = young ? set + long : set + long + 1
    expect(header).toBe(cookieHeader(cell, url, { ...contextOf(asking), now }))
  }
})
