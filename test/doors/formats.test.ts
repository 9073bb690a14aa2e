import { link, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listFormats } from '../../src/index.ts'
import { openCommandLine, type CommandLine } from './command-line.ts'

// A single file's run may have to compile first.
const compiling = 180_000
const canary = 'CaNaRy7f3'

let line: CommandLine

beforeAll(async () => {
  line = await openCommandLine()
  await line.write(
    'cookies.txt',
    [
      '# Netscape HTTP Cookie File',
      `#HttpOnly_shop.test\tFALSE\t/\tTRUE\t0\tsid\t${canary}1`,
      `.shop.test\tTRUE\t/\tTRUE\t1900000000\tcsrf\t${canary}2`,
      `.shop.test\tTRUE\t/\tFALSE\t1900000000\t_ga\tGA1.1.${canary}`,
      `broken ${canary}`,
      '',
    ].join('\r\n'),
  )
}, compiling)

afterAll(() => line[Symbol.asyncDispose]())

const secret = { secretResult: true }
const parse = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>
const file = (name: string): string => join(line.folder, name)

/** All that was said on stderr and on stdout where it is no document, up to now. */
afterAll(() => {
  expect(line.printed.join('\n')).not.toContain(canary)
})

describe('convert', () => {
  test('writes another format to stdout, and says what it could not read and not write', async () => {
    const ended = await line.run(['convert', 'cookies.txt', '--to', 'cookie-editor'], secret)
    expect(ended.code).toBe(0)
    expect(JSON.parse(ended.stdout)).toHaveLength(3)
    expect(ended.stderr).toContain('cookies.txt: line 5: malformed (2 fields instead of 7)')
    const header = await line.run(
      ['convert', 'cookies.txt', '--to', 'cookie-header', '--url', 'shop.test'],
      secret,
    )
    expect(header.stdout).toBe(`Cookie: sid=${canary}1; csrf=${canary}2; _ga=GA1.1.${canary}\n`)
    expect(header.stderr).toContain('a Cookie header has no httpOnly: sid')
  })

  test('reads stdin, in UTF-16 too, and finds out what it is', async () => {
    const ended = await line.run(['convert', '-', '--to', 'netscape'], {
      input: `curl 'https://shop.test/' -b 'a=1; b=2'`,
      ...secret,
    })
    expect(ended.stdout).toMatch(/shop\.test\tFALSE\t\/\tTRUE\t0\ta\t1\n/)
    await writeFile(file('utf16.txt'), Buffer.from('\ufeffCookie: a=1', 'utf16le'))
    const wide = await line.run(
      ['convert', 'utf16.txt', '--to', 'document-cookie', '--url', 'shop.test'],
      secret,
    )
    expect(wide.stdout).toBe('a=1\n')
  })

  test('refuses with 4 under --strict, before anything is written', async () => {
    const args = ['convert', 'cookies.txt', '--to', 'curl', '--url', 'shop.test', '--strict']
    expect(await line.run(args)).toMatchObject({ code: 4, stdout: '' })
    expect(await line.run([...args, '--out', 'strict.txt'])).toMatchObject({ code: 4 })
    expect(await readdir(line.folder)).not.toContain('strict.txt')
  })

  test('writes a file that only its owner reads, and leaves no draft behind', async () => {
    const ended = await line.run([
      'convert',
      'cookies.txt',
      '--to',
      'sessionbridge',
      '--strict',
      '--out',
      'out.json',
    ])
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stdout).toMatch(/^out\.json {2}sessionbridge, from netscape · read 3 cookies/)
    expect((await stat(file('out.json'))).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(file('out.json'), 'utf8'))).toMatchObject({ origins: [] })
    expect((await readdir(line.folder)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test.each(['cookies.txt', './cookies.txt', 'soft.txt', 'hard.txt'])(
    'never rewrites its input: --out %s',
    async (out) => {
      const before = await readFile(file('cookies.txt'), 'utf8')
      await symlink('cookies.txt', file('soft.txt')).catch(() => undefined)
      await link(file('cookies.txt'), file('hard.txt')).catch(() => undefined)
      const ended = await line.run(['convert', 'cookies.txt', '--to', 'playwright', '--out', out])
      expect(ended).toMatchObject({ code: 4, stdout: '' })
      expect(ended.stderr).toContain('an input file is never rewritten')
      expect(await readFile(file('cookies.txt'), 'utf8')).toBe(before)
      expect((await readdir(line.folder)).filter((name) => name.endsWith('.tmp'))).toEqual([])
    },
  )

  test.each<[string, string[], RegExp]>([
    [
      'a file that is not there',
      ['convert', 'nowhere.txt', '--to', 'har'],
      /nowhere\.txt cannot be read \(ENOENT\)/,
    ],
    ['a folder', ['convert', '.', '--to', 'har'], /cannot be read/],
    [
      'a format that is none',
      ['convert', 'cookies.txt', '--to', 'papyrus'],
      /--to takes sessionbridge, .*netscape/,
    ],
    ['a source that is none', ['convert', 'cookies.txt', '--from', 'papyrus', '--to', 'har'], /--from takes/],
    ['a target without its URL', ['convert', 'cookies.txt', '--to', 'curl'], /say to which with --url/],
    [
      'a URL that is none',
      ['convert', 'cookies.txt', '--to', 'curl', '--url', `ftp://${canary}`],
      /--url takes/,
    ],
    ['a source without its site', ['convert', '-', '--to', 'har'], /does not say for which site/],
    ['another form', ['convert', 'cookies.txt', '--from', 'har', '--to', 'har'], /Not a session state/],
    [
      'a place that is no file',
      ['convert', 'cookies.txt', '--to', 'har', '--out', '/dev/null'],
      /not a regular file/,
    ],
    [
      'a folder that is not there',
      ['convert', 'cookies.txt', '--to', 'har', '--out', 'no/where'],
      /cannot be written/,
    ],
  ])('says in one sentence what is wrong: %s', async (_what, args, message) => {
    const ended = await line.run(args, { input: `sid=${canary}` })
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(message)
  })

  test('names in its help every format that there is', async () => {
    const { stdout } = await line.run(['convert', '--help'])
    const words = stdout.replaceAll(/\s+/g, ' ')
    for (const { name } of listFormats()) expect(words).toContain(name)
  })
})

describe('import', () => {
  test('keeps a file as a session, through the gate, and says what was kept and dropped', async () => {
    const ended = await line.run(['import', 'cookies.txt', 'shop/alice'])
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stdout).toMatch(
      /^shop\/alice {2}imported from netscape · kept 2 cookies, 0 storage keys · dropped 1 \(1 tracker\) · no known end/,
    )
    expect(ended.stderr).toContain('line 5: malformed')
    expect(ended.stderr).toContain('New sealing key in')
    const shown = parse((await line.run(['show', 'shop/alice', '--json'])).stdout)
    expect(shown['cookies']).toMatchObject([
      { name: 'sid', httpOnly: true },
      { name: 'csrf', domain: '.shop.test' },
    ])
  })

  test('replaces a session only with --force', async () => {
    expect(await line.run(['import', 'cookies.txt', 'shop/alice'])).toMatchObject({ code: 4, stdout: '' })
    const forced = await line.run([
      'import',
      'cookies.txt',
      'shop/alice',
      '--force',
      '--trackers',
      'keep',
      '--json',
    ])
    expect(parse(forced.stdout)).toMatchObject({
      name: 'shop/alice',
      from: 'netscape',
      kept: { cookies: 3 },
      dropped: [],
    })
  })

  test('refuses a file that leaves nothing to keep', async () => {
    await line.write('old.txt', 'shop.test\tFALSE\t/\tTRUE\t1000000000\tsid\tx\n')
    const ended = await line.run(['import', 'old.txt', 'shop/old'])
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain('dropped 1 (1 expired)')
  })

  test('makes a session that works: cookies of a browser sign curl in', async () => {
    const response = await fetchSignedIn()
    await line.write('from-tool.txt', response)
    expect(await line.run(['import', 'from-tool.txt', 'shop/tool', '--url', 'shop.test'])).toMatchObject({
      code: 0,
    })
    const url = line.shop.url('shop.test', '/api/orders?page=1')
    const orders = await line.run(['curl', 'shop/tool', url, ...line.network], secret)
    expect(orders.code).toBe(0)
    expect(JSON.parse(orders.stdout)).toContainEqual(expect.objectContaining({ id: 1 }))
  })
})

/** Signs in by hand and gives the Cookie header that a browser would then send. */
async function fetchSignedIn(): Promise<string> {
  const { createVault, generateKey, memoryStore } = await import('../../src/index.ts')
  const network = { lookup: line.shop.lookup, ca: line.shop.ca }
  await using visitor = createVault({ store: memoryStore(), key: generateKey(), http: network }).anonymous()
  const { email, password } = line.shop.accounts.alice
  const response = await visitor.http.post(line.shop.url('shop.test', '/api/login'), {
    json: { email, password },
  })
  const lines = [response.headers['set-cookie'] ?? []].flat()
  return `Cookie: ${lines.map((text) => text.split(';')[0] ?? '').join('; ')}`
}

describe('diff', () => {
  test('names what differs between a file and a session, and shows no value', async () => {
    await line.write(
      'other.json',
      JSON.stringify({
        cookies: [
          {
            name: 'sid',
            value: `${canary}9`,
            domain: 'shop.test',
            path: '/',
            expires: -1,
            httpOnly: true,
            secure: true,
          },
          {
            name: 'new',
            value: canary,
            domain: 'shop.test',
            path: '/',
            expires: -1,
            httpOnly: true,
            secure: true,
          },
          {
            name: 'csrf',
            value: `${canary}2`,
            domain: '.shop.test',
            path: '/',
            expires: 1900000000,
            httpOnly: false,
            secure: true,
            sameSite: 'Lax',
          },
        ],
        origins: [{ origin: 'https://shop.test', localStorage: [{ name: 'auth', value: canary }] }],
      }),
    )
    const ended = await line.run(['diff', 'shop/alice', 'other.json'])
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stdout.trimEnd().split('\n')).toEqual([
      '~ cookie sid  shop.test/  (value)',
      '~ cookie csrf  .shop.test/  (sameSite)',
      '- cookie _ga  .shop.test/',
      '+ cookie new  shop.test/',
      '+ localStorage auth  https://shop.test',
      '2 added, 1 removed, 2 changed, 0 equal',
    ])
    const same = await line.run(['diff', 'cookies.txt', 'shop/alice', '--json'])
    expect(parse(same.stdout)).toEqual({ equal: 3, differences: [] })
  })

  test('says what is neither a file nor a session', async () => {
    const ended = await line.run(['diff', 'cookies.txt', 'shop/nobody'])
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain('There is no stored session shop/nobody')
    expect(await line.run(['diff', '-', '-'])).toMatchObject({ code: 1 })
  })
})

describe('export', () => {
  test.each([
    'sessionbridge',
    'playwright',
    'netscape',
    'cookie-editor',
    'puppeteer',
    'selenium',
    'tough-cookie',
    'cdp',
    'har',
  ])('writes %s, which import takes again as it was', async (to) => {
    const exported = await line.run(['export', 'shop/alice', '--to', to], secret)
    expect(exported.code).toBe(0)
    await line.write(`export-${to}`, exported.stdout)
    const compared = await line.run(['diff', 'shop/alice', `export-${to}`, '--json'])
    const { equal, differences } = parse(compared.stdout) as {
      equal: number
      differences: { fields: string[] }[]
    }
    // What a format fills in is no value.
    for (const { fields } of differences) expect(fields).not.toContain('value')
    expect(equal + differences.length).toBe(3)
  })

  test('writes what is sent to a URL', async () => {
    const ended = await line.run(
      ['export', 'shop/alice', '--to', 'curl', '--url', 'https://shop.test/api'],
      secret,
    )
    expect(ended.stdout).toContain(`curl -H 'Cookie: sid=${canary}1; csrf=${canary}2`)
    expect(await line.run(['export', 'shop/alice', '--to', 'curl'])).toMatchObject({ code: 1 })
  })
})
