import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FormatName } from '../../../src/bridge/formats/format.ts'
import { detectFormat, formatState, listFormats } from '../../../src/bridge/formats/format-state.ts'
import { parseState } from '../../../src/bridge/parse-state.ts'
import type { SessionState } from '../../../src/state/state.ts'
import { breaches, type LawOptions } from './loss-law.ts'
import { aValidState } from './valid-states.ts'

const requests = new Set<FormatName>(['cookie-header', 'curl', 'wget', 'document-cookie'])
const url = 'https://shop.test/a/b?page=1'
const runs = 200

function lawOf(name: FormatName): LawOptions {
  return {
    keepsOrder: !requests.has(name),
    ...(name === 'har' && { fillsIn: ['sourceScheme', 'sourcePort', 'priority'] }),
  }
}

const there = (state: SessionState): boolean => state.cookies.length > 0

describe.each(listFormats().map(({ name }) => name))('%s', (name) => {
  const law = lawOf(name)

  test('gives back what was written, up to exactly the losses that it reports', () => {
    const count = { states: 0, cookies: 0, losses: 0 }
    fc.assert(
      fc.property(aValidState, (state) => {
        const { text, report } = formatState(state, { to: name, url })
        const { state: read } = parseState(text, { from: name, url })
        expect(breaches(state, report, read, law)).toEqual([])
        if (!there(read)) return
        count.states += 1
        count.cookies += read.cookies.length
        count.losses += report.length
      }),
      { numRuns: runs },
    )
    expect(count.states).toBeGreaterThan(runs / 20)
    expect(count.cookies).toBeGreaterThan(runs / 20)
    if (name === 'sessionbridge') expect(count.losses).toBe(0)
    else expect(count.losses).toBeGreaterThan(runs / 20)
  })

  test('is recognised in what it has written, and reads it without a complaint', () => {
    let seen = 0
    fc.assert(
      fc.property(aValidState, (state) => {
        const { text } = formatState(state, { to: name, url })
        const { state: read, report } = parseState(text, { from: name, url })
        expect(report.filter(({ reason }) => reason !== 'unsupported')).toEqual([])
        // Text that begins with a cookie without a name, or with an odd one, looks like nothing.
        if (!there(read) || (name === 'document-cookie' && !/^[^\s=;:{[]+=/.test(text))) return
        const detected = detectFormat(text)
        // Lists of cookies without a mark of their own read the same under each name.
        if (detected !== name) expect(parseState(text, { url }).state).toEqual(read)
        else seen += 1
      }),
      { numRuns: runs },
    )
    expect(seen).toBeGreaterThan(0)
  })
})

describe('the control', () => {
  const lossy = listFormats()
    .map(({ name }) => name)
    .filter((name) => name !== 'sessionbridge')

  test.each(lossy)('%s breaks the law when one of the losses is not told', (name) => {
    let tried = 0
    fc.assert(
      fc.property(aValidState, fc.nat(), (state, which) => {
        const { text, report } = formatState(state, { to: name, url })
        if (report.length === 0) return
        const { state: read } = parseState(text, { from: name, url })
        const silent = report.filter((_, at) => at !== which % report.length)
        expect(breaches(state, silent, read, lawOf(name))).not.toEqual([])
        tried += 1
      }),
      { numRuns: runs },
    )
    expect(tried).toBeGreaterThan(runs / 20)
  })
})
