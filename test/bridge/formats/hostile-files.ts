import type { FormatName } from '../../../src/bridge/formats/format.ts'

/** In every value of a hostile file: nothing that is said of the file may hold it. */
export const canary = 'CaNaRy7f3'

export interface HostileFile {
  readonly what: string
  readonly text: string
  /** Places that the report must name, in order; `undefined`: the file is refused as a whole. */
  readonly places: readonly string[] | undefined
  /** How many cookies are read all the same. */
  readonly cookies?: number
  /** Of the first cookie. */
  readonly expires?: number
}

type Row = Record<string, unknown>

/** How a list format calls the fields of its cookies. */
interface Rows {
  readonly row: Row
  readonly expiry: string
  readonly box: (rows: string) => string
}

const plain: Row = { name: 'a', value: canary, domain: 'shop.test', path: '/', httpOnly: true, secure: true }
const list = (rows: string): string => `[${rows}]`
const state = (rows: string): string => `{"cookies":[${rows}],"origins":[]}`

const rowsOf: Partial<Record<FormatName, Rows>> = {
  sessionbridge: { row: plain, expiry: 'expires', box: state },
  playwright: { row: plain, expiry: 'expires', box: state },
  'cookie-editor': { row: { ...plain, hostOnly: true }, expiry: 'expirationDate', box: list },
  puppeteer: { row: { ...plain, size: 10 }, expiry: 'expires', box: list },
  selenium: { row: plain, expiry: 'expiry', box: list },
  'tough-cookie': {
    row: { key: 'a', value: canary, domain: 'shop.test', path: '/', hostOnly: true },
    expiry: 'expires',
    box: (rows) => `{"version":"tough-cookie@6.1.0","cookies":[${rows}]}`,
  },
  cdp: { row: { ...plain, size: 10 }, expiry: 'expires', box: (rows) => `{"cookies":[${rows}]}` },
}

function listFiles(name: FormatName, { row, expiry, box }: Rows): HostileFile[] {
  const isState = name === 'sessionbridge' || name === 'playwright'
  const nameField = name === 'tough-cookie' ? 'key' : 'name'
  const json = (fields: Row = {}): string => JSON.stringify({ ...row, ...fields })
  const one = (what: string, fields: Row, rest: Omit<HostileFile, 'what' | 'text'>): HostileFile => ({
    what,
    text: box(json(fields)),
    ...rest,
  })
  const said = ['cookies[0]']
  return [
    {
      what: 'a byte order mark and CRLF',
      text: `\ufeff${box(json()).replaceAll('[', '[\r\n')}\r\n`,
      places: [],
      cookies: 1,
    },
    one(
      'milliseconds',
      { [expiry]: 1_900_000_000_000 },
      { places: said, cookies: 1, expires: 1_900_000_000 },
    ),
    one('expires null', { [expiry]: null }, { places: [], cookies: 1, expires: -1 }),
    ...(isState ? [] : [one('expires 0', { [expiry]: 0 }, { places: said, cookies: 1, expires: -1 })]),
    one(
      'expires -1',
      { [expiry]: -1 },
      { places: name === 'tough-cookie' ? [] : [], cookies: 1, expires: -1 },
    ),
    one(
      'expires in ISO',
      { [expiry]: '2030-03-17T17:46:40.000Z' },
      {
        places: name === 'tough-cookie' ? [] : said,
        cookies: 1,
        expires: 1_900_000_000,
      },
    ),
    one('expires that is a secret', { [expiry]: canary }, { places: said, cookies: isState ? 0 : 1 }),
    ...(isState
      ? []
      : [
          one('a line break in the value', { value: `${canary}\r\nX: 1` }, { places: said, cookies: 0 }),
          one('NUL in the name', { [nameField]: `a\u0000${canary}` }, { places: said, cookies: 0 }),
        ]),
    one('a value that is a number', { value: 7 }, { places: said, cookies: 0 }),
    one('a domain that is none', { domain: `${canary} x` }, { places: said, cookies: 0 }),
    {
      what: 'entries that are none',
      text: box(`1,null,"${canary}",[],${json()}`),
      places: [0, 1, 2, 3].map((at) => `cookies[${String(at)}]`),
      cookies: 1,
    },
    {
      what: 'prototype keys',
      text: box(
        `${json().slice(0, -1)},"__proto__":{"domain":"${canary}"},"constructor":{"prototype":{"polluted":1}}}`,
      ),
      places: name === 'tough-cookie' ? [] : said,
      cookies: 1,
    },
    {
      what: 'deep nesting',
      text: box(`${json()},${'['.repeat(100_000)}${']'.repeat(100_000)}`),
      places: undefined,
    },
    { what: 'cut JSON', text: box(json()).slice(0, -6), places: undefined },
    {
      what: 'the same cookie twice',
      text: box(`${json()},${json({ value: `${canary}2` })}`),
      places: ['shop.test/'],
      cookies: 1,
    },
  ]
}

