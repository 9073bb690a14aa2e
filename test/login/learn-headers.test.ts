import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { learnHeaderRules } from '../../src/login/learn/learn-headers.ts'
import { cookie, seen, stateOf } from './observed.ts'

const api = 'https://api.shop.test'
const shop = 'https://shop.test'
const token = 'tok-4f6a9b2c8d1e3f70'
const other = 'oth-77aa66bb55cc44dd'

describe('learning header rules', () => {
  test('finds a bearer token inside JSON in localStorage', () => {
    const state = stateOf([], { [shop]: { local: { auth: JSON.stringify({ user: { token }, n: 1 }) } } })
    const { rules } = learnHeaderRules(
      [seen('GET', `${api}/me`, { authorization: `Bearer ${token}` })],
      state,
    )
    expect(rules).toEqual([
      {
        header: 'authorization',
        origins: [api],
        methods: 'all',
        prefix: 'Bearer ',
        source: { from: 'localStorage', origin: shop, key: 'auth', path: ['user', 'token'] },
      },
    ])
  })

  test.each([
    ['JWT x', 'JWT '],
    ['Token token=x', 'Token token='],
    ['x', ''],
    ['key:x', 'key:'],
  ])('keeps the text before the value: %s', (form, prefix) => {
    const state = stateOf([], { [shop]: { local: { key: token } } })
    const { rules } = learnHeaderRules([seen('GET', api, { 'x-auth': form.replace('x', token) })], state)
    expect(rules.map((rule) => [rule.prefix, rule.source])).toEqual([
      [prefix, { from: 'localStorage', origin: shop, key: 'key', path: [] }],
    ])
  })

  test('a CSRF header is for writes only, from the readable cookie', () => {
    const state = stateOf([cookie('csrf', token), cookie('sid', other, { httpOnly: true })])
    const requests = [
      seen('GET', `${shop}/api/tab`, { cookie: `csrf=${token}` }),
      seen('POST', `${shop}/api/seen`, { 'X-CSRF-Token': token }),
    ]
    expect(learnHeaderRules(requests, state).rules).toEqual([
      {
        header: 'X-CSRF-Token',
        origins: [shop],
        methods: 'unsafe',
        prefix: '',
        source: { from: 'cookie', name: 'csrf', domain: 'shop.test' },
      },
    ])
  })

  test('a header without CSRF in its name is for writes only when later reads went without it', () => {
    const state = stateOf([], { [shop]: { session: { form: token } } })
    const write = seen('POST', `${shop}/a`, { 'x-form-key': token })
    const methods = (requests: Parameters<typeof learnHeaderRules>[0]): unknown[] =>
      learnHeaderRules(requests, state).rules.map((rule) => rule.methods)
    expect(methods([write])).toEqual(['all'])
    expect(methods([seen('GET', `${shop}/before`), { ...write, sequence: 1e6 }])).toEqual(['all'])
    expect(methods([write, seen('GET', `${shop}/after`)])).toEqual(['unsafe'])
    expect(methods([write, seen('GET', `${api}/after`)])).toEqual(['all'])
    expect(methods([write, seen('GET', `${shop}/page`, {}, { resourceType: 'document' })])).toEqual(['all'])
  })

  test('a cookie that has changed since is found by what the request itself carried', () => {
    const state = stateOf([cookie('XSRF-TOKEN', 'the-value-after-the-next-answer')])
    const request = seen('POST', `${shop}/a`, { 'X-XSRF-TOKEN': token, Cookie: `a=b; XSRF-TOKEN=${token}` })
    expect(learnHeaderRules([request], state).rules).toMatchObject([
      { header: 'X-XSRF-TOKEN', source: { from: 'cookie', name: 'XSRF-TOKEN' } },
    ])
  })

  test('a percent-encoded cookie may be sent decoded', () => {
    const value = 'eyJpdiI6IkFB/+8=='
    const state = stateOf([cookie('XSRF-TOKEN', encodeURIComponent(value))])
    const rules = (header: string): unknown[] =>
      learnHeaderRules([seen('POST', `${shop}/a`, { 'x-xsrf-token': header })], state).rules
    expect(rules(value)).toMatchObject([{ encoding: 'decoded' }])
    expect(rules(encodeURIComponent(value))[0]).not.toHaveProperty('encoding')
  })

  test('an httpOnly cookie is never a source: no script can have read it', () => {
    const state = stateOf([cookie('sid', token, { httpOnly: true })])
    const found = learnHeaderRules([seen('GET', api, { 'x-sid': token })], state)
    expect(found).toMatchObject({
      rules: [],
      unexplained: [{ header: 'x-sid', origins: [api], why: 'seen once only' }],
    })
  })

  test('headers of the browser itself are no rules, whatever they hold', () => {
    const state = stateOf([], { [shop]: { local: { token } } })
    const names = ['accept', 'user-agent', 'sec-ch-ua', 'referer', 'cookie', ':authority', 'if-none-match']
    const requests = names.map((name) => seen('GET', api, { [name]: token }))
    expect(learnHeaderRules(requests, state)).toMatchObject({ rules: [], unexplained: [] })
  })

  test.each([
    ['true', 'x-flag', 'beta', false],
    ['1111111111111111', 'x-trace', 'zeros', false],
    ['en', 'x-lang', 'lang', false],
    ['acme', 'x-tenant', 'tenant', true],
    ['acme', 'x-colour', 'team', false],
    ['abcdefghijkl', 'x-whatever', 'item', true],
  ])('a value found by chance is no rule: %s in %s from %s', (value, header, key, learned) => {
    const state = stateOf([], { [shop]: { local: { [key]: value } } })
    const { rules, unexplained } = learnHeaderRules([seen('GET', api, { [header]: value })], state)
    expect(rules.length).toBe(learned ? 1 : 0)
    expect(unexplained.length).toBe(learned ? 0 : 1)
  })

  test('origins are exactly those where the page sent it, without hops that a redirect led to', () => {
    const state = stateOf([], { [shop]: { local: { token } } })
    const headers = { authorization: `Bearer ${token}` }
    const requests = [
      seen('GET', `${api}/b`, headers),
      seen('GET', `${api}:8443/a`, headers),
      seen('GET', `${api}/a`, headers),
      seen('GET', 'https://evil.test/', headers, { crossedOrigins: true }),
      seen('GET', 'https://cdn.test/', {}),
    ]
    expect(learnHeaderRules(requests, state).rules.map((rule) => rule.origins)).toEqual([
      [api, `${api}:8443`],
    ])
  })

  test('one header may be made in two ways for two origins', () => {
    const state = stateOf([], { [shop]: { local: { a: token, b: other } } })
    const requests = [
      seen('GET', `${api}/`, { authorization: `Bearer ${token}` }),
      seen('GET', `${shop}/`, { authorization: `Bearer ${other}` }),
    ]
    expect(learnHeaderRules(requests, state).rules).toMatchObject([
      { origins: [api], source: { key: 'a' } },
      { origins: [shop], source: { key: 'b' } },
    ])
  })

  describe('chooses among several items that hold the value', () => {
    const header = { 'x-csrf-token': token }
    const chosen = (state: ReturnType<typeof stateOf>, requests = [seen('POST', api, header)]): unknown =>
      learnHeaderRules(requests, state).rules[0]?.source

    test('what explains more requests', () => {
      const state = stateOf([], { [shop]: { local: { old: token }, session: { tok: token } } })
      const later = stateOf([], { [shop]: { local: { old: token }, session: { tok: other } } })
      const requests = [seen('POST', api, header), seen('POST', api, { 'x-csrf-token': other })]
      expect(learnHeaderRules(requests, [state, later]).rules[0]?.source).toMatchObject({ key: 'tok' })
    })

    test("the requesting page's own origin", () => {
      const state = stateOf([], {
        'https://a.test': { local: { k: token } },
        [shop]: { session: { k: token } },
      })
      expect(chosen(state)).toMatchObject({ from: 'sessionStorage', origin: shop })
    })

    test('an item named like the header', () => {
      const state = stateOf([cookie('visitor', token)], { [shop]: { local: { csrfToken: token } } })
      expect(chosen(state)).toMatchObject({ from: 'localStorage', key: 'csrfToken' })
    })

    test('a cookie before storage, localStorage before sessionStorage', () => {
      const stores = { [shop]: { local: { csrf: token }, session: { csrf: token } } }
      expect(chosen(stateOf([cookie('csrf', token)], stores))).toMatchObject({ from: 'cookie' })
      expect(chosen(stateOf([], stores))).toMatchObject({ from: 'localStorage' })
    })

    test('the shorter path, then the alphabet', () => {
      const deep = JSON.stringify({ a: { csrf: token } })
      expect(
        chosen(stateOf([], { [shop]: { local: { a: deep, b: JSON.stringify({ csrf: token }) } } })),
      ).toMatchObject({ key: 'b' })
      expect(chosen(stateOf([], { [shop]: { local: { csrf2: token, csrf1: token } } }))).toMatchObject({
        key: 'csrf1',
      })
    })
  })

  test('hostile storage neither breaks nor slows it', () => {
    const deep = '['.repeat(50_000)
    const wide = JSON.stringify(
      Array.from({ length: 100_000 }, (_, index) => `value number ${String(index)}`),
    )
    const odd = '{"__proto__":{"token":"polluted-value-123"},"constructor":"x"}'
    const state = stateOf([cookie('bad', '%E0%A4%A')], { [shop]: { local: { deep, wide, odd, token } } })
    const begun = process.cpuUsage()
    const { rules } = learnHeaderRules([seen('GET', api, { authorization: `Bearer ${token}` })], state)
    expect(rules).toMatchObject([{ source: { key: 'token' } }])
    const { user, system } = process.cpuUsage(begun) // a busy machine takes none of it
    expect(user + system).toBeLessThan(5_000_000)
  })

  test('gives the same rules whatever the order of the items (generated)', () => {
    let learned = 0
    const item = fc.record({
      key: fc.constantFrom('a', 'b', 'csrf', 'auth', 'token'),
      value: fc.constantFrom(token, other, JSON.stringify({ t: token }), 'nothing'),
    })
    fc.assert(
      fc.property(fc.uniqueArray(item, { selector: ({ key }) => key }), (items) => {
        const requests = [seen('GET', api, { authorization: `Bearer ${token}` })]
        const from = (list: typeof items): unknown =>
          learnHeaderRules(
            requests,
            stateOf([], {
              [shop]: { local: Object.fromEntries(list.map(({ key, value }) => [key, value])) },
            }),
          ).rules
        const forwards = from(items)
        if (items.some(({ value }) => value.includes(token))) learned += 1
        expect(from(items.toReversed())).toEqual(forwards)
        // Negative control: without the token anywhere there is nothing to make it from.
        if (!items.some(({ value }) => value.includes(token)))
          expect(forwards).toMatchObject([{ source: { from: 'observed' } }])
      }),
      { numRuns: 200 },
    )
    expect(learned).toBeGreaterThan(50)
  })
})
