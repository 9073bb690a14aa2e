import fc from 'fast-check'
import type { Place } from './cookie-world.ts'
import { worldPlace } from './cookie-world.ts'

/** Set-Cookie lines with everything in them that parsers are known to disagree about, as byte strings. */

const utf8 = (text: string): string => Buffer.from(text).toString('latin1')
const pick = <const T extends readonly unknown[]>(...values: T): fc.Arbitrary<T[number]> =>
  fc.constantFrom(...values)

const name = fc.oneof(
  { weight: 8, arbitrary: pick('a', 'b', 'sid') },
  {
    weight: 3,
    arbitrary: pick(
      '__Host-a',
      '__Secure-a',
      '__host-A',
      '__SECURE-b',
      '__Http-c',
      '__Host-Http-d',
      '__http-e',
    ),
  },
  {
    weight: 2,
    arbitrary: pick(
      '',
      ' a',
      'a\t',
      'a b',
      utf8('ä'),
      '"a"',
      'a\tb',
      'a\u0001',
      'a\u007f',
      'a,b',
      '__Host',
      '_ _Host-a',
      '$Path',
    ),
  },
)

const value = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[a-z0-9]{1,5}$/) },
  {
    weight: 3,
    arbitrary: pick(
      '',
      ' x ',
      '"q"',
      '" q "',
      'a=b',
      '=',
      'x y',
      'x\ty',
      '\tx',
      utf8('ü'),
      utf8('日本à'),
      'x\u0001',
      'x\u007f',
      'x,y',
      '%3B',
      '__Host-z',
      '{"a":1}',
    ),
  },
  { weight: 1, arbitrary: fc.integer({ min: 4085, max: 4100 }).map((length) => 'v'.repeat(length)) },
)

const date = pick(
  'Wed, 21 Oct 2037 07:28:00 GMT',
  'Wed, 21-Oct-37 07:28:00 GMT',
  'Thu, 01 Jan 1970 00:00:00 GMT',
  'Wed Oct 21 07:28:00 2037',
  '21 Oct 2037 07:28:00',
  '2037-10-21T07:28:00Z',
  '07:28:00 oct 21 2037',
  'Fri, 31 Feb 2037 07:28:00 GMT',
  'Fri, 30 Jun 2037 24:00:00 GMT',
  'Fri, 30 Jun 2037 23:59:60 GMT',
  '30 June 2037 1:2:3',
  '30 Juneteenth 2037 01:02:03',
  '2037 30 Jun 01:02:03',
  '99 Jun 2037 01:02:03',
  '30 Jun 99 01:02:03',
  '30 Jun 69 01:02:03',
  '30 Jun 70 01:02:03',
  '30 Jun 1600 01:02:03',
  '30 Jun 99999 01:02:03',
  '30 Jun 123456 01:02:03',
  '30 Jun 2037 01:02',
  '30 Jun 2037',
  '"Wed, 21 Oct 2037 07:28:00 GMT"',
  '1893456000',
  'never',
  '',
  '0',
  'Wed, 21 Oct 2037 07:28:00 +0200',
  '21 Oct 2037 12:34:567',
  '21 Oct 2037 123:04:05',
  '0 Oct 2037 07:28:00',
  '32 Oct 2037 07:28:00',
  utf8('21 Október 2037 07:28:00'),
  '21 Oct 2037 7:28:0 PM',
  '1a Oct 2037x 07:28:00',
  '1a 21 Oct 2037x 2037 07:28:00',
  '21 Oct 2037 012:34:56',
  '21 Oct 2037 12:34:56x 13:00:00',
  '21 Oct 2037 12:34:56:78',
)

const maxAge = pick(
  '3600',
  '+3600',
  '-1',
  '0',
  '-0',
  '00',
  '3600.5',
  '3600s',
  '1e9',
  '',
  '"3600"',
  ' 3600 ',
  '99999999999',
  '99999999999999999999',
  '-99999999999999999999',
  '99999999999999999999x',
  '-',
  '0x10',
  '34560001',
)

const path = pick(
  '/',
  '/a',
  '/a/',
  '/a/b',
  '',
  'a',
  ' /a ',
  '"/a"',
  '/%61',
  '/a b',
  utf8('/ä'),
  '/a/../b',
  '//',
  '/a?b',
  '/a#b',
  `/${'p'.repeat(1023)}`,
  `/${'p'.repeat(1024)}`,
)

