import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseState } from '../../src/bridge/parse-state.ts'
import { StateInvalidError } from '../../src/errors.ts'
import type { SessionState, StateCookie } from '../../src/state/state.ts'
import { aState, canonical } from '../state/states.ts'

const cookie: StateCookie = {
  name: 'sid',
  value: 'canary',
  domain: 'shop.test',
  path: '/',
  expires: -1,
  httpOnly: true,
  secure: true,
  sameSite: 'Lax',
}

const cookies = (...list: unknown[]): unknown => ({ cookies: list, origins: [] })
const reasons = (input: unknown): unknown[] =>
  parseState(input).report.map(({ kind, where, reason }) => [kind, where, reason])

describe('parsing a state', () => {
  test('gives back whatever a state of ours was, from an object and from text', () => {
    let seen = 0
    fc.assert(
      fc.property(aState, (state) => {
        expect(parseState(state)).toEqual({ state, report: [] })
        const { state: read } = parseState(JSON.stringify(state))
        expect(canonical(read)).toEqual(canonical(state))
        expect(read.cookies).toEqual(state.cookies)
        seen += state.cookies.length
      }),
    )
    expect(seen).toBeGreaterThan(50)
  })

  test('takes what Playwright writes, IndexedDB and partitions included', () => {
    const playwright = {
      cookies: [{ ...cookie, partitionKey: 'https://top.test', _crHasCrossSiteAncestor: false }],
      origins: [
        {
          origin: 'https://shop.test',
          localStorage: [{ name: '__proto__', value: '{}' }],
          indexedDB: [
            {
              name: 'db',
              version: 2,
              stores: [
                {
                  name: 's',
                  autoIncrement: false,
                  keyPath: 'id',
                  records: [{ value: { id: 1 } }],
                  indexes: [],
                },
              ],
            },
          ],
        },
      ],
    }
    expect(parseState(playwright)).toEqual({ state: playwright, report: [] })
  })

  test('keeps unknown fields, fills in what may be missing, and spells hosts as browsers do', () => {
    const { state, report } = parseState({
      cookies: [
        { name: 'a', value: '1', domain: 'SHOP.test', note: { from: ['another tool'] } },
        {
          name: 'b',
          value: '1',
          domain: '.Bücher.test',
          path: '/b',
          expires: 1.5,
          sameSite: 'no_restriction',
        },
        {
          name: 'c',
          value: '1',
          domain: '::1',
          sameSite: null,
          partitionKey: { topLevelSite: 'https://t.test', hasCrossSiteAncestor: true },
        },
      ],
    })
    const plain = { path: '/', expires: -1, httpOnly: false, secure: false }
    expect(state.cookies).toEqual([
      { ...plain, name: 'a', value: '1', domain: 'shop.test', note: { from: ['another tool'] } },
      {
        ...plain,
        name: 'b',
        value: '1',
        domain: '.xn--bcher-kva.test',
        path: '/b',
        expires: 1.5,
        sameSite: 'None',
      },
      {
        ...plain,
        name: 'c',
        value: '1',
        domain: '[::1]',
        partitionKey: 'https://t.test',
        _crHasCrossSiteAncestor: true,
      },
    ])
    expect(report).toEqual([])
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['a number', 7],
    ['a list of something else', [7]],
    ['an object of something else', { cookie: [] }],
    ['lists that are none', { cookies: 'x', origins: {} }],
    ['text that is not JSON', 'sid=canary; Path=/'],
    ['cut JSON', '{"cookies":[{"name":"sid","value":"canary'],
    ['JSON nested without end', `{"cookies":${'['.repeat(100_000)}`],
    ['a text that is too large', `{"cookies":[]${' '.repeat(70_000_000)}}`],
  ])('refuses %s in one sentence that quotes nothing', (_what, input) => {
    const attempt = (): unknown => parseState(input)
    expect(attempt).toThrow(StateInvalidError)
    try {
      attempt()
    } catch (error) {
      expect(String(error)).not.toContain('canary')
      expect((error as Error).cause).toBeUndefined()
    }
  })

  test('leaves out the items that cannot be, keeps the rest, and says which and why without a value', () => {
    const bad = [
      7,
      null,
      { value: 'canary' },
      { ...cookie, value: 7 },
      { ...cookie, domain: 'canary canary' },
      { ...cookie, expires: 'canary' },
      { ...cookie, path: 1 },
    ]
    const { state, report } = parseState(cookies(...bad, cookie))
    expect(state.cookies).toEqual([cookie])
    expect(report.map(({ where, reason }) => [where, reason])).toEqual(
      bad.map((_, at) => [`cookies[${String(at)}]`, 'malformed']),
    )
    expect(JSON.stringify(report)).not.toContain('canary')
  })

  test('puts right the fields that are not as they must be, and says so', () => {
    const { state, report } = parseState(
      cookies({
        ...cookie,
        httpOnly: 1,
        sameSite: 'Sometimes',
        partitionKey: 'no site',
        sourcePort: 99999,
        priority: 'Huge',
        sourceScheme: 'x',
      }),
    )
    const { sameSite: _sameSite, ...rest } = cookie
    expect(state.cookies).toEqual([{ ...rest, httpOnly: false }])
    expect(report).toHaveLength(6)
  })

  test('reports what is there twice and keeps the last', () => {
    const twice = {
      origin: 'https://shop.test',
      localStorage: [
        { name: 'k', value: '1' },
        { name: 'k', value: '2' },
      ],
    }
    const { state, report } = parseState({
      cookies: [cookie, { ...cookie, value: 'later' }],
      origins: [twice, twice],
    })
    expect(state.cookies.map(({ value }) => value)).toEqual(['later'])
    expect(state.origins).toEqual([
      { origin: 'https://shop.test', localStorage: [{ name: 'k', value: '2' }] },
    ])
    expect(report.map(({ kind, reason }) => [kind, reason])).toEqual([
      ['cookie', 'duplicate'],
      ['localStorage', 'duplicate'],
      ['localStorage', 'duplicate'],
      ['origin', 'duplicate'],
    ])
  })

  test('lets no prototype be changed and no getter, cycle or function in', () => {
    const text =
      '{"cookies":[{"name":"a","value":"1","domain":"shop.test","__proto__":{"secure":true},"x":{"__proto__":{"polluted":1}}}],"__proto__":{"origins":[1]}}'
    const { state, report } = parseState(text)
    expect(state.cookies[0]).toMatchObject({ name: 'a', secure: false })
    expect(Object.keys(state.cookies[0] ?? {})).not.toContain('x')
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(report).toHaveLength(2)

    const cycle: Record<string, unknown> = { ...cookie }
    cycle.self = cycle
    expect(reasons(cookies(cycle, { ...cookie, name: 'f', call: () => 1 }))).toEqual([
      ['cookie', 'cookies[0]', 'malformed'],
      ['cookie', 'cookies[1]', 'malformed'],
    ])
  })

  test('shares nothing with its input', () => {
    const input: SessionState = {
      cookies: [cookie],
      origins: [{ origin: 'https://shop.test', localStorage: [{ name: 'k', value: 'v' }] }],
    }
    const { state } = parseState(input)
    expect(state.cookies[0]).not.toBe(cookie)
    expect(state.origins[0]?.localStorage[0]).not.toBe(input.origins[0]?.localStorage[0])
  })

  test('judges storage item by item', () => {
    const { state, report } = parseState({
      origins: [
        {
          origin: 'https://shop.test/path',
          localStorage: [{ name: 'k', value: 'v' }, { name: 'n', value: 7 }, 'x'],
          sessionStorage: {},
          indexedDB: [{ name: 'db' }, 3],
        },
        { origin: 'javascript:alert(1)' },
        { origin: 7 },
      ],
    })
    expect(state.origins).toEqual([
      { origin: 'https://shop.test', localStorage: [{ name: 'k', value: 'v' }] },
    ])
    expect(report.map(({ kind, name }) => [kind, name])).toEqual([
      ['indexedDB', 'db'],
      ['indexedDB', ''],
      ['sessionStorage', ''],
      ['localStorage', 'n'],
      ['localStorage', ''],
      ['origin', ''],
      ['origin', ''],
    ])
  })
})
