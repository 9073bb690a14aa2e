import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCookies, writeCookies } from '../../src/bridge/context/cookies.ts'
import { cookieHeader } from '../../src/bridge/jar/cookie-header.ts'
import { ingestSetCookies } from '../../src/bridge/jar/set-cookie.ts'
import { Cell } from '../../src/state/cell.ts'
import type { Report } from '../../src/state/report.ts'
import type { StateCookie } from '../../src/state/state.ts'
import { type CookieWire, isLong, openCookieWire, patience, rounds } from './cookie-wire.ts'
import type { Place } from './cookie-world.ts'

/** Law 2 where there are too many cookies: what Chromium throws out goes from the cell, and is reported. */

let wire: CookieWire

beforeAll(async () => {
  wire = await openCookieWire()
})

afterAll(() => wire.close())

interface Crowd {
  /** Host and lines of the responses, in order. */
  readonly responses: readonly { readonly place: Place; readonly lines: readonly string[] }[]
  /** Whether a request to the first host is made before the last response. */
  readonly looked: boolean
}

const pick = <const T extends readonly unknown[]>(...values: T): fc.Arbitrary<T[number]> =>
  fc.constantFrom(...values)

const place: fc.Arbitrary<Place> = fc.record({
  secure: fc.constant(true),
  host: pick('shop.test', 'www.shop.test', 'api.shop.test'),
  path: fc.constant('/a'),
})

/** Attributes in mixtures from "all alike" to "all different", so that every round of the purge has its turn. */
const tails = fc.uniqueArray(
  fc
    .tuple(
      pick('', '; Secure'),
      pick('', '; Priority=Low', '; Priority=High'),
      pick('', '; Domain=shop.test'),
      pick('', '', '; Max-Age=0'),
    )
    .map((parts) => parts.join('')),
  { minLength: 1, maxLength: 6 },
)

const crowd: fc.Arbitrary<Crowd> = fc
  .tuple(
    tails.chain((some) =>
      fc.array(
        fc.record({
          place,
          lines: fc.array(
            fc
              .tuple(fc.integer({ min: 0, max: 400 }), pick(...some))
              .map(([n, tail]) => `c${String(n)}=1; Path=/${tail}`),
            { minLength: 70, maxLength: 120, size: 'max' },
          ),
        }),
        { minLength: 3, maxLength: 5, size: 'max' },
      ),
    ),
    fc.boolean(),
  )
  .map(([responses, looked]) => ({ responses, looked }))

const names = (cookies: readonly StateCookie[]): string[] =>
  cookies.map(({ name, domain, partitionKey = '' }) => `${name} ${domain} ${partitionKey}`).sort()

async function hear(cell: Cell, { place, lines }: Crowd['responses'][number]): Promise<Report> {
  const url = wire.url(place)
  await wire.visit(url, { lines })
  return ingestSetCookies(cell, url, lines, { by: 'test' })
}

const emptied = (): Promise<Report> => writeCookies(wire.context, [], { replace: true })

test(
  'of a site with too many cookies the same ones go as in Chromium, each reported',
  { timeout: patience },
  async () => {
    const counts = { crowds: 0, lines: 0, evicted: 0, crowded: 0, different: 0 }
    const differences: string[] = []
    for (const { responses, looked } of fc.sample(crowd, { numRuns: rounds(12), seed: 20_261_123 })) {
      await emptied()
      const cell = new Cell()
      let evicted = 0
      for (const [at, response] of responses.entries()) {
        if (looked && at === responses.length - 1) await sameHeader(cell, response.place)
        const report = await hear(cell, response)
        evicted += report.filter(({ reason }) => reason === 'too-many').length
        counts.lines += response.lines.length
      }
      const { cookies } = await readCookies(wire.context)
      counts.crowds += 1
      counts.evicted += evicted
      if (evicted > 0) counts.crowded += 1
      const [mine, theirs] = [names(cell.state.cookies), names(cookies)]
      if (mine.join() === theirs.join()) continue
      counts.different += 1
      differences.push(
        `only Chromium has ${theirs.filter((name) => !mine.includes(name)).join()}; ` +
          `only the cell has ${mine.filter((name) => !theirs.includes(name)).join()}`,
      )
    }
    console.log(
      `${String(counts.lines)} lines for ${String(counts.crowds)} crowds: ${String(counts.evicted)} cookies evicted in ` +
        `${String(counts.crowded)} of them, ${String(counts.different)} different from Chromium`,
    )
    expect(differences).toEqual([])
    expect(counts.crowded).toBeGreaterThan(5)
  },
)

