import fc from 'fast-check'
import { cookieDefect } from '../../src/policy/cookie-defect.ts'
import { cookieKey, type StateCookie } from '../../src/state/state.ts'

/** Hosts of every shape that cookie rules treat in their own way; all lead to the test shop. */
export const worldHosts = [
  'shop.test',
  'www.shop.test',
  'api.shop.test',
  'deep.api.shop.test',
  'other.test',
  'keycloak',
  'intranet',
  'github.io',
  'alice.github.io',
  'shop.co.uk',
  'localhost',
  '127.0.0.1',
  '10.1.2.3',
  '[::1]',
  '[fd00::7]',
] as const

/** Every name and address leads to loopback, for Chromium; added after the shop's own rules, it is the one that counts. */
export const allToLoopback = ['--host-resolver-rules=MAP * 127.0.0.1']

const paths = ['/', '/a', '/a/', '/a/b', '/ab', '/A', '/a/b/c', '/a%20b', '/a/%41', '/a//b'] as const
export const requestPaths = [
  '/',
  '/a',
  '/a/',
  '/a/b',
  '/a/b/',
  '/a/b/c/d',
  '/ab',
  '/A/x',
  '/a%20b/x',
  '/a/%41',
  '/a//b',
  '/b',
]

const pick = <const T extends readonly unknown[]>(values: T): fc.Arbitrary<T[number]> =>
  fc.constantFrom(...values)

const text = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[a-z0-9]{1,6}$/) },
  {
    weight: 2,
    arbitrary: pick([
      '"quoted"',
      'a b',
      'a=b=c',
      'a,b',
      'ü',
      '日本',
      '😀',
      '%C3%BC',
      '<>',
      'a\\b',
      '{"a":1}',
    ] as const),
  },
  { weight: 1, arbitrary: fc.constant('') },
)

const domains = [
  ...worldHosts,
  '.shop.test',
  '.www.shop.test',
  '.api.shop.test',
  '.other.test',
  '.alice.github.io',
  '.shop.co.uk',
] as const

/** Most of a state is of one site, so that headers have something to order. */
const family = [
  'shop.test',
  '.shop.test',
  'www.shop.test',
  '.www.shop.test',
  'api.shop.test',
  '.api.shop.test',
] as const
const familyHosts = ['shop.test', 'www.shop.test', 'api.shop.test'] as const

const partition = fc.option(
  fc.constantFrom(
    { partitionKey: 'https://shop.test', _crHasCrossSiteAncestor: false },
    { partitionKey: 'https://shop.test', _crHasCrossSiteAncestor: true },
    { partitionKey: 'http://shop.test', _crHasCrossSiteAncestor: true },
    { partitionKey: 'http://other.test', _crHasCrossSiteAncestor: true },
    { partitionKey: 'https://alice.github.io', _crHasCrossSiteAncestor: true },
    { partitionKey: 'https://other.test', _crHasCrossSiteAncestor: true },
    { partitionKey: 'https://github.io', _crHasCrossSiteAncestor: false },
    { partitionKey: 'http://localhost', _crHasCrossSiteAncestor: false },
  ),
  { freq: 5, nil: undefined },
)

const sameSite = pick([undefined, undefined, 'Strict', 'Lax', 'None'] as const)
const prefix = fc.oneof(
  { weight: 8, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: pick(['__Host-', '__Secure-'] as const) },
)

/** A cookie that Chromium can hold. */
export const worldCookie: fc.Arbitrary<StateCookie> = fc
  .record({
    base: fc.oneof(
      { weight: 8, arbitrary: pick(['sid', 'a', 'b', 'tok'] as const) },
      { weight: 1, arbitrary: pick(['', 'ä', 'x y', 'q"'] as const) },
    ),
    prefix,
    value: text,
    domain: fc.oneof({ weight: 3, arbitrary: pick(family) }, { weight: 2, arbitrary: pick(domains) }),
    path: fc.oneof(
      { weight: 3, arbitrary: pick(['/', '/a', '/a/b'] as const) },
      { weight: 2, arbitrary: pick(paths) },
    ),
    lifetime: fc.option(fc.integer({ min: 3_600, max: 300 * 86_400 }), { nil: undefined, freq: 2 }),
    httpOnly: fc.boolean(),
    secure: fc.boolean(),
    sameSite,
    partition,
  })
  .map(({ base, prefix, value, domain, path, lifetime, httpOnly, secure, sameSite, partition }) => ({
    name: prefix + base,
    value,
    domain,
    path,
    expires: lifetime === undefined ? -1 : Math.floor(Date.now() / 1000) + lifetime,
    httpOnly,
    secure,
    ...(sameSite !== undefined && { sameSite }),
    ...partition,
  }))
  .filter((cookie) => cookieDefect(cookie, Date.now()) === undefined)

/** Cookies of one state, in order of creation, each identity once. */
export const worldCookies = fc.uniqueArray(worldCookie, {
  minLength: 40,
  maxLength: 80,
  selector: cookieKey,
  size: 'max',
})

export interface Place {
  readonly secure: boolean
  readonly host: (typeof worldHosts)[number]
  readonly path: string
}

export const worldPlace: fc.Arbitrary<Place> = fc.record({
  secure: fc.boolean(),
  host: fc.oneof({ weight: 1, arbitrary: pick(familyHosts) }, { weight: 1, arbitrary: pick(worldHosts) }),
  path: fc.oneof(
    { weight: 1, arbitrary: pick(['/a/b/c/d', '/a/b/'] as const) },
    { weight: 2, arbitrary: pick(requestPaths) },
  ),
})
