import { describe, expect, test } from 'vitest'
import { ruleHeaders } from '../../src/http/rules/header-rules.ts'
import { headersFor } from '../../src/http/headers/headers-for.ts'
import { Cell } from '../../src/state/cell.ts'
import type { HeaderRule } from '../../src/state/identity.ts'
import type { SessionState } from '../../src/state/state.ts'
import { carrierOf, cookie } from './clients.ts'

const shop = 'https://shop.test'
const api = 'https://api.shop.test'

const bearer: HeaderRule = {
  header: 'Authorization',
  origins: [api],
  methods: 'all',
  prefix: 'Bearer ',
  source: { from: 'localStorage', origin: shop, key: 'auth', path: ['data', 'token'] },
}

const csrf: HeaderRule = {
  header: 'X-CSRF-Token',
  origins: [shop, api],
  methods: 'unsafe',
  prefix: '',
  source: { from: 'cookie', name: 'csrf' },
}

const tab: HeaderRule = {
  header: 'X-Tab',
  origins: [shop],
  methods: 'all',
  prefix: '',
  source: { from: 'sessionStorage', origin: shop, key: 'tab', path: [] },
}

function stateWith(auth: string, csrfValue = 'c%2F1'): SessionState {
  return {
    cookies: [cookie({ name: 'csrf', value: csrfValue, httpOnly: false })],
    origins: [
      {
        origin: shop,
        localStorage: [{ name: 'auth', value: auth }],
        sessionStorage: [{ name: 'tab', value: 't-1' }],
      },
    ],
  }
}

const token = (value: unknown): string => JSON.stringify({ data: { token: value } })

function made(rules: HeaderRule[], state: SessionState, method: string, url: string): [string, string][] {
  return ruleHeaders(rules, new Cell(state), method, new URL(url)).map(({ name, value }) => [name, value])
}

describe('a learned header', () => {
  test('is read out of JSON and gets its prefix', () => {
    expect(made([bearer], stateWith(token('abc')), 'GET', `${api}/me`)).toEqual([
      ['Authorization', 'Bearer abc'],
    ])
  })

  test('goes to the origins of its rule only', () => {
    for (const url of [
      shop,
      'https://api.shop.test:8443',
      'http://api.shop.test',
      'https://api.shop.test.evil.test',
    ])
      expect(made([bearer], stateWith(token('abc')), 'GET', `${url}/me`)).toEqual([])
  })

  test('goes with writes only where it was seen with writes only', () => {
    const state = stateWith(token('abc'))
    for (const method of ['GET', 'HEAD', 'OPTIONS']) expect(made([csrf], state, method, shop)).toEqual([])
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      expect(made([csrf], state, method, shop)).toEqual([['X-CSRF-Token', 'c%2F1']])
  })

  test('is percent-decoded where the page does so', () => {
    const rule: HeaderRule = { ...csrf, encoding: 'decoded' }
    expect(made([rule], stateWith(token('abc')), 'POST', shop)).toEqual([['X-CSRF-Token', 'c/1']])
    expect(made([rule], stateWith(token('abc'), '100%'), 'POST', shop)).toEqual([['X-CSRF-Token', '100%']])
  })

  test('comes out of sessionStorage as well', () => {
    expect(made([tab], stateWith(token('abc')), 'GET', shop)).toEqual([['X-Tab', 't-1']])
  })

  test.each([
    ['the item is no JSON', 'abc'],
    ['the path leads nowhere', '{"data":{}}'],
    ['the value is an object', token({ secret: 1 })],
    ['the path goes on behind a text', '{"data":"token"}'],
    ['the value cannot stand in a header', token('a\r\nb')],
  ])('is not sent when %s', (_what, auth) => {
    expect(made([bearer], stateWith(auth), 'GET', `${api}/me`)).toEqual([])
  })

  test('is not sent when its cookie is gone or expired', () => {
    const expired = { cookies: [cookie({ name: 'csrf', value: 'x', expires: 1 })], origins: [] }
    expect(made([csrf], expired, 'POST', shop)).toEqual([])
    expect(made([csrf], { cookies: [], origins: [] }, 'POST', shop)).toEqual([])
  })

  test('takes the cookie that the target gets before one of the same name elsewhere', () => {
    const state: SessionState = {
      cookies: [
        cookie({ name: 'csrf', value: 'near', domain: '.shop.test' }),
        cookie({ name: 'csrf', value: 'far', domain: 'other.test' }),
      ],
      origins: [],
    }
    expect(made([csrf], state, 'POST', api)).toEqual([['X-CSRF-Token', 'near']])
  })
})

describe('headersFor', () => {
  test('follows a token that the app rotates', () => {
    const carrier = carrierOf({ ...stateWith(token('old')), headerRules: [bearer] })
    expect(headersFor(carrier, `${api}/me`)).toContainEqual(['Authorization', 'Bearer old'])
    const { origins } = stateWith(token('new'))
    carrier.cell.merge({ set: [], removed: [], origins, removedOrigins: [] }, 'app')
    expect(headersFor(carrier, `${api}/me`)).toContainEqual(['Authorization', 'Bearer new'])
  })

  test('asks in the name of the page that the rule was learned from', () => {
    const carrier = carrierOf({ ...stateWith(token('abc')), headerRules: [bearer] })
    const headers = new Map(headersFor(carrier, `${api}/me`))
    expect(headers.get('Origin')).toBe(shop)
    expect(headers.get('Referer')).toBe(`${shop}/`)
    expect(headers.get('Sec-Fetch-Site')).toBe('same-site')
    expect(headers.get('Accept')).toBe('*/*')
  })

  test('gives the cookie last and knows the method', () => {
    const carrier = carrierOf({ ...stateWith(token('abc')), headerRules: [csrf] })
    const headers = headersFor(carrier, shop, { method: 'post' })
    expect(headers.at(-1)).toEqual(['Cookie', 'csrf=c%2F1'])
    expect(headers).toContainEqual(['X-CSRF-Token', 'c%2F1'])
    expect(headersFor(carrier, shop).map(([name]) => name)).not.toContain('X-CSRF-Token')
  })
})