async function sameHeader(cell: Cell, at: Place): Promise<void> {
  const url = wire.url(at)
  expect(cookieHeader(cell, url)).toBe(await wire.visit(url))
}

/**
 * Chromium writes a use down when the last one is a minute old. Cookies of /a are set first; a look at them that is
 * written down makes those of /b the ones that were not used for longest. On the browser's own clock: no faster way.
 */
test.runIf(isLong).each([
  { after: 20_000, evicted: 'a' },
  { after: 61_000, evicted: 'b' },
])(
  'a cookie that is looked at $after ms after it was set counts as used when a minute has passed',
  { timeout: patience },
  async ({ after, evicted }) => {
    await emptied()
    const cell = new Cell()
    const place = (path: string): Place => ({ secure: true, host: 'shop.test', path })
    const linesOf = (letter: string, count: number): string[] =>
      Array.from({ length: count }, (_, n) => `${letter}${String(n)}=1; Path=/${letter}`)
    for (const letter of ['a', 'b'])
      await hear(cell, { place: place(`/${letter}`), lines: linesOf(letter, 85) })
    await new Promise((resolve) => setTimeout(resolve, after))
    await sameHeader(cell, place('/a'))
    const report = await hear(cell, { place: place('/'), lines: linesOf('c', 20) }) // neither is sent there
    expect(names(cell.state.cookies)).toEqual(names((await readCookies(wire.context)).cookies))
    expect(report.length).toBeGreaterThan(20)
    expect(new Set(report.map(({ name }) => name.charAt(0)))).toEqual(new Set([evicted]))
  },
)

test('in a partition bytes are counted too', async () => {
  await emptied()
  const cell = new Cell()
  const here: Place = { secure: true, host: 'shop.test', path: '/a' }
  const line = (n: number, value: string): string => `p${String(n)}=${value}; Secure; Path=/; Partitioned`
  const big = Array.from({ length: 60 }, (_, n) => line(n, 'x'.repeat(40 + 7 * n)))
  const small = Array.from({ length: 200 }, (_, n) => line(100 + n, 'y'))
  for (const lines of [big, small, [line(7, 'z'.repeat(4_000)), 'plain=1']]) {
    const report = await hear(cell, { place: here, lines })
    expect(report.some(({ reason }) => reason === 'too-many')).toBe(true)
    const { cookies } = await readCookies(wire.context)
    expect(names(cell.state.cookies)).toEqual(names(cookies))
  }
})

test(
  'of all cookies those go that came in with a state and were never used',
  { timeout: 120_000 },
  async () => {
    const cookies = Array.from({ length: 3_300 }, (_, n): StateCookie => {
      const domain = `d${String(n % 30)}.test`
      return {
        name: `c${String(n)}`,
        value: '1',
        domain,
        path: '/',
        expires: -1,
        httpOnly: false,
        secure: n % 4 > 0,
      }
    })
    expect(await writeCookies(wire.context, cookies, { replace: true })).toEqual([])
    const cell = new Cell({ cookies, origins: [] })
    const report = await hear(cell, {
      place: { secure: true, host: 'shop.test', path: '/a' },
      lines: ['new=1'],
    })
    const kept = await readCookies(wire.context)
    expect(names(cell.state.cookies)).toEqual(names(kept.cookies))
    expect(report).toHaveLength(301)
  },
)
