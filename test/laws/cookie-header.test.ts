import fc from 'fast-check'
import { CookieJar } from 'tough-cookie'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeCookies } from '../../src/bridge/context/cookies.ts'
import { cookieHeader } from '../../src/bridge/jar/cookie-header.ts'
import { toCookieJar } from '../../src/bridge/jar/jar.ts'
import { Cell } from '../../src/state/cell.ts'
import type { StateCookie } from '../../src/state/state.ts'
import { type CookieWire, openCookieWire, patience, rounds } from './cookie-wire.ts'
import { worldCookies, worldPlace } from './cookie-world.ts'

/** Law 2, same wire: for any URL our clients send the Cookie header that Chromium would send, order included. */

let wire: CookieWire

beforeAll(async () => {
  wire = await openCookieWire()
})

afterAll(() => wire.close())

/** What a careful user of tough-cookie's own jar does: each cookie as a Set-Cookie line against its own host. */
function defaultJar(cookies: readonly StateCookie[]): CookieJar {
  const jar = new CookieJar()
  for (const cookie of cookies) {
    const host = cookie.domain.replace(/^\./, '')
    const line = [
      `${cookie.name}=${Buffer.from(cookie.value).toString('latin1')}`,
      `Path=${cookie.path}`,
      ...(cookie.domain.startsWith('.') ? [`Domain=${host}`] : []),
      ...(cookie.secure ? ['Secure'] : []),
      ...(cookie.expires === -1 ? [] : [`Expires=${new Date(cookie.expires * 1000).toUTCString()}`]),
      ...(cookie.partitionKey === undefined ? [] : ['Partitioned']),
    ].join('; ')
    jar.setCookieSync(line, `https://${host}${cookie.path}`, { ignoreError: true, loose: true })
  }
  return jar
}

test(
  'a state handed to Chromium, to our engine and to our jar makes one and the same Cookie header',
  { timeout: patience },
  async () => {
    const counts = { headers: 0, several: 0, empty: 0, jar: 0, engine: 0, control: 0, refused: 0 }
    const cases = fc.tuple(worldCookies, fc.uniqueArray(worldPlace, { minLength: 6, maxLength: 6 }))
    const differences: string[] = []
    for (const [cookies, places] of fc.sample(cases, { numRuns: rounds(85), seed: 20_261_120 })) {
      counts.refused += (await writeCookies(wire.context, cookies, { replace: true })).length
      const cell = new Cell({ cookies, origins: [] })
      const jar = toCookieJar(cell)
      const control = defaultJar(cookies)
      for (const place of places) {
        const url = wire.url(place)
        const expected = await wire.visit(url)
        counts.headers += 1
        if (expected.includes('; ')) counts.several += 1
        if (expected === '') counts.empty += 1
        const engine = cookieHeader(cell, url)
        if (engine !== expected) {
          counts.engine += 1
          differences.push(`${url.href}\n  chromium ${expected}\n  engine   ${engine}`)
        }
        if ((await jar.getCookieString(url.href)) !== expected) counts.jar += 1
        if (control.getCookieStringSync(url.href) !== expected) counts.control += 1
      }
    }
    console.log(
      `${String(counts.headers)} headers against Chromium (${String(counts.several)} with several cookies, ` +
        `${String(counts.empty)} empty): engine differs in ${String(counts.engine)}, jar in ${String(counts.jar)}, ` +
        `tough-cookie's default jar in ${String(counts.control)}`,
    )
    expect(differences.slice(0, 5)).toEqual([])
    expect(counts).toMatchObject({ engine: 0, jar: 0, refused: 0 })
    expect(counts.headers).toBeGreaterThanOrEqual(rounds(500))
    expect(counts.several).toBeGreaterThan(140)
    expect(counts.control).toBeGreaterThan(90)
  },
)
