import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Cell, type CellChange } from '../../src/state/cell.ts'
import { applyDiff, diffStates } from '../../src/state/diff.ts'
import type { SessionState, StateCookie } from '../../src/state/state.ts'
import { cookieKey, emptyState } from '../../src/state/state.ts'
import { aState, canonical } from './states.ts'

const cookie = (name: string, value: string, domain = 'shop.test'): StateCookie => ({
  name,
  value,
  domain,
  path: '/',
  expires: -1,
  httpOnly: false,
  secure: false,
})

const names = (cell: Cell, host: string): string[] =>
  [...cell.cookiesFor(host)]
    .sort((a, b) => cell.sequence(a) - cell.sequence(b))
    .map(({ name, value }) => `${name}${value}`)

describe('a cell', () => {
  test('holds what the same differences make of a plain state, in the same order', () => {
    fc.assert(
      fc.property(aState, fc.array(aState, { maxLength: 4 }), (start, targets) => {
        const cell = new Cell(start)
        let plain: SessionState = start
        for (const target of targets) {
          const diff = diffStates(plain, target)
          cell.merge(diff, 'test')
          plain = applyDiff(plain, diff)
          expect(cell.state.cookies).toEqual(plain.cookies)
          expect(canonical(cell.state)).toEqual(canonical(plain))
        }
      }),
    )
  })

  test('finds by host what a walk over all cookies finds, in order of creation', () => {
    fc.assert(
      fc.property(aState, aState, (before, after) => {
        const cell = new Cell(before)
        cell.merge(diffStates(before, after), 'test')
        for (const host of ['shop.test', 'www.shop.test', 'id.test', 'other.test']) {
          const found = [...cell.cookiesFor(host)].sort((a, b) => cell.sequence(a) - cell.sequence(b))
          const walked = cell.state.cookies.filter(
            ({ domain }) => domain === host || (domain.startsWith('.') && `.${host}`.endsWith(domain)),
          )
          expect(found).toEqual(walked)
        }
      }),
    )
  })

  test('tells each change once, with what changed, and is silent about what changes nothing', () => {
    const cell = new Cell({ cookies: [cookie('a', '1')], origins: [] })
    const heard: CellChange[] = []
    const stop = cell.subscribe((change) => heard.push(change))
    cell.setCookie(cookie('a', '1'), 'me')
    cell.removeCookie(cookie('z', '1'), 'me')
    expect([heard.length, cell.revision]).toEqual([0, 0])
    cell.setCookie(cookie('a', '2'), 'me')
    cell.removeCookie(cookie('a', '2'), 'you')
    expect(heard.map(({ by, revision }) => [by, revision])).toEqual([
      ['me', 1],
      ['you', 2],
    ])
    stop()
    cell.setCookie(cookie('a', '3'), 'me')
    expect(heard).toHaveLength(2)
  })

  test('keeps a cookie of equal value in its place and moves one of another value to the end', () => {
    const cell = new Cell({
      cookies: [cookie('a', '1'), cookie('b', '1', '.shop.test'), cookie('c', '1')],
      origins: [],
    })
    cell.setCookie({ ...cookie('a', '1'), httpOnly: true }, 'test')
    expect(names(cell, 'shop.test')).toEqual(['a1', 'b1', 'c1'])
    cell.setCookie(cookie('a', '2'), 'test')
    expect(names(cell, 'shop.test')).toEqual(['b1', 'c1', 'a2'])
    expect(cell.state.cookies.map(({ name }) => name)).toEqual(['b', 'c', 'a'])
  })

  test('lets every listener hear although one of them throws, and says so', () => {
    const cell = new Cell()
    const heard: string[] = []
    cell.subscribe(() => {
      throw new Error('listener of the test')
    })
    cell.subscribe(({ by }) => heard.push(by))
    expect(() => {
      cell.setCookie(cookie('a', '1'), 'me')
    }).toThrow('listener of the test')
    expect(heard).toEqual(['me'])
    expect(cell.state.cookies).toHaveLength(1)
  })

  test('takes another state in its place with an epoch that never goes back', () => {
    const cell = new Cell({ cookies: [cookie('a', '1')], origins: [] }, 3)
    expect(() => {
      cell.replace(emptyState, 2, 'login')
    }).toThrow(RangeError)
    cell.replace({ cookies: [cookie('b', '1')], origins: [] }, 4, 'login')
    expect([cell.epoch, names(cell, 'shop.test')]).toEqual([4, ['b1']])
  })

  test('shows each identity once, the last one, even when it was given a state that holds it twice', () => {
    const cell = new Cell({ cookies: [cookie('a', '1'), cookie('b', '1'), cookie('a', '2')], origins: [] })
    expect(cell.state.cookies.map(({ name, value }) => name + value)).toEqual(['b1', 'a2'])
    expect(cell.cookie(cookieKey(cookie('a', '')))?.value).toBe('2')
  })
})
