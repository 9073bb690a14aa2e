import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { sanitize, type GatePolicy } from '../../src/policy/gate.ts'
import type { StateCookie } from '../../src/state/state.ts'

interface Group {
  readonly source: string
  readonly vendor: string
  readonly label: 'tracker' | 'auth' | 'functional'
  /** The third party's; absent: the visited site's own. */
  readonly domain?: string
  readonly note?: string
  readonly names: readonly string[]
}

interface Corpus {
  readonly sources: Readonly<Record<string, string>>
  readonly groups: readonly Group[]
}

const file = new URL('../vectors/tracker-corpus.json', import.meta.url)
const corpus = JSON.parse(readFileSync(file, 'utf8')) as Corpus

interface Entry extends Omit<Group, 'names'> {
  readonly name: string
}

const entries: readonly Entry[] = corpus.groups.flatMap(({ names, ...group }) =>
  names.map((name) => ({ ...group, name })),
)

/** As a login at shop.test would find it: third parties are there, and no page of the login stood on them. */
function cookieOf({ name, domain }: Entry): StateCookie {
  return {
    name,
    value: 'x',
    domain: domain === undefined ? 'shop.test' : `.${domain}`,
    path: '/',
    expires: -1,
    httpOnly: name.toLowerCase().startsWith('__h'),
    secure: true,
  }
}

const login: GatePolicy = { scope: ['shop.test'] }

function isCut(entry: Entry, policy = login): boolean {
  return sanitize({ cookies: [cookieOf(entry)], origins: [] }, policy).dropped.length > 0
}

const of = (label: Group['label']): Entry[] => entries.filter((entry) => entry.label === label)
const names = (list: readonly Entry[]): string[] => list.map(({ name }) => name)
const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`

describe('the gate, over cookie names that others have labelled,', () => {
  const trackers = of('tracker')
  const cut = trackers.filter((entry) => isCut(entry))
  const ownTrackers = trackers.filter(({ domain }) => domain === undefined)
  const ownCut = ownTrackers.filter((entry) => isCut(entry))
  const functionalCut = of('functional').filter((entry) => isCut(entry))
  const authCut = of('auth').filter((entry) => isCut(entry))

  test('has at least 300 of them, each with a source and once', () => {
    expect(new Set(names(entries)).size).toBeGreaterThanOrEqual(300)
    expect(of('auth').length).toBeGreaterThanOrEqual(200)
    const twice = entries.filter((entry, at) =>
      entries.some(({ name, domain }, other) => other < at && name === entry.name && domain === entry.domain),
    )
    expect(names(twice)).toEqual([])
    expect(entries.filter(({ source }) => corpus.sources[source] === undefined)).toEqual([])
  })

  test('removes no authentication cookie', () => {
    expect(names(authCut)).toEqual([])
  })

  test('removes at least 95 % of the trackers', () => {
    const lines = [
      `${String(entries.length)} names: ${String(trackers.length)} trackers, ${String(of('auth').length)} auth, ${String(of('functional').length)} functional`,
      `recall ${percent(cut.length, trackers.length)}; of those in the site's own domain, by name alone, ${percent(ownCut.length, ownTrackers.length)} of ${String(ownTrackers.length)}`,
      `precision ${percent(cut.length, cut.length + functionalCut.length + authCut.length)}; auth removed: ${String(authCut.length)}`,
      `trackers kept: ${names(trackers.filter((entry) => !cut.includes(entry))).join(' ')}`,
      `functional removed: ${names(functionalCut).join(' ')}`,
    ]
    console.log(lines.join('\n'))
    expect(cut.length / trackers.length).toBeGreaterThanOrEqual(0.95)
    expect(ownCut.length / ownTrackers.length).toBeGreaterThanOrEqual(0.9)
    expect(cut.length / (cut.length + functionalCut.length + authCut.length)).toBeGreaterThanOrEqual(0.95)
  })

  test('removes of the functional ones only what the scripts of trackers keep for their own housekeeping', () => {
    const others = functionalCut.filter(({ vendor }) => vendor !== 'housekeeping of trackers')
    expect(names(others)).toEqual([])
  })

  test('names vendor, pattern and list, or the sites of the login, with every cut', () => {
    for (const entry of cut) {
      const [item] = sanitize({ cookies: [cookieOf(entry)], origins: [] }, login).dropped
      expect([entry.name, item?.rule]).toEqual([
        entry.name,
        expect.stringMatching(
          item?.reason === 'tracker'
            ? /^.+: \S.* in the list of (analytics|advertising|marketing) names$/
            : /^no page of the login stood on \S+, only on shop\.test$/,
        ),
      ])
    }
  })

  test('would do worse by other rules (control)', () => {
    // Without a rule nothing is removed; by name alone third parties stay.
    expect(trackers.filter((entry) => isCut(entry, { trackers: 'keep' }))).toEqual([])
    expect(trackers.filter((entry) => isCut(entry, {})).length).toBeLessThan(cut.length)
    // By the database's own categories, which call logins Marketing, the login would be gone.
    const calledMarketing = of('auth').filter(({ note }) => note?.includes('in the source') === true)
    expect(calledMarketing.length).toBeGreaterThan(20)
    expect(names(calledMarketing)).toEqual(expect.arrayContaining(['SAPISID', 'c_user', 'auth_token']))
  })
})
