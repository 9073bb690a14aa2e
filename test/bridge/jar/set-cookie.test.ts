import { describe, expect, test } from 'vitest'
import { cookieHeader } from '../../../src/bridge/jar/cookie-header.ts'
import { parseCookieDate } from '../../../src/bridge/jar/cookie-date.ts'
import { ingestSetCookies } from '../../../src/bridge/jar/set-cookie.ts'
import { Cell } from '../../../src/state/cell.ts'

const url = new URL('https://shop.test/a/b')
const insecure = new URL('http://shop.test/a/b')
const now = Date.UTC(2026, 10, 20)
const by = 'test'

describe('Set-Cookie lines', () => {
  test('of one response are one change, and what they do not change is told to nobody', () => {
    const cell = new Cell()
    const heard: number[] = []
    cell.subscribe(({ diff }) => heard.push(diff.set.length + diff.removed.length))
    ingestSetCookies(cell, url, ['a=1', 'b=2', 'a=; Max-Age=0', 'c=3'], { by, now })
    ingestSetCookies(cell, url, ['b=2', 'zz=1; Max-Age=0'], { by, now })
    ingestSetCookies(cell, url, ['b=; Max-Age=0'], { by, now })
    expect(heard).toEqual([2, 1])
    expect(cookieHeader(cell, url)).toBe('c=3')
  })

  test('move a cookie to the end even if it comes back to its value within one response', () => {
    const cell = new Cell()
    ingestSetCookies(cell, url, ['a=1', 'b=1'], { by, now })
    ingestSetCookies(cell, url, ['a=2', 'a=1'], { by, now })
    expect(cookieHeader(cell, url)).toBe('b=1; a=1')
  })

  test('over http leave secure cookies alone, in either direction of the domain', () => {
    const cell = new Cell()
    ingestSetCookies(cell, url, ['a=1; Secure; Domain=shop.test; Path=/'], { by, now })
    const report = ingestSetCookies(
      cell,
      insecure,
      ['a=2', 'a=3; Domain=shop.test; Path=/', 'b=1', 'a=; Max-Age=0; Domain=shop.test; Path=/'],
      { by, now },
    )
    expect(report.map(({ name, reason }) => [name, reason])).toEqual([
      ['a', 'refused'],
      ['a', 'refused'],
      ['a', 'refused'],
    ])
    expect(cookieHeader(cell, url)).toBe('b=1; a=1')
    expect(cookieHeader(cell, insecure)).toBe('b=1')
  })

  test('are corrected by the clock of the server and cut to 400 days', () => {
    const cell = new Cell()
    const date = new Date(now + 3_600_000).toUTCString()
    const expires = new Date(now + 7_200_000).toUTCString()
    ingestSetCookies(cell, url, [`a=1; Expires=${expires}`, 'b=1; Max-Age=99999999', 'c=1; Max-Age=60'], {
      by,
      now,
      date,
    })
    expect(cell.state.cookies.map((cookie) => cookie.expires - now / 1000)).toEqual([3_600, 400 * 86_400, 60])
  })

  test('written by a script neither set nor overwrite HttpOnly cookies', () => {
    const cell = new Cell()
    ingestSetCookies(cell, url, ['a=1; HttpOnly'], { by, now })
    const report = ingestSetCookies(cell, url, ['a=2', 'b=1; HttpOnly', '__Http-c=1; Secure', 'd=1'], {
      by,
      now,
      fromScript: true,
    })
    expect(report.map(({ name }) => name)).toEqual(['a', 'b', '__Http-c'])
    expect(cookieHeader(cell, url)).toBe('a=1; d=1')
  })

  test('of a cross-site request set only SameSite=None', () => {
    const cell = new Cell()
    const report = ingestSetCookies(
      cell,
      url,
      ['a=1', 'b=1; SameSite=Lax', 'c=1; SameSite=None; Secure', 'd=1; SameSite=None; Secure; Partitioned'],
      {
        by,
        now,
        topLevelSite: 'https://top.test',
      },
    )
    expect(report.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(cell.state.cookies.map(({ name, partitionKey }) => [name, partitionKey])).toEqual([
      ['c', undefined],
      ['d', 'https://top.test'],
    ])
  })

  test('are never quoted in a report', () => {
    const lines = [
      'canary-value',
      'a=canary; Domain=other.test',
      'a=canary\u0001',
      '__Host-a=canary',
      `a=canary${'x'.repeat(5000)}`,
      '=__Secure-canary',
    ]
    const report = ingestSetCookies(new Cell(), insecure, lines, { by, now })
    expect(report).toHaveLength(5)
    expect(JSON.stringify(report)).not.toContain('canary')
  })
})

test('a date that does not exist is no date', () => {
  expect(parseCookieDate('Wed, 30 Feb 2028 12:00:00 GMT')).toBeUndefined()
  expect(parseCookieDate('Tue, 29 Feb 2028 12:00:00 GMT')).toBe(Date.UTC(2028, 1, 29, 12))
})
