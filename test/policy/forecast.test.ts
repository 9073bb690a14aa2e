import { describe, expect, test } from 'vitest'
import { forecast } from '../../src/policy/forecast.ts'
import type { HeaderRule } from '../../src/state/identity.ts'
import type { SessionState, StateCookie } from '../../src/state/state.ts'

const now = Date.UTC(2026, 10, 20)
const day = 86_400_000

const cookie = (name: string, days: number | undefined, change: Partial<StateCookie> = {}): StateCookie => ({
  name,
  value: 'secret-of-the-test',
  domain: 'shop.test',
  path: '/',
  expires: days === undefined ? -1 : (now + days * day) / 1000,
  httpOnly: true,
  secure: true,
  ...change,
})

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwt = (days: number): string =>
  `${part({ alg: 'none' })}.${part({ exp: (now + days * day) / 1000 })}.c2ln`

const rule: HeaderRule = {
  header: 'Authorization',
  origins: ['https://api.shop.test'],
  methods: 'all',
  prefix: 'Bearer ',
  source: { from: 'localStorage', origin: 'https://shop.test', key: 'auth', path: ['token'] },
}

const withToken = (days: number, ...cookies: StateCookie[]): SessionState => ({
  cookies,
  origins: [
    {
      origin: 'https://shop.test',
      localStorage: [{ name: 'auth', value: JSON.stringify({ token: jwt(days) }) }],
    },
  ],
})

describe('the forecast', () => {
  test('names the cookie that ends first among those that carry the login', () => {
    const cookies = [
      cookie('sid', 30),
      cookie('remember_me', 365),
      cookie('theme', 1, { httpOnly: false, value: 'dark' }),
    ]
    const { diesAt, because } = forecast({ cookies, origins: [] }, { now })
    expect(diesAt).toBe(now + 30 * day)
    expect(because).toBe('cookie sid of shop.test ends first')
  })

  test('reads the expiry of a token inside a cookie', () => {
    const cookies = [cookie('sid', 30, { value: jwt(2) })]
    expect(forecast({ cookies, origins: [] }, { now })).toEqual({
      diesAt: now + 2 * day,
      because: 'the token in cookie sid of shop.test ends first',
    })
  })

  test('reads the expiry of a token behind a header rule', () => {
    const { diesAt, because } = forecast(withToken(1, cookie('sid', 30)), { now, headerRules: [rule] })
    expect(diesAt).toBe(now + day)
    expect(because).toContain('localStorage item auth of https://shop.test')
  })

  test('does not know when nothing says so', () => {
    expect(forecast({ cookies: [cookie('sid', undefined)], origins: [] }, { now }).diesAt).toBeUndefined()
    expect(forecast({ cookies: [], origins: [] }, { now }).diesAt).toBeUndefined()
  })

  test('says that a session which is over has ended', () => {
    const { because } = forecast({ cookies: [cookie('sid', -1)], origins: [] }, { now })
    expect(because).toBe('cookie sid of shop.test has ended')
  })

  test('does not listen to trackers', () => {
    const cookies = [cookie('_ga', 1), cookie('choice', 9, { httpOnly: false, value: 'x' })]
    expect(forecast({ cookies, origins: [] }, { now }).diesAt).toBe(now + 9 * day)
  })

  test('is not upset by things that only look like tokens, and repeats no value', () => {
    const cookies = [
      cookie('sid', 3, { value: 'eyJhbGciOiJub25lIn0.eyJub3QganNvbg.x' }),
      cookie('tok', 4, { value: `eyJhbGciOiJub25lIn0.${part({ exp: 'soon' })}.x` }),
      cookie('jwt', 5, { value: `eyJhbGciOiJub25lIn0.${part([1])}.x` }),
    ]
    const told = forecast({ cookies, origins: [] }, { now })
    expect(told.diesAt).toBe(now + 3 * day)
    expect(JSON.stringify(told)).not.toContain('eyJ')
  })
})
