import { describe, expect, test } from 'vitest'
import { cookieHeader } from '../../../src/bridge/jar/cookie-header.ts'
import { ingestSetCookies } from '../../../src/bridge/jar/set-cookie.ts'
import { Cell } from '../../../src/state/cell.ts'
import type { StateCookie } from '../../../src/state/state.ts'

const cookie = (change: Partial<StateCookie> = {}): StateCookie => ({
  name: 'sid',
  value: '1',
  domain: 'shop.test',
  path: '/',
  expires: -1,
  httpOnly: true,
  secure: true,
  ...change,
})

const cellOf = (...cookies: StateCookie[]): Cell => new Cell({ cookies, origins: [] })
const url = new URL('https://shop.test/')
const now = Date.UTC(2026, 10, 20)

describe('the Cookie header', () => {
  test('follows every change of the cell and every expiry, remembered or not', () => {
    const cell = cellOf(cookie({ name: 'a', expires: now / 1000 + 10 }), cookie({ name: 'b' }))
    expect(cookieHeader(cell, url, { now })).toBe('a=1; b=1')
    expect(cookieHeader(cell, url, { now: now + 9_999 })).toBe('a=1; b=1')
    expect(cookieHeader(cell, url, { now: now + 10_000 })).toBe('b=1')
    expect(cookieHeader(cell, url, { now })).toBe('a=1; b=1') // the clock was put back
    cell.setCookie(cookie({ name: 'c' }), 'test')
    expect(cookieHeader(cell, url, { now })).toBe('a=1; b=1; c=1')
    cell.removeCookie(cookie({ name: 'a' }), 'test')
    expect(cookieHeader(cell, url, { now })).toBe('b=1; c=1')
  })

  test('differs by path although the host is remembered', () => {
    const cell = cellOf(
      cookie({ name: 'root' }),
      cookie({ name: 'a', path: '/a' }),
      cookie({ name: 'deep', path: '/a/b/' }),
    )
    const at = (path: string): string => cookieHeader(cell, new URL(path, url))
    expect([at('/'), at('/a'), at('/a/b'), at('/a/b/c'), at('/ab'), at('/')]).toEqual([
      'root=1',
      'a=1; root=1',
      'a=1; root=1',
      'deep=1; a=1; root=1',
      'root=1',
      'root=1',
    ])
  })

  test('works with more different paths than a number has bits', () => {
    const cookies = Array.from({ length: 70 }, (_, at) =>
      cookie({ name: `c${String(at)}`, path: `/p${String(at)}` }),
    )
    const cell = cellOf(...cookies)
    expect(cookieHeader(cell, new URL('/p37/x', url))).toBe('c37=1')
    expect(cookieHeader(cell, new URL('/p69', url))).toBe('c69=1')
  })

  test('never holds a line break or another control character, wherever the state came from', () => {
    const cell = cellOf(
      cookie({ value: 'a\r\nX-Evil: 1' }),
      cookie({ name: 'd\u007f' }),
      cookie({ name: 'ok' }),
      cookie({ name: 't', value: 'a\tb' }),
    )
    expect(cookieHeader(cell, url)).toBe('ok=1')
  })

  test('is a byte string that node:http takes', () => {
    expect(cookieHeader(cellOf(cookie({ value: 'ü😀' })), url)).toBe('sid=\xc3\xbc\xf0\x9f\x98\x80')
  })

  test('chooses partitioned cookies by the page that asks', () => {
    const partitioned = {
      partitionKey: 'https://top.test',
      _crHasCrossSiteAncestor: true,
      sameSite: 'None',
    } as const
    const own = { partitionKey: 'https://shop.test', _crHasCrossSiteAncestor: false } as const
    const cell = cellOf(
      cookie({ name: 'top', ...partitioned }),
      cookie({ name: 'own', ...own }),
      cookie({ sameSite: 'Lax' }),
    )
    expect(cookieHeader(cell, url)).toBe('own=1; sid=1')
    expect(cookieHeader(cell, url, { topLevelSite: 'https://top.test' })).toBe('top=1')
    expect(cookieHeader(cell, url, { topLevelSite: 'https://shop.test' })).toBe('own=1; sid=1')
    expect(cookieHeader(cell, url, { sameSite: 'cross-site' })).toBe('')
  })

  test('goes with a cross-site POST for two minutes when the site said nothing about SameSite', () => {
    const cell = new Cell()
    ingestSetCookies(cell, url, ['young=1; Secure', 'lax=1; SameSite=Lax', 'none=1; SameSite=None; Secure'], {
      by: 'test',
      now,
    })
    const post = (at: number): string =>
      cookieHeader(cell, url, { sameSite: 'cross-site', navigation: true, method: 'POST', now: at })
    expect([post(now), post(now + 120_000), post(now + 121_000)]).toEqual([
      'young=1; none=1',
      'young=1; none=1',
      'none=1',
    ])
  })

  test('takes less than ten microseconds when nothing has changed', () => {
    const cookies = Array.from({ length: 18 }, (_, at) =>
      cookie({
        name: `c${String(at)}`,
        path: at % 3 === 0 ? '/' : '/api',
        domain: at % 2 === 0 ? '.shop.test' : 'www.shop.test',
      }),
    )
    const cell = cellOf(...cookies)
    const target = new URL('https://www.shop.test/api/orders?page=3')
    const best = Math.min(
      ...Array.from({ length: 9 }, () => {
        const from = process.cpuUsage() // a busy machine takes none of it
        for (let at = 0; at < 10_000; at++) cookieHeader(cell, target)
        const { user, system } = process.cpuUsage(from)
        return (user + system) / 10_000
      }),
    )
    console.log(`Cookie header of 18 cookies, nothing changed: ${best.toFixed(2)} µs`)
    expect(best).toBeLessThan(10)
  })
})
