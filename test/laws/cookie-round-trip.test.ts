import fc from 'fast-check'
import type { BrowserContext } from 'playwright'
import { CookieJar } from 'tough-cookie'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCookies, writeCookies } from '../../src/bridge/context/cookies.ts'
import { fromCookieJar, toCookieJar } from '../../src/bridge/jar/jar.ts'
import { parseState } from '../../src/bridge/parse-state.ts'
import { cookieDefect } from '../../src/policy/cookie-defect.ts'
import { openSnapshot, sealSnapshot } from '../../src/snapshot/seal.ts'
import { generateKey, parseKeys } from '../../src/snapshot/keys.ts'
import { cookieKey, type SessionState, type StateCookie } from '../../src/state/state.ts'
import { differenceOf } from './cookie-difference.ts'
import { type CookieWire, openCookieWire, patience, rounds } from './cookie-wire.ts'
import { worldCookie } from './cookie-world.ts'

/** Law 1: browser → state → jar → file → jar → browser, field by field, or a reason for each that is not the same. */

let wire: CookieWire
let other: BrowserContext

beforeAll(async () => {
  wire = await openCookieWire()
  const browser = wire.context.browser()
  if (browser === null) throw new Error('Chromium has a browser')
  other = await browser.newContext()
})

afterAll(() => wire.close())

const pick = <const T extends readonly unknown[]>(...values: T): fc.Arbitrary<T[number]> =>
  fc.constantFrom(...values)

/** Any character that a cookie may hold, not only those that tests think of. */
const anyText = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'grapheme', maxLength }).map((text) => Array.from(text).filter(isKept).join('').trim())

/** `;` ends a value, and control characters are refused. */
const isKept = (character: string): boolean =>
  character !== ';' && character > '\u001f' && character !== '\u007f'

/** A cookie of the world with every field that the protocol has, on one of many sites. */
const anyCookie: fc.Arbitrary<StateCookie> = fc
  .record({
    cookie: worldCookie,
    label: fc.integer({ min: 0, max: 400 }),
    moved: fc.boolean(),
    text: fc.option(fc.tuple(anyText(12), anyText(40)), { nil: undefined }),
    size: fc.option(fc.integer({ min: 100, max: 3_900 }), { nil: undefined, freq: 15 }),
    fraction: fc.option(fc.integer({ min: 0, max: 999_999 }), { nil: undefined }),
    priority: pick('Low', 'Medium', 'High'),
    port: pick(443, 80, 8443, -1),
    scheme: pick('Secure', 'NonSecure', 'Unset'),
  })
  .map(({ cookie, label, moved, text, size, fraction, priority, port, scheme }): StateCookie => {
    const host = `s${String(label)}.test`
    const [name, value] = text ?? [cookie.name, cookie.value]
    const isPrefixed = cookie.name.startsWith('__')
    return {
      ...cookie,
      name: isPrefixed ? cookie.name : name.replaceAll('=', ''),
      value: size === undefined ? value : 'x'.repeat(size),
      ...(moved && { domain: cookie.domain.startsWith('.') ? `.${host}` : host }),
      expires:
        cookie.expires === -1 || fraction === undefined ? cookie.expires : cookie.expires + fraction / 1e6,
      priority,
      sourcePort: port,
      sourceScheme: cookie.secure ? 'Secure' : scheme,
    }
  })
  .filter((cookie) => cookieDefect(cookie, Date.now()) === undefined)

/** Of one batch no site has more than Chromium keeps. */
const batch = fc.uniqueArray(anyCookie, { minLength: 200, maxLength: 200, selector: cookieKey, size: 'max' })

const keys = parseKeys(generateKey())

/** Through a jar, written down as JSON, sealed and opened, read again, and through another jar. */
async function overEverything(cookies: readonly StateCookie[]): Promise<SessionState> {
  const { state } = fromCookieJar(toCookieJar({ cookies, origins: [] }))
  const name = 'law/alice'
  const sealed = await sealSnapshot(
    { name, state, headerRules: [], epoch: 1, generation: 1, savedAt: 0 },
    keys,
  )
  const opened = await openSnapshot(sealed, { name, keys })
  const parsed = parseState(JSON.stringify(opened.state))
  expect(parsed.report).toEqual([])
  return fromCookieJar(toCookieJar(parsed.state)).state
}

/** What is left of the cookies in tough-cookie's own jar, which people use for this. */
function throughDefaultJar(cookies: readonly StateCookie[]): readonly StateCookie[] {
  const jar = new CookieJar()
  for (const { name, value, domain, path, secure } of cookies) {
    const host = domain.replace(/^\./, '')
    const line = `${name}=${Buffer.from(value).toString('latin1')}; Path=${path}${secure ? '; Secure' : ''}`
    jar.setCookieSync(line, `https://${host}${path}`, { ignoreError: true, loose: true })
  }
  return fromCookieJar(jar).state.cookies
}

test('a cookie is the same after the whole way, or there is a reason', { timeout: patience }, async () => {
  const counts = { cookies: 0, same: 0, reported: 0, control: 0 }
  const reasons = new Map<string, number>()
  const differences: string[] = []
  for (const cookies of fc.sample(batch, { numRuns: rounds(5), seed: 20_261_126 })) {
    counts.cookies += cookies.length
    const first = await writeCookies(wire.context, cookies, { replace: true })
    const inBrowser = (await readCookies(wire.context)).cookies
    const state = await overEverything(inBrowser)
    const second = await writeCookies(other, state.cookies, { replace: true })
    const arrived = (await readCookies(other)).cookies
    const reported = new Set([...first, ...second].map(({ name, where }) => `${name} ${where}`))
    for (const { reason, rule = '' } of [...first, ...second])
      reasons.set(`${reason} ${rule}`, (reasons.get(`${reason} ${rule}`) ?? 0) + 1)
    const kept = cookies.filter(({ name, domain, path }) => !reported.has(`${name} ${domain}${path}`))
    counts.reported += cookies.length - kept.length
    const keptKeys = new Set(kept.map(cookieKey))
    const left = arrived.filter((cookie) => keptKeys.has(cookieKey(cookie)))
    const difference = differenceOf(left, kept) ?? exactTimes(left, kept)
    if (difference === undefined) counts.same += kept.length
    else differences.push(difference)
    const byDefault = new Map(throughDefaultJar(inBrowser).map((cookie) => [cookieKey(cookie), cookie]))
    counts.control += kept.filter(
      (cookie) =>
        differenceOf(
          [cookie],
          [byDefault.get(cookieKey(cookie)) ?? cookie].filter((found) => found !== cookie),
        ) !== undefined,
    ).length
  }
  console.log(
    `${String(counts.cookies)} cookies: ${String(counts.same)} the same after the whole way, ${String(counts.reported)} reported ` +
      `${JSON.stringify([...reasons])}; a default jar changes or loses ${String(counts.control)}`,
  )
  expect(differences.slice(0, 3).join('\n')).toBe('')
  expect(counts.same + counts.reported).toBe(counts.cookies)
  expect(counts.same).toBeGreaterThan(counts.cookies * 0.9)
  expect(counts.control).toBeGreaterThan(100)
})

/** Nothing passes on the way but microseconds: here times are compared exactly. */
function exactTimes(some: readonly StateCookie[], others: readonly StateCookie[]): string | undefined {
  const times = new Map(others.map((cookie) => [cookieKey(cookie), cookie.expires]))
  const off = some.filter((cookie) => Math.abs(cookie.expires - (times.get(cookieKey(cookie)) ?? NaN)) > 2e-6)
  return off.length === 0 ? undefined : `times differ: ${JSON.stringify(off[0])}`
}
