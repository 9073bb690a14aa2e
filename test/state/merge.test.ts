import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyDiff, diffStates, isEmptyDiff, mergeStates } from '../../src/state/diff.ts'
import { Cell } from '../../src/state/cell.ts'
import { cookieKey, type StateCookie } from '../../src/state/state.ts'
import { aState, canonical, changedState } from './states.ts'

describe('a three-way merge', () => {
  test('takes theirs when I changed nothing, and mine when they changed nothing', () => {
    fc.assert(
      fc.property(aState, aState, (base, other) => {
        expect(canonical(mergeStates(base, base, other))).toEqual(canonical(other))
        expect(canonical(mergeStates(base, other, base))).toEqual(canonical(other))
      }),
    )
  })

  test('keeps what both sides changed, and brings back nothing that one side deleted and the other left alone', () => {
    const seen = { deletions: 0, additions: 0 }
    fc.assert(
      fc.property(changedState, ({ base, mine, theirs }) => {
        const merged = items(mergeStates(base, mine, theirs))
        const [before, my, their] = [items(base), items(mine), items(theirs)]
        for (const key of new Set([...before.keys(), ...my.keys(), ...their.keys()])) {
          const iChanged = my.get(key) !== before.get(key)
          // Mine wins where both changed.
          const expected = iChanged ? my.get(key) : their.get(key)
          expect([key, merged.get(key)]).toEqual([key, expected])
          if (before.has(key) && expected === undefined) seen.deletions += 1
          if (!before.has(key) && expected !== undefined) seen.additions += 1
        }
      }),
    )
    expect(seen.deletions).toBeGreaterThan(50)
    expect(seen.additions).toBeGreaterThan(50)
  })

  test('does not bring back storage items of an origin that they emptied and I changed elsewhere', () => {
    const origin = 'https://shop.test'
    const state = (...entries: [string, string][]) => ({
      cookies: [],
      origins:
        entries.length === 0
          ? []
          : [{ origin, localStorage: entries.map(([name, value]) => ({ name, value })) }],
    })
    const merged = mergeStates(state(['a', '1'], ['b', '1']), state(['a', '2'], ['b', '1']), state())
    expect(merged).toEqual(state(['a', '2']))
  })
})

describe('a difference', () => {
  test('does not see order alone, and so brings nothing back that was only moved; the cell sees it', () => {
    const cookie = (name: string): StateCookie => ({
      name,
      value: '1',
      domain: 'shop.test',
      path: '/',
      expires: -1,
      httpOnly: false,
      secure: true,
    })
    const [a, b] = [cookie('a'), cookie('b')]
    const [base, moved, theirs] = [[a, b], [b, a], [b]].map((cookies) => ({ cookies, origins: [] }))
    if (base === undefined || moved === undefined || theirs === undefined) throw new Error('three states')
    expect(isEmptyDiff(diffStates(base, moved))).toBe(true)
    expect(mergeStates(base, moved, theirs)).toEqual(theirs)
    const cell = new Cell(base)
    cell.merge({ set: [{ ...a }], removed: [a], origins: [], removedOrigins: [] }, 'test')
    expect(cell.state).toEqual(moved)
  })

  test('makes the one state the other when it is applied, and is empty only between equal states', () => {
    fc.assert(
      fc.property(aState, aState, (before, after) => {
        const diff = diffStates(before, after)
        expect(canonical(applyDiff(before, diff))).toEqual(canonical(after))
        const equal = JSON.stringify(canonical(before)) === JSON.stringify(canonical(after))
        expect(isEmptyDiff(diff)).toBe(equal)
      }),
    )
  })

  test('puts a cookie with a new value at the end and leaves one with an equal value in its place', () => {
    fc.assert(
      fc.property(aState, fc.nat(), (state, pick) => {
        fc.pre(state.cookies.length > 1)
        const cookie = state.cookies[pick % state.cookies.length]
        if (cookie === undefined) return
        const set = (changed: typeof cookie) =>
          applyDiff(state, { set: [changed], removed: [], origins: [], removedOrigins: [] }).cookies.map(
            cookieKey,
          )
        expect(set({ ...cookie, value: `${cookie.value}!` }).at(-1)).toBe(cookieKey(cookie))
        expect(set({ ...cookie, httpOnly: !cookie.httpOnly })).toEqual(state.cookies.map(cookieKey))
      }),
    )
  })
})

/** Every cookie and storage item by its identity, with what it holds. */
function items(state: Parameters<typeof diffStates>[0]): Map<string, string> {
  const held = new Map<string, string>()
  for (const cookie of state.cookies) held.set(`cookie ${cookieKey(cookie)}`, cookie.value)
  for (const { origin, localStorage, sessionStorage = [] } of state.origins) {
    for (const { name, value } of localStorage) held.set(`local ${origin} ${name}`, value)
    for (const { name, value } of sessionStorage) held.set(`session ${origin} ${name}`, value)
  }
  return held
}