const line = (...fields: string[]): string => fields.join('\t')
const good = line('shop.test', 'FALSE', '/', 'TRUE', '0', 'a', canary)

const netscape: HostileFile[] = [
  {
    what: 'a byte order mark and CRLF',
    text: `\ufeff# Netscape HTTP Cookie File\r\n\r\n${good}\r\n`,
    places: [],
    cookies: 1,
  },
  {
    what: '6 fields',
    text: `# HTTP Cookie File\n${line('shop.test', 'FALSE', '/', 'TRUE', '0', 'a')}\n`,
    places: ['line 2'],
    cookies: 1,
  },
  {
    what: '6 fields, the name missing',
    text: `${line('shop.test', 'FALSE', '/', 'TRUE', '0', canary)}\n${good}`,
    places: ['line 1'],
    cookies: 2,
  },
  { what: '8 fields', text: `${good}\t${canary}\n`, places: ['line 1'], cookies: 1 },
  {
    what: '5 fields and prose',
    text: `${good}\n${line('a', 'b', 'c', 'd', canary)}\nhello ${canary}\n`,
    places: ['line 2', 'line 3'],
    cookies: 1,
  },
  {
    what: 'milliseconds',
    text: good.replace('\t0\t', '\t1900000000000\t'),
    places: ['line 1'],
    cookies: 1,
    expires: 1_900_000_000,
  },
  {
    what: 'expires -1 and nothing',
    text: [good.replace('\t0\t', '\t-1\t'), good.replace('\t0\t', '\t\t').replace('/', '/b')].join('\n'),
    places: [],
    cookies: 2,
    expires: -1,
  },
  {
    what: 'expires in ISO',
    text: good.replace('\t0\t', '\t2030-03-17T17:46:40Z\t'),
    places: ['line 1'],
    cookies: 1,
    expires: 1_900_000_000,
  },
  {
    what: 'expires that is a secret',
    text: good.replace('\t0\t', `\t${canary}\t`),
    places: ['line 1'],
    cookies: 1,
    expires: -1,
  },
  {
    what: 'control characters',
    text: `${good}\u0001\n${good.replace('\ta\t', '\ta\u0000\t')}\n`,
    places: ['line 1', 'line 2'],
    cookies: 0,
  },
  { what: 'flags that are none', text: good.replace('\tTRUE', '\tyes'), places: ['line 1'], cookies: 1 },
  { what: 'spaces for tabs', text: good.replaceAll('\t', '   '), places: [], cookies: 1 },
  { what: 'prototype names', text: good.replace('\ta\t', '\t__proto__\t'), places: [], cookies: 1 },
  {
    what: 'a domain that is none',
    text: good.replace('shop.test', `${canary}?x`),
    places: ['line 1'],
    cookies: 0,
  },
]

const pairs = (before: string, after: string): HostileFile[] => [
  {
    what: 'a byte order mark and CRLF',
    text: `\ufeff${before}a=${canary}; b=${canary}${after}\r\n`,
    places: ['shop.test'],
    cookies: 2,
  },
  {
    what: 'empty pairs',
    text: `${before}a=${canary}; ; ;;=; b=1;${after}`,
    places: ['pair 5', 'shop.test'],
    cookies: 2,
  },
  {
    what: 'control characters',
    text: `${before}a=${canary}\u0001; b=1${after}`,
    places: ['pair 1', 'shop.test'],
    cookies: 1,
  },
  {
    what: 'the same name twice',
    text: `${before}a=1${canary}; a=2${canary}${after}`,
    places: ['shop.test/', 'shop.test'],
    cookies: 1,
  },
  {
    what: 'prototype names',
    text: `${before}__proto__=${canary}; constructor=${canary}${after}`,
    places: ['shop.test'],
    cookies: 2,
  },
  {
    what: 'a million blanks',
    text: `${before}a=${canary}${' '.repeat(1_000_000)}${canary}; b=1${after}`,
    places: ['shop.test'],
    cookies: 2,
  },
  {
    what: '150,000 pairs',
    text: `${before}${Array.from({ length: 150_000 }, (_, at) => `n${String(at)}=1`).join(';')}${after}`,
    places: ['', 'shop.test'],
    cookies: 100_000,
  },
]

