import type { BrowserContext, Cookie } from 'playwright'
import { CookieJar, MemoryCookieStore, Cookie as ToughCookie } from 'tough-cookie'
import { readCookies, writeCookies } from '../../src/bridge/context/cookies.ts'
import { cookieHeader } from '../../src/bridge/jar/cookie-header.ts'
import { toCookieJar } from '../../src/bridge/jar/jar.ts'
import { sanitize } from '../../src/policy/gate.ts'
import { Cell } from '../../src/state/cell.ts'
import type { StateCookie } from '../../src/state/state.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop } from '../site/shop.ts'

/**
 * Cookies in memory beside tough-cookie's own store, and across the protocol beside Playwright's. Rounds of one run,
 * interleaved and rotated, medians of paired ratios: nothing here depends on how fast the machine is.
 */
export interface CookieFigures {
  readonly ratios: readonly { readonly what: string; readonly ratio: number; readonly target: number }[]
}

type Times = Readonly<Record<string, readonly number[]>>
type Contenders = Readonly<Record<string, () => unknown>>

const cookiesInAll = 1_000
const lookUps = 100_000

export async function benchCookies(write: (line: string) => void = console.log): Promise<CookieFigures> {
  const ratios: { what: string; ratio: number; target: number }[] = []
  const compare = (what: string, times: Times, ours: string, theirs: string, target: number): void => {
    const ratio = pairedRatio(times[theirs] ?? [], times[ours] ?? [])
    ratios.push({ what, ratio, target })
    const [mine, other] = [median(times[ours] ?? []), median(times[theirs] ?? [])]
    write(
      `  ${what}: ${ratio.toFixed(2)}× (target ${String(target)}×); ${mine.toFixed(1)} ms beside ${other.toFixed(1)} ms`,
    )
  }

  const cookies = someCookies(cookiesInAll)
  const filling = await measure(fillers(cookies), 15)
  compare(
    `gate and jar of ${String(cookiesInAll)} cookies / setCookie one by one`,
    filling,
    'ours',
    'setCookie',
    1,
  )
  const asking = await measure(askers(cookies), 7)
  compare(`${String(lookUps)} headers from the cell / getCookieString`, asking, 'cookieHeader', 'theirs', 1)
  compare(`${String(lookUps)} headers from our jar / getCookieString`, asking, 'our jar', 'theirs', 1)
  compare(
    `gate, jar of ${String(cookiesInAll)} and ${String(lookUps)} headers / straight into the store and look-ups`,
    { ours: added(filling.ours, asking['our jar']), theirs: added(filling.putCookie, asking.theirs) },
    'ours',
    'theirs',
    1,
  )
  const taking = await measure(takers(), 9)
  compare('2,000 Set-Cookie lines into our jar / setCookie', taking, 'our jar', 'theirs', 0.5)

  const shop = await startShop()
  const browser = await launchChromium(shop)
  try {
    const context = await browser.newContext()
    const crossing = await measure(crossers(context, someCookies(500)), 15)
    compare('readCookies of 500 / context.cookies', crossing, 'readCookies', 'cookies', 1)
    compare('writeCookies of 500 / clearCookies and addCookies', crossing, 'writeCookies', 'addCookies', 0.7)
  } finally {
    await browser.close()
    await shop.close()
  }
  return { ratios }
}

const sites = 50
const host = (at: number): string => `www.site${String(at % sites)}.test`
const place = (at: number): string => `https://${host(at)}/a/b?n=${String(at)}`

function someCookies(count: number): StateCookie[] {
  return Array.from({ length: count }, (_, at) => ({
    name: `cookie${String(at)}`,
    value: `value-of-cookie-${String(at)}`,
    domain: at % 3 === 0 ? `.site${String(at % sites)}.test` : host(at),
    path: at % 4 === 0 ? '/a' : '/',
    expires: at % 2 === 0 ? -1 : Math.floor(Date.now() / 1000) + 86_400,
    httpOnly: at % 5 === 0,
    secure: true,
    ...(at % 2 === 0 && { sameSite: 'Lax' }),
  }))
}

const lineOf = ({ name, value, domain, path, expires, httpOnly, sameSite }: StateCookie): string =>
  [
    `${name}=${value}`,
    `Path=${path}`,
    ...(domain.startsWith('.') ? [`Domain=${domain.slice(1)}`] : []),
    'Secure',
    ...(httpOnly ? ['HttpOnly'] : []),
    ...(expires === -1 ? [] : [`Expires=${new Date(expires * 1000).toUTCString()}`]),
    ...(sameSite === undefined ? [] : [`SameSite=${sameSite}`]),
  ].join('; ')

