import { describe, expect, test } from 'vitest'
import { explainKept } from '../../src/policy/explain.ts'
import { sanitize } from '../../src/policy/gate.ts'
import { namePatterns } from '../../src/policy/name-patterns.ts'
import type { HeaderRule } from '../../src/state/identity.ts'
import type { SessionState, StateCookie } from '../../src/state/state.ts'

const cookie = (name: string, more: Partial<StateCookie> = {}): StateCookie => ({
  ...{ name, value: 'canary', domain: 'shop.test', path: '/', expires: -1, httpOnly: false, secure: true },
  ...more,
})

describe('the gate says the rule of a cut', () => {
  const rule = (change: StateCookie, scope?: readonly string[]): string | undefined =>
    sanitize({ cookies: [change], origins: [] }, scope === undefined ? {} : { scope }).dropped[0]?.rule

  test('as vendor, pattern and list', () => {
    expect(rule(cookie('_ga_1A2B'))).toBe('Google Analytics: _ga_* in the list of analytics names')
    expect(rule(cookie('visitor_id123456'))).toBe('Pardot: visitor_id# in the list of advertising names')
    expect(rule(cookie('visitor_identity'))).toBeUndefined()
    expect(rule(cookie('mc_cid'))).toBe('Mailchimp: mc_cid in the list of marketing names')
  })

  test('as the site that no page of the login stood on, beside those that it did stand on', () => {
    const foreign = cookie('uid', { domain: '.cdn.tracker.test' })
    expect(rule(foreign, ['https://www.shop.test', 'api.shop.test'])).toBe(
      'no page of the login stood on tracker.test, only on shop.test',
    )
    expect(rule(foreign, ['a.test', 'b.test', 'c.test', 'd.test', 'e.test'])).toBe(
      'no page of the login stood on tracker.test, only on a.test, b.test, c.test and 2 more',
    )
    expect(rule(foreign, [])).toBe('no page of the login stood on tracker.test, only on no site at all')
  })
})

describe('the gate says why it kept a thing', () => {
  const origin = 'https://shop.test'
  const bearer: HeaderRule = {
    ...{ header: 'Authorization', origins: ['https://api.shop.test'], methods: 'all', prefix: 'Bearer ' },
    source: { from: 'localStorage', origin, key: 'auth', path: [] },
  }
  const csrf: HeaderRule = { ...bearer, header: 'X-CSRF', source: { from: 'cookie', name: 'csrf' } }
  const item = (name: string) => ({ name, value: 'canary' })
  const state: SessionState = {
    cookies: [
      ...[cookie('sid', { httpOnly: true }), cookie('csrf'), cookie('theme'), cookie('_fbp')],
      ...[cookie('_gid'), cookie('__mine')],
    ],
    origins: [
      {
        ...{ origin, localStorage: [item('auth'), item('cart')], sessionStorage: [item('tab')] },
        indexedDB: [{ name: 'db', version: 1, stores: [] }],
      },
    ],
  }

  test('carrier, put back, protected or in scope, each with its rule and never with a value', () => {
    const kept = explainKept(state, {
      headerRules: [bearer, csrf],
      protect: ['__m*'],
      dropped: [
        {
          kind: 'cookie',
          name: '_gid',
          where: 'shop.test/',
          reason: 'put-back',
          rule: 'the server wants it',
        },
        { kind: 'cookie', name: '_ga', where: 'shop.test/', reason: 'tracker' },
      ],
    })
    expect(kept.map(({ kind, name, why }) => `${kind} ${name}: ${why}`)).toEqual([
      'cookie sid: carrier',
      'cookie csrf: carrier',
      'cookie theme: in-scope',
      'cookie _fbp: in-scope',
      'cookie _gid: put-back',
      'cookie __mine: protected',
      'localStorage auth: carrier',
      'localStorage cart: in-scope',
      'sessionStorage tab: in-scope',
      'indexedDB db: in-scope',
    ])
    const rules = Object.fromEntries(kept.map(({ name, rule }) => [name, rule]))
    expect(rules).toMatchObject({
      auth: 'the header Authorization to https://api.shop.test is made from it',
      _gid: 'the server wants it',
      _fbp: 'named like a tracker (Meta pixel), and trackers were to be kept',
    })
    expect(JSON.stringify(kept)).not.toContain('canary')
  })

  test('speaks of everything that the state holds, once', () => {
    const kept = explainKept(state)
    expect(new Set(kept.map(({ kind, name, where }) => `${kind} ${name} ${where}`)).size).toBe(10)
    expect(explainKept({ cookies: [], origins: [] })).toEqual([])
  })
})

describe('name patterns', () => {
  test.each([
    ['_ga_*', '_ga_', true],
    ['_ga_*', '_ga', false],
    ['__utm?', '__utma', true],
    ['__utm?', '__utm', false],
    ['a.b', 'axb', false],
    ['a#', 'a#', true],
    ['a#', 'a1', false],
    ['*', '', true],
  ])('%s matches %s: %s', (pattern, name, matches) => {
    expect(namePatterns([pattern])(name)).toBe(matches)
  })

  test('have digits only where they are asked for', () => {
    const withDigits = namePatterns(['v#-hash'], { digits: true })
    expect(['v1-hash', 'v123-hash', 'v-hash', 'vx-hash', 'v#-hash'].map(withDigits)).toEqual([
      ...[true, true],
      ...[false, false, false],
    ])
  })
})
