import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sanitize, type GatePolicy } from '../../src/policy/gate.ts'
import type { Reason } from '../../src/state/report.ts'
import type { OriginState, SessionState, StateCookie } from '../../src/state/state.ts'

const now = Date.UTC(2026, 10, 20)

const good: StateCookie = {
  name: 'sid',
  value: 'kept',
  domain: 'shop.test',
  path: '/',
  expires: -1,
  httpOnly: true,
  secure: true,
}

const cookies = (...list: StateCookie[]): SessionState => ({ cookies: list, origins: [] })
const storage = (...origins: OriginState[]): SessionState => ({ cookies: [], origins })

describe('the gate drops a cookie, and says why', () => {
  const scope: GatePolicy = { scope: ['https://www.shop.test:8443', 'id.test', '127.0.0.1'] }
  test.each<[string, Reason, Partial<StateCookie>, GatePolicy?]>([
    ['with a line break in its value', 'malformed', { value: 'a\r\nSet-Cookie: x' }],
    ['with DEL in its name', 'malformed', { name: 'a\u007f' }],
    ['with a separator in its value', 'malformed', { value: 'a; b' }],
    ['with = in its name', 'malformed', { name: 'a=b' }],
    ['with neither name nor value', 'malformed', { name: '', value: '' }],
    ['without name that would read as another cookie', 'malformed', { name: '', value: 'a=b' }],
    ['without a domain', 'malformed', { domain: '' }],
    ['of a domain that is no host', 'malformed', { domain: 'shop test' }],
    ['of a domain in capitals', 'malformed', { domain: 'SHOP.test' }],
    ['of a domain with an IP address', 'malformed', { domain: '.127.0.0.1' }],
    ['whose path does not begin with a slash', 'malformed', { path: 'a' }],
    ['whose expiry is no number', 'malformed', { expires: Number.NaN }],
    ['that has expired', 'expired', { expires: now / 1000 }],
    ['of 1970', 'expired', { expires: 0 }],
    ['with __Host- and a domain', 'bad-prefix', { name: '__Host-a', domain: '.shop.test' }],
    ['with __Host- and a path', 'bad-prefix', { name: '__HOST-a', path: '/a' }],
    ['with __Secure- over http', 'bad-prefix', { name: '__Secure-a', secure: false }],
    ['with __Http- for scripts', 'bad-prefix', { name: '__Http-a', httpOnly: false }],
    ['with a prefix hidden in its value', 'bad-prefix', { name: '', value: '__host-a' }],
    ['of SameSite None without Secure', 'insecure-none', { sameSite: 'None', secure: false }],
    ['for all of co.uk', 'public-suffix', { domain: '.co.uk' }],
    ['for all of github.io', 'public-suffix', { domain: '.github.io' }],
    ['for all of one label', 'public-suffix', { domain: '.test' }],
    ['of 4,097 bytes', 'too-big', { value: 'ü'.repeat(2047) }],
    ['of a site that the login did not touch', 'out-of-scope', { domain: '.cdn.tracker.test' }, scope],
    ['of another IP address than the login', 'out-of-scope', { domain: '127.0.0.2' }, scope],
    ['of Google Analytics', 'tracker', { name: '_ga_ABC123' }],
  ])('%s', (_what, reason, change, policy = {}) => {
    const bad = { ...good, ...change }
    const { state, dropped } = sanitize(cookies(good, bad), policy, { now })
    expect(dropped).toMatchObject([{ kind: 'cookie', name: bad.name, where: bad.domain + bad.path, reason }])
    expect(state.cookies).toEqual([good])
    expect(state.cookies[0]).toBe(good)
    expect(JSON.stringify(dropped)).not.toContain('kept')
  })
})

describe('the gate keeps', () => {
  test('the last of several cookies of one identity, and an earlier one when the later is no good', () => {
    const later = { ...good, value: 'later' }
    const { state, dropped } = sanitize(cookies(good, later, { ...good, expires: 1 }), {}, { now })
    expect(state.cookies).toEqual([later])
    expect(dropped.map(({ reason }) => reason)).toEqual(['duplicate', 'expired'])
  })

  test.each<[string, Partial<StateCookie>, GatePolicy?]>([
    ['a host-only cookie of a public suffix', { domain: 'github.io' }],
    ['a host-only cookie of one label', { domain: 'keycloak' }],
    ['a cookie of an IPv6 host', { domain: '[::1]' }],
    ['a cookie without name', { name: '', value: 'x' }],
    ['4,096 bytes', { value: 'v'.repeat(4093) }],
    ['a cookie of a sister host', { domain: 'api.shop.test' }, { scope: ['www.shop.test'] }],
    ['a tracker when it is told to', { name: '_ga' }, { trackers: 'keep' }],
    ['a protected name that looks like a tracker', { name: '_ga_login' }, { protect: ['_ga_l*'] }],
    [
      'a protected name out of scope',
      { domain: 'id.other.test' },
      { protect: ['sid'], scope: ['shop.test'] },
    ],
    ['an expiry of a fraction of a second from now', { expires: now / 1000 + 0.001 }],
    ['a value with quotes, spaces and emoji', { value: '"a b", 😀=' }],
  ])('%s', (_what, change, policy = {}) => {
    const state = cookies({ ...good, ...change })
    expect(sanitize(state, policy, { now })).toEqual({ state, dropped: [] })
    expect(sanitize(state, policy, { now }).state).toBe(state)
  })
})

