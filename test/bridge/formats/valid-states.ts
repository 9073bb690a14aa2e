import fc from 'fast-check'
import { cookieDefect } from '../../../src/policy/cookie-defect.ts'
import type { OriginState, SessionState, StateCookie } from '../../../src/state/state.ts'
import { cookieKey } from '../../../src/state/state.ts'

/** States that a Chromium could hold, with everything in them that some format has no word for. */

const now = Math.floor(Date.now() / 1000)

const aName = fc.oneof(
  fc.constantFrom('sid', 'csrf', '__proto__', 'constructor', '__Host-id', '__Secure-id', '', '#HttpOnly_x'),
  fc.stringMatching(/^[\w!#$%&'*+.^`|~-]{1,8}$/),
  fc.constantFrom('nämé', '名前', 'a b', '"quoted"'),
)

const aValue = fc.oneof(
  fc.stringMatching(/^[\w!#$%&'()*+./:<=>?@^`{|}~-]{0,12}$/),
  fc.constantFrom(
    '',
    'a=b==',
    '"quoted"',
    "it's $HOME `x` \\n",
    'wért',
    '値',
    '😀',
    'a b  c',
    '%20%3B',
    '^"x^"',
  ),
  // Octets that are not UTF-8, as the jar keeps them.
  fc.constantFrom('\udce9', 'a\udcffb'),
)

const aDomain = fc.constantFrom(
  'shop.test',
  'shop.test',
  '.shop.test',
  'shop.test',
  '.shop.test',
  'api.shop.test',
  '.api.shop.test',
  'id.test',
  '.id.test',
  'xn--bcher-kva.test',
  'localhost',
  '127.0.0.1',
  '[::1]',
)

const anExpiry = fc.oneof(
  fc.constant(-1),
  fc.integer({ min: now + 1000, max: now + 300 * 86_400 }),
  fc.integer({ min: now + 1000, max: now + 300 * 86_400 }).map((seconds) => seconds + 0.25),
  fc.double({ min: now + 1000, max: now + 300 * 86_400, noNaN: true }),
)

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })

const aCookie: fc.Arbitrary<StateCookie> = fc
  .record({
    name: aName,
    value: aValue,
    domain: aDomain,
    path: fc.constantFrom('/', '/', '/a', '/a/b', '/%20'),
    expires: anExpiry,
    httpOnly: fc.boolean(),
    secure: fc.boolean(),
    sameSite: maybe(fc.constantFrom('Strict' as const, 'Lax' as const, 'None' as const)),
    partition: maybe(
      fc.constantFrom(
        { partitionKey: 'https://shop.test', _crHasCrossSiteAncestor: false },
        { partitionKey: 'https://shop.test', _crHasCrossSiteAncestor: true },
        { partitionKey: 'https://top.test', _crHasCrossSiteAncestor: true },
        { partitionKey: 'https://top.test' },
      ),
    ),
    sourceScheme: maybe(fc.constantFrom('Unset' as const, 'NonSecure' as const, 'Secure' as const)),
    sourcePort: maybe(fc.constantFrom(-1, 80, 443, 8443)),
    priority: maybe(fc.constantFrom('Low' as const, 'Medium' as const, 'High' as const)),
    note: maybe(fc.constant({ by: ['another tool'] })),
  })
  .map(({ partition, ...fields }) => {
    const given = Object.entries({ ...fields, ...partition }).filter(([, value]) => value !== undefined)
    const needsSecure = partition !== undefined || fields.sameSite === 'None'
    return { ...Object.fromEntries(given), ...(needsSecure && { secure: true }) } as unknown as StateCookie
  })
  .filter((cookie) => cookieDefect(cookie, now * 1000) === undefined)

const items = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('token', '__proto__', '', 'k\u0000', '\ud800', '😀', 'length'),
    value: fc.constantFrom('canary', '', '{"a":1}', '\udfff\n'),
  }),
  { selector: ({ name }) => name, maxLength: 3 },
)

const aDatabase = {
  name: 'db',
  version: 1,
  stores: [{ name: 's', autoIncrement: true, records: [{ key: 1, value: { id: 'x' } }], indexes: [] }],
}

const anOrigin: fc.Arbitrary<OriginState> = fc
  .record({
    origin: fc.constantFrom('https://shop.test', 'http://id.test:8080', 'https://[::1]'),
    localStorage: items,
    sessionStorage: items,
    hasDatabase: fc.boolean(),
  })
  .map(({ hasDatabase, sessionStorage, ...rest }) => ({
    ...rest,
    ...(sessionStorage.length > 0 && { sessionStorage }),
    ...(hasDatabase && { indexedDB: [aDatabase] }),
  }))

export const aValidState: fc.Arbitrary<SessionState> = fc.record({
  cookies: fc.uniqueArray(aCookie, { selector: cookieKey, maxLength: 10, size: '+1' }),
  origins: fc.uniqueArray(anOrigin, { selector: ({ origin }) => origin, maxLength: 2 }),
})