const urlOf = ({ domain, path }: StateCookie): string => `https://${domain.replace(/^\./, '')}${path}`

function fillers(cookies: readonly StateCookie[]): Contenders {
  const lines = cookies.map((cookie) => ({ line: lineOf(cookie), url: urlOf(cookie) }))
  return {
    ours: () => {
      const { state } = sanitize({ cookies, origins: [] }, { trackers: 'keep' })
      return toCookieJar(state).getCookieStringSync(place(0))
    },
    setCookie: () => {
      const jar = new CookieJar()
      for (const { line, url } of lines) jar.setCookieSync(line, url)
      return jar.getCookieStringSync(place(0))
    },
    putCookie: () => {
      const store = new MemoryCookieStore()
      for (const cookie of cookies) void store.putCookie(objectOf(cookie))
      return new CookieJar(store).getCookieStringSync(place(0))
    },
  }
}

function objectOf({ name, value, domain, path, expires, httpOnly, secure }: StateCookie): ToughCookie {
  return new ToughCookie({
    key: name,
    value,
    domain: domain.replace(/^\./, ''),
    hostOnly: !domain.startsWith('.'),
    path,
    expires: expires === -1 ? 'Infinity' : new Date(expires * 1000),
    httpOnly,
    secure,
    creation: new Date(),
  })
}

/** Strings as URLs in jars, as they are called by HTTP clients; the cell takes the URL that our clients have anyway. */
function askers(cookies: readonly StateCookie[]): Contenders {
  const cell = new Cell({ cookies, origins: [] })
  const ours = toCookieJar(cell)
  const theirs = new CookieJar()
  for (const cookie of cookies) theirs.setCookieSync(lineOf(cookie), urlOf(cookie))
  const places = Array.from({ length: 1_000 }, (_, at) => place(at))
  const urls = places.map((one) => new URL(one))
  const each = (look: (at: number) => unknown) => () => {
    for (let n = 0; n < lookUps; n++) look(n % places.length)
  }
  return {
    cookieHeader: each((at) => cookieHeader(cell, urls[at] ?? nowhere)),
    'our jar': each((at) => ours.getCookieStringSync(places[at] ?? '')),
    theirs: each((at) => theirs.getCookieStringSync(places[at] ?? '')),
  }
}

const nowhere = new URL('https://nowhere.test')

/** Every line changes something: the cookies rotate. */
function takers(): Contenders {
  const fill = (jar: CookieJar) => () => {
    for (let n = 0; n < 2_000; n++)
      jar.setCookieSync(`sid${String(n % 7)}=${String(n)}; Path=/; Secure; HttpOnly; Max-Age=3600`, place(n))
  }
  return { 'our jar': fill(toCookieJar(new Cell())), theirs: fill(new CookieJar()) }
}

function crossers(context: BrowserContext, cookies: readonly StateCookie[]): Contenders {
  return {
    writeCookies: () => writeCookies(context, cookies, { replace: true }),
    addCookies: async () => {
      await context.clearCookies()
      await context.addCookies(cookies.map((cookie): Cookie => ({ sameSite: 'Lax', ...cookie })))
    },
    readCookies: () => readCookies(context),
    cookies: () => context.cookies(),
  }
}

/** All contenders once unmeasured, then round by round, each round beginning with another one. */
async function measure(contenders: Contenders, rounds: number): Promise<Times> {
  const entries = Object.entries(contenders)
  const times: Record<string, number[]> = Object.fromEntries(entries.map(([name]) => [name, []]))
  for (const [, run] of entries) await run()
  for (let round = 0; round < rounds; round++)
    for (let turn = 0; turn < entries.length; turn++) {
      const [name, run] = entries[(round + turn) % entries.length] ?? []
      if (name === undefined || run === undefined) continue
      const begun = performance.now()
      await run()
      times[name]?.push(performance.now() - begun)
    }
  return times
}

function added(some: readonly number[] = [], more: readonly number[] = []): number[] {
  return more.map((time, round) => time + (some[round] ?? NaN))
}

/** How much longer theirs takes, round by round, so that a slow moment counts on both sides. */
function pairedRatio(theirs: readonly number[], ours: readonly number[]): number {
  return median(theirs.map((time, round) => time / (ours[round] ?? NaN)))
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

if (process.argv[1] === import.meta.filename) await benchCookies()
