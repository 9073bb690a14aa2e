import { CookieJar } from 'tough-cookie'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCookies, writeCookies } from '../../src/bridge/context/cookies.ts'
import { cookieHeader } from '../../src/bridge/jar/cookie-header.ts'
import { fromCookieJar, toCookieJar } from '../../src/bridge/jar/jar.ts'
import { ingestSetCookies } from '../../src/bridge/jar/set-cookie.ts'
import { parseState } from '../../src/bridge/parse-state.ts'
import { Cell } from '../../src/state/cell.ts'
import type { Report } from '../../src/state/report.ts'
import { differenceOf } from './cookie-difference.ts'
import { type Hazard, hazards } from './cookie-hazards.ts'
import { type CookieWire, openCookieWire } from './cookie-wire.ts'
import { type Place, worldHosts } from './cookie-world.ts'

/** Laws 1 and 2, case by case: ingest, hand-over and round trip of every hazard that has a name. */

let wire: CookieWire

beforeAll(async () => {
  wire = await openCookieWire()
})

afterAll(() => wire.close())

function placed(text: string): URL {
  const { protocol, hostname, pathname, search } = new URL(text)
  const host = worldHosts.find((known) => known === hostname)
  if (host === undefined) throw new Error(`${hostname} is not a host of the cookie world`)
  const place: Place = { secure: protocol === 'https:', host, path: pathname + search }
  return wire.url(place)
}

interface Outcome {
  readonly differences: readonly string[]
  readonly nontrivial: boolean
  readonly controlDiffers: boolean
  /** What could not be put back, with its reason. */
  readonly reported: Report
}

async function tryOut({ responses, ask }: Hazard): Promise<Outcome> {
  await writeCookies(wire.context, [], { replace: true })
  const cell = new Cell()
  const control = new CookieJar()
  for (const { from, lines } of responses) {
    const url = placed(from)
    await wire.visit(url, { lines })
    ingestSetCookies(cell, url, lines, { by: 'test' })
    for (const line of lines) control.setCookieSync(line, url.href, { ignoreError: true, loose: true })
  }
  const differences: string[] = []
  const note = (direction: string, difference: string | undefined): void => {
    if (difference !== undefined) differences.push(`${direction}: ${difference}`)
  }
  const { cookies } = await readCookies(wire.context)
  note('ingest', differenceOf(cell.state.cookies, cookies))
  const handed = new Cell({ cookies, origins: [] })
  let controlDiffers = false
  for (const target of ask) {
    const url = placed(target)
    const header = await wire.visit(url)
    note(`header after ingest at ${target}`, unlike(cookieHeader(cell, url), header))
    note(`header after hand-over at ${target}`, unlike(cookieHeader(handed, url), header))
    if (control.getCookieStringSync(url.href) !== header) controlDiffers = true
  }
  // Out to a file and through a jar, and back into a browser.
  const { state } = fromCookieJar(toCookieJar(handed))
  const back = parseState(JSON.stringify(state))
  note('file', differenceOf(back.state.cookies, cookies))
  const reported = await writeCookies(wire.context, back.state.cookies, { replace: true })
  if (reported.length === 0) {
    note('round trip', differenceOf((await readCookies(wire.context)).cookies, cookies))
  }
  return { differences, nontrivial: cookies.length > 0, controlDiffers, reported }
}

const unlike = (engine: string, chromium: string): string | undefined =>
  engine === chromium ? undefined : `engine ${engine} chromium ${chromium}`

/** Chromium's protocol cannot take these as they are; writeCookies says so (docs/cookies.md). */
const notPutBack = new Set([
  'path length counts bytes',
  'path with a space',
  'path in UTF-8',
  'path with dots',
  'path with a query',
  'semicolon in quotes',
])

test('every hazard with a name is dealt with as Chromium does', { timeout: 180_000 }, async () => {
  expect(hazards.length).toBeGreaterThanOrEqual(150)
  expect(new Set(hazards.map(({ name }) => name)).size).toBe(hazards.length)
  const counts = { nontrivial: 0, control: 0, reported: 0 }
  const differences: string[] = []
  const unexpected: string[] = []
  for (const hazard of hazards) {
    const outcome = await tryOut(hazard)
    if (outcome.nontrivial) counts.nontrivial += 1
    if (outcome.controlDiffers) counts.control += 1
    if (outcome.reported.length > 0) counts.reported += 1
    if (outcome.reported.length > 0 !== notPutBack.has(hazard.name))
      unexpected.push(`${hazard.name} ${JSON.stringify(outcome.reported)}`)
    if (outcome.differences.length > 0)
      differences.push(`${hazard.name}\n  ${outcome.differences.join('\n  ')}`)
  }
  console.log(
    `${String(hazards.length)} hazards, ${String(counts.nontrivial)} with cookies at the end: ${String(differences.length)} ` +
      `different from Chromium, ${String(counts.reported)} reported as not put back, ` +
      `tough-cookie's default jar differs in ${String(counts.control)}`,
  )
  expect(differences.join('\n').replaceAll(/(.)\1{50,}/g, '$1…$1')).toBe('')
  expect(unexpected).toEqual([])
  expect(counts.nontrivial).toBeGreaterThan(120)
  expect(counts.control).toBeGreaterThan(30)
})
