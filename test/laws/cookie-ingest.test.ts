import fc from 'fast-check'
import { CookieJar } from 'tough-cookie'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCookies, writeCookies } from '../../src/bridge/context/cookies.ts'
import { cookieHeader } from '../../src/bridge/jar/cookie-header.ts'
import { ingestSetCookies } from '../../src/bridge/jar/set-cookie.ts'
import { Cell } from '../../src/state/cell.ts'
import type { SessionState, StateCookie } from '../../src/state/state.ts'
import { type CookieWire, openCookieWire, patience, rounds } from './cookie-wire.ts'
import { type LinesResponse, linesResponse } from './set-cookie-lines.ts'

/** Law 2, same wire: a Set-Cookie that a client receives changes the state as it would have changed Chromium's. */

let wire: CookieWire

beforeAll(async () => {
  wire = await openCookieWire()
})

afterAll(() => wire.close())

/** Both sides hear the same responses in the same order. */
async function play(responses: readonly LinesResponse[], cell: Cell): Promise<void> {
  for (const { place, lines, clock } of responses) {
    const url = wire.url(place)
    const now = Date.now()
    const date = clock === undefined ? undefined : new Date(now + clock * 1000).toUTCString()
    await wire.visit(url, { lines, ...(date !== undefined && { date }) })
    ingestSetCookies(cell, url, lines, { by: 'test', now, ...(date !== undefined && { date }) })
  }
}

/** Longest path first, else as it was: all of the order that a header shows. Times as near as a slow machine allows. */
function comparable(cookies: readonly StateCookie[]): unknown[] {
  const length = ({ path }: StateCookie): number => Buffer.byteLength(path)
  return [...cookies]
    .sort((a, b) => length(b) - length(a))
    .map((cookie) => ({
      ...cookie,
      expires: cookie.expires === -1 ? 'session' : Math.round(cookie.expires / 60),
    }))
}

const close = (a: unknown, b: unknown): boolean =>
  typeof a === 'number' && typeof b === 'number' ? Math.abs(a - b) <= 1 : a === b

function sameCookies(mine: readonly StateCookie[], theirs: readonly StateCookie[]): boolean {
  const [left, right] = [comparable(mine), comparable(theirs)] as Record<string, unknown>[][]
  if (left === undefined || right?.length !== left.length) return false
  return left.every((cookie, at) => {
    const other = right[at] ?? {}
    return (
      Object.keys(cookie).length === Object.keys(other).length &&
      Object.entries(cookie).every(([field, value]) => close(value, other[field]))
    )
  })
}

/** tough-cookie's own jar hears the same responses. */
function control(responses: readonly LinesResponse[]): CookieJar {
  const jar = new CookieJar()
  for (const { place, lines } of responses)
    for (const line of lines)
      jar.setCookieSync(line, wire.url(place).href, { ignoreError: true, loose: true })
  return jar
}

/** What one side has and the other has not, with the lines; long runs of one character are cut. */
function explained(
  responses: readonly LinesResponse[],
  mine: readonly StateCookie[],
  theirs: readonly StateCookie[],
): string {
  const [engine, chromium] = [mine, theirs].map((side) =>
    comparable(side).map((cookie) => JSON.stringify(cookie)),
  )
  const lines = responses.flatMap(({ place, lines, clock }) => [
    `at ${JSON.stringify(place)} ${String(clock)}`,
    ...lines.map((line) => JSON.stringify(line)),
  ])
  const text = [
    ...lines,
    'chromium:',
    ...(chromium ?? []).filter((cookie) => engine?.includes(cookie) !== true),
    'engine:',
    ...(engine ?? []).filter((cookie) => chromium?.includes(cookie) !== true),
  ].join('\n')
  return text.replaceAll(/(.)\1{50,}/g, '$1…$1')
}

test(
  'after the same responses the cell holds what Chromium holds, field by field and in order',
  { timeout: patience },
  async () => {
    const counts = { responses: 0, lines: 0, kept: 0, refused: 0, different: 0, headers: 0, control: 0 }
    const cases = fc.array(linesResponse, { minLength: 2, maxLength: 4, size: 'max' })
    const differences: string[] = []
    for (const responses of fc.sample(cases, {
      numRuns: rounds(90),
      seed: 20_261_121,
    })) {
      await writeCookies(wire.context, [], { replace: true })
      const cell = new Cell()
      await play(responses, cell)
      const { cookies } = await readCookies(wire.context)
      counts.responses += responses.length
      counts.lines += responses.reduce((sum, { lines }) => sum + lines.length, 0)
      counts.kept += cookies.length
      if (!sameCookies(cell.state.cookies, cookies)) {
        counts.different += 1
        differences.push(explained(responses, cell.state.cookies, cookies))
      }
      const [first] = responses
      if (first === undefined) continue
      const url = wire.url(first.place)
      const header = await wire.visit(url)
      counts.headers += 1
      if (header !== cookieHeader(cell, url))
        differences.push(`header ${header}\n${explained(responses, [], [])}`)
      if (header !== control(responses).getCookieStringSync(url.href)) counts.control += 1
    }
    console.log(
      `${String(counts.lines)} Set-Cookie lines in ${String(counts.responses)} responses, ${String(counts.kept)} cookies kept ` +
        `by Chromium; states different: ${String(counts.different)} of ${String(counts.headers)}, ` +
        `headers of tough-cookie's default jar different: ${String(counts.control)}`,
    )
    expect(differences.join('\n\n')).toBe('')
    expect(counts.lines).toBeGreaterThan(600)
    expect(counts.kept).toBeGreaterThan(200)
    expect(counts.control).toBeGreaterThan(0)
  },
)

test('octets that are not UTF-8 come out of the cell as they went in, as they do out of Chromium', async () => {
  const url = wire.url({ secure: true, host: 'shop.test', path: '/a' })
  const lines = [
    'a=\xe9b',
    'b=\xc3\xa9\xff',
    'c\xfe=\xf0\x9f\x98\x80\xf0\x9f',
    '\x80',
    'd=\xed\xa0\x80',
    'e=\xc2\xa0',
  ]
  await writeCookies(wire.context, [], { replace: true })
  const cell = new Cell()
  await wire.visit(url, { lines })
  ingestSetCookies(cell, url, lines, { by: 'test' })
  expect(cookieHeader(cell, url)).toBe(await wire.visit(url))
  expect(cell.state.cookies).toHaveLength(lines.length)
  const copied = new Cell(JSON.parse(JSON.stringify(cell.state)) as SessionState)
  expect(cookieHeader(copied, url)).toBe(cookieHeader(cell, url))
})