const entry = (request: Row, response: Row): string =>
  JSON.stringify({
    startedDateTime: '2026-11-01T10:00:00Z',
    request: { url: `https://shop.test/?q=${canary}`, ...request },
    response,
  })
const archive = (...entries: string[]): string => `{"log":{"entries":[${entries.join(',')}]}}`
const setting = (...lines: string[]): Row => ({
  headers: lines.map((value) => ({ name: 'Set-Cookie', value })),
})
const listing = (...cookies: Row[]): Row => ({ cookies })

const har: HostileFile[] = [
  {
    what: 'a byte order mark and CRLF',
    text: `\ufeff${archive(entry({}, setting(`a=${canary}`)))}\r\n`,
    places: [],
    cookies: 1,
  },
  {
    what: 'lines that are no cookies',
    text: archive(entry({}, setting(`a=${canary}\u0001`, `b=${canary}; Domain=evil.test`, `c=${canary}`))),
    places: ['entries[0]', 'entries[0]'],
    cookies: 1,
  },
  {
    what: 'entries that are none',
    text: archive('1', 'null', '{"request":{"url":"javascript:1"}}', entry({}, setting(`a=${canary}`))),
    places: ['entries[0]', 'entries[1]', 'entries[2]'],
    cookies: 1,
  },
  {
    what: 'milliseconds in the list',
    text: archive(entry({}, listing({ name: 'a', value: canary, expires: 1_900_000_000_000 }))),
    places: ['entries[0].response.cookies[0]'],
    cookies: 1,
    expires: 1_900_000_000,
  },
  {
    what: 'expires 0, null, -1 and ISO in the list',
    text: archive(
      entry(
        {},
        listing(
          ...[null, -1, 0, '2030-03-17T17:46:40Z'].map((expires, at) => ({
            name: String(at),
            value: canary,
            expires,
          })),
        ),
      ),
    ),
    places: ['entries[0].response.cookies[2]'],
    cookies: 4,
  },
  {
    what: 'control characters in the list',
    text: archive(entry(listing({ name: 'a', value: `${canary}\n` }), {})),
    places: ['entries[0].request.cookies[0]'],
    cookies: 0,
  },
  {
    what: 'prototype keys',
    text: `{"log":{"__proto__":{"entries":[1]},"entries":[${entry({ cookies: [{ name: '__proto__', value: canary }] }, {})}]}}`,
    places: [],
    cookies: 1,
  },
  { what: 'deep nesting', text: archive(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), places: undefined },
  { what: 'entries that are no list', text: `{"log":{"entries":"${canary}"}}`, places: undefined },
]

const command = (program: string, option: string): HostileFile[] => [
  ...pairs(`${program} ${option}'Cookie: `, `' https://shop.test/?q=${canary}`).map((file) => ({
    ...file,
    text: file.text.replace(/\r\n$/, ' \\\r\n -v'),
  })),
  {
    what: 'a quote without end',
    text: `${program} https://shop.test/ ${option}'Cookie: a=${canary}; b=1`,
    places: ['shop.test'],
    cookies: 2,
  },
  {
    what: 'commands in it',
    text: `${program} ${option}"Cookie: a=$(cat /etc/passwd)${canary}" https://shop.test/; ${program} ${option}'Cookie: b=1' https://id.test/`,
    places: ['shop.test'],
    cookies: 1,
  },
  { what: 'no cookie at all', text: `${program} https://${canary}@shop.test/`, places: [], cookies: 0 },
]

export const hostileFiles: Readonly<Record<FormatName, readonly HostileFile[]>> = {
  ...(Object.fromEntries(
    Object.entries(rowsOf).map(([name, rows]) => [name, listFiles(name as FormatName, rows)]),
  ) as Record<FormatName, HostileFile[]>),
  netscape,
  har,
  'cookie-header': pairs('Cookie: ', ''),
  'document-cookie': pairs('', ''),
  curl: command('curl', '-H '),
  wget: command('wget', '--header='),
}