describe('the gate and storage', () => {
  const item = (name: string) => ({ name, value: 'value' })
  test('drops the items of trackers and keeps the others as the same objects', () => {
    const token = item('auth')
    const origin = {
      origin: 'https://shop.test',
      localStorage: [token, item('_gcl_ls')],
      sessionStorage: [item('_hjTab')],
    }
    const { state, dropped } = sanitize(storage(origin), {}, { now })
    expect(state.origins).toEqual([{ ...origin, localStorage: [token], sessionStorage: [] }])
    expect(state.origins[0]?.localStorage[0]).toBe(token)
    expect(dropped.map(({ kind, name, where, reason }) => [kind, name, where, reason])).toEqual([
      ['localStorage', '_gcl_ls', 'https://shop.test', 'tracker'],
      ['sessionStorage', '_hjTab', 'https://shop.test', 'tracker'],
    ])
  })

  test('drops origins out of scope and what is no origin of a web page', () => {
    const origins = [
      'https://shop.test',
      'https://cdn.tracker.test',
      'file://',
      'javascript:',
      'https://shop.test/',
    ].map((origin) => ({ origin, localStorage: [item('k')] }))
    const { state, dropped } = sanitize(storage(...origins), { scope: ['shop.test'] }, { now })
    expect(state.origins).toEqual([origins[0]])
    expect(dropped.map(({ name, reason }) => [name, reason])).toEqual([
      ['https://cdn.tracker.test', 'out-of-scope'],
      ['file://', 'malformed'],
      ['javascript:', 'malformed'],
      ['https://shop.test/', 'malformed'],
    ])
  })
})

describe('the gate, over states of all kinds,', () => {
  const anything = fc.record({
    name: fc.constantFrom('sid', '_ga', '', '__Host-a', 'a;b', '_fbp'),
    value: fc.constantFrom('v', 'w', '', 'a\nb', '\ud800', 'x'.repeat(5000)),
    domain: fc.constantFrom('shop.test', '.shop.test', '.co.uk', 'x.other.test', 'no host', '[::1]'),
    path: fc.constantFrom('/', '/', '/a', 'a'),
    expires: fc.constantFrom(-1, -1, -1, 0, now / 1000 + 60, Number.NaN),
    httpOnly: fc.boolean(),
    secure: fc.boolean(),
  })
  const origin = fc.record({
    origin: fc.constantFrom('https://shop.test', 'https://other.test', 'null'),
    localStorage: fc.array(
      fc.record({ name: fc.constantFrom('k', '_ga', 'ajs_user_id'), value: fc.string() }),
      {
        maxLength: 3,
      },
    ),
  })
  const policy: fc.Arbitrary<GatePolicy> = fc.constantFrom(
    {},
    { scope: ['shop.test'] },
    { trackers: 'keep' },
    { scope: [], protect: ['s*'] },
  )

  test('keeps or reports each thing once, keeps it as the same object, and changes nothing the second time', () => {
    const counts = { kept: 0, dropped: 0 }
    fc.assert(
      fc.property(fc.array(anything), fc.array(origin), policy, (list, origins, policy) => {
        const { state, dropped } = sanitize({ cookies: list, origins }, policy, { now })
        expect(state.cookies.every((cookie) => list.includes(cookie as (typeof list)[number]))).toBe(true)
        expect(state.cookies.length + dropped.filter(({ kind }) => kind === 'cookie').length).toBe(
          list.length,
        )
        expect(state.origins.length + dropped.filter(({ kind }) => kind === 'origin').length).toBe(
          origins.length,
        )
        const items = (from: readonly OriginState[]): number =>
          from.reduce((sum, { localStorage }) => sum + localStorage.length, 0)
        const gone = new Set(dropped.filter(({ kind }) => kind === 'origin').map(({ name }) => name))
        expect(items(state.origins) + dropped.filter(({ kind }) => kind === 'localStorage').length).toBe(
          items(origins.filter(({ origin }) => !gone.has(origin))),
        )
        expect(sanitize(state, policy, { now })).toEqual({ state, dropped: [] })
        counts.kept += state.cookies.length
        counts.dropped += dropped.length
      }),
      { numRuns: 400 },
    )
    expect(counts.kept).toBeGreaterThan(20)
    expect(counts.dropped).toBeGreaterThan(100)
  })
})