const domain = pick(
  'shop.test',
  '.shop.test',
  'SHOP.TEST',
  'www.shop.test',
  'api.shop.test',
  'test',
  '.test',
  '',
  '.',
  '..shop.test',
  'shop.test.',
  ' shop.test ',
  'hop.test',
  'other.test',
  'keycloak',
  '.keycloak',
  'github.io',
  '.github.io',
  'alice.github.io',
  'bob.github.io',
  'co.uk',
  'shop.co.uk',
  'localhost',
  '127.0.0.1',
  '.127.0.0.1',
  '0.0.1',
  '10.1.2.3',
  '[::1]',
  '::1',
  'shop.test:80',
  'shop.test/',
  '"shop.test"',
  'sh%6Fp.test',
  utf8('bücher.test'),
  'xn--bcher-kva.test',
  '.xn--bcher-kva.test',
  'a,b',
  `${'d'.repeat(1025)}.test`,
  '127.1',
  '0x7f.0.0.1',
  'shop_.test',
)

const flagText = pick('', '=', '=false', '=0')
const attribute = fc.oneof(
  { weight: 4, arbitrary: path.map((text) => `Path=${text}`) },
  { weight: 3, arbitrary: domain.map((text) => `Domain=${text}`) },
  { weight: 2, arbitrary: date.map((text) => `Expires=${text}`) },
  { weight: 2, arbitrary: maxAge.map((text) => `Max-Age=${text}`) },
  { weight: 4, arbitrary: flagText.map((text) => `Secure${text}`) },
  { weight: 2, arbitrary: flagText.map((text) => `HttpOnly${text}`) },
  { weight: 1, arbitrary: flagText.map((text) => `Partitioned${text}`) },
  {
    weight: 3,
    arbitrary: pick('Strict', 'lax', 'None', 'NONE', '', 'bogus', '"Lax"', 'Lax ').map(
      (text) => `SameSite=${text}`,
    ),
  },
  { weight: 1, arbitrary: pick('High', 'low', 'Medium', 'x').map((text) => `Priority=${text}`) },
  {
    weight: 1,
    arbitrary: pick(
      '',
      ' ',
      '=',
      '=x',
      'foo',
      'foo=bar',
      'foo=\u0001',
      'foo=a\tb',
      'f\too',
      '\tfoo\t=\tx\t',
      `foo=${'f'.repeat(1025)}`,
      'Version=1',
      'Comment="a; Secure"',
    ),
  },
)

const casing = pick(
  (text: string) => text,
  (text: string) => text.toLowerCase(),
  (text: string) => text.toUpperCase(),
)
const spacing = pick('; ', ';', ' ; ', ';\t', ';;')

const decorated = fc.record({ attribute, casing, spacing }).map(({ attribute, casing, spacing }) => {
  const equals = attribute.indexOf('=')
  const key = equals === -1 ? attribute : attribute.slice(0, equals)
  return `${spacing}${casing(key)}${equals === -1 ? '' : attribute.slice(equals)}`
})

const head = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.tuple(name, pick('=', '=', '=', ' = ', '=='), value).map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: value },
)

/** Most cookies are ordinary, as on real sites; the rest is what breaks parsers. */
const ordinary = fc
  .record({
    name: pick('a', 'b', 'sid', '__Host-a', '__Secure-a'),
    value: fc.stringMatching(/^[a-z0-9]{1,3}$/),
    tail: pick(
      '',
      '; Path=/',
      '; Path=/; Secure; HttpOnly',
      '; Path=/a',
      '; Secure',
      '; Domain=shop.test; Path=/',
      '; Path=/; Secure; SameSite=None',
      '; Max-Age=0; Path=/',
      '; Max-Age=86400; Path=/',
      '; Path=/; Secure; Partitioned',
    ),
  })
  .map(({ name, value, tail }) => `${name}=${value}${tail}`)

export const setCookieLine: fc.Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: ordinary },
  {
    weight: 3,
    arbitrary: fc
      .tuple(head, fc.array(decorated, { maxLength: 5 }))
      .map(([first, rest]) => first + rest.join('')),
  },
)

export interface LinesResponse {
  readonly place: Place
  readonly lines: readonly string[]
  /** Seconds by which the server's clock, told in its Date header, differs; absent: no such header. */
  readonly clock?: number
}

export const linesResponse: fc.Arbitrary<LinesResponse> = fc
  .record({
    place: worldPlace,
    lines: fc.array(setCookieLine, { minLength: 1, maxLength: 6, size: 'max' }),
    clock: fc.option(pick(0, 7_200, -7_200, 86_400_000), { nil: undefined, freq: 2 }),
  })
  .map(({ place, lines, clock }) => ({ place, lines, ...(clock !== undefined && { clock }) }))
