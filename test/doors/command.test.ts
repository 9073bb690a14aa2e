import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchChromium } from '../site/chromium.ts'
import { jsRecipe, openCommandLine, tsRecipe, yamlRecipe, type CommandLine } from './command-line.ts'

// A single file's run may have to compile first.
const compiling = 180_000

let line: CommandLine

beforeAll(async () => {
  line = await openCommandLine()
  const url = line.shop.url('shop.test', '/login')
  await line.write('shop.yaml', yamlRecipe(url))
  await line.write('shop.ts', tsRecipe(url))
  await line.write('shop.js', jsRecipe(url))
}, compiling)

afterAll(() => line[Symbol.asyncDispose]())

function capture(recipe: string, account: string, ...more: string[]) {
  return line.run(['capture', recipe, '--account', account, '--headless', ...line.browser, ...more])
}

function curl(path: string, ...more: string[]) {
  const url = path.startsWith('/') ? line.shop.url('shop.test', path) : path
  return line.run(['curl', 'shop/alice', url, ...line.network, ...more], { secretResult: true })
}

function parse(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>
}

describe('the command, against the shop', () => {
  test('capture signs in by a YAML recipe, makes a key, and says what was kept and dropped', async () => {
    const ended = await capture('shop.yaml', 'alice')
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stdout).toMatch(
      /^shop\/alice {2}signed in · kept \d+ cookies, \d+ storage keys · dropped \d+ \(.*tracker/,
    )
    expect(ended.stdout).toMatch(
      /\n {12}carried by: cookie .*sid.* ← localStorage auth\.token.* · (dies|no known end)/,
    )
    expect(ended.stderr).toContain('New sealing key in')
    // Nobody watches a pipe: plain lines, no colours, no cursor movements.
    expect(ended.stdout + ended.stderr).not.toMatch(/[\u001b\r]/)
    const key = join(line.folder, '.local/share/sessionbridge.key')
    expect((await stat(key)).mode & 0o777).toBe(0o600)
    expect(line.shop.counters.logins).toBe(1)
  })

  test('capture leaves a living session as it is, unless --force', async () => {
    const again = await capture('shop.yaml', 'alice', '--json')
    expect(again.code).toBe(0)
    expect(parse(again.stdout)).toMatchObject({ name: 'shop/alice', new: false, epoch: 1 })
    expect(line.shop.counters.logins).toBe(1)
    const forced = await capture('shop.yaml', 'alice', '--json', '--force')
    expect(parse(forced.stdout)).toMatchObject({ name: 'shop/alice', new: true, epoch: 2 })
    expect(line.shop.counters.logins).toBe(2)
  })

  test('capture takes a recipe in TypeScript that imports the library by name', async () => {
    const ended = await capture('shop.ts', 'bob', '--json')
    expect(ended).toMatchObject({ code: 0 })
    const facts = parse(ended.stdout)
    expect(facts).toMatchObject({ name: 'shop/bob', new: true })
    expect(facts['dropped']).toContainEqual(expect.objectContaining({ reason: 'tracker' }))
  })

  test('capture takes a recipe in JavaScript', async () => {
    expect(parse((await capture('shop.js', 'carol', '--json')).stdout)).toMatchObject({
      name: 'shop/carol',
      new: true,
    })
  })

  test('a URL alone opens a window, and the session is taken when the site takes the person', async () => {
    // Nobody sits in front of a test: the page signs in by itself, and what stands for the screen is Chromium's
    // headless mode, put behind the command's back.
    const { email, password } = line.shop.accounts.bob
    line.shop.on('shop.test', '/by-hand', (_req, res) => {
      const body = JSON.stringify(JSON.stringify({ email, password }))
      res.setHeader('content-type', 'text/html')
      res.end(`<p>A person types …</p><script>
setTimeout(async () => {
  await fetch('/api/login', { method: 'POST', body: ${body}, headers: { 'content-type': 'application/json' } })
  location = '/account'
}, 300)</script>`)
    })
    const window = await line.write(
      'window.sh',
      `#!/bin/sh\nexec "${line.env['SESSIONBRIDGE_BROWSER'] ?? ''}" --headless=new "$@"\n`,
      0o700,
    )
    const url = line.shop.url('shop.test', '/by-hand')
    const ended = await line.run(['capture', url, '--account', 'bob', ...line.browser, '--browser', window], {
      env: { DISPLAY: ':99', SESSIONBRIDGE_STORE: join(line.folder, 'by-hand') },
    })
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stderr).toContain('Sign in in the window that opens')
    expect(ended.stdout).toMatch(/^shop\/bob {2}signed in/)
  })

  test('list and show name everything and print no value', async () => {
    const list = await line.run(['list'])
    expect(list.stdout.match(/^shop\/\w+/gm)).toEqual(['shop/alice', 'shop/bob', 'shop/carol'])
    const listed = parse((await line.run(['list', '--json'])).stdout)
    expect(listed['sessions']).toHaveLength(3)
    const show = await line.run(['show', 'shop/alice'])
    expect(show.code).toBe(0)
    expect(show.stdout).toMatch(/sid .*HttpOnly/)
    expect(show.stdout).toMatch(/dropped at the login\n(.*\n)* +_ga .*tracker: Google Analytics/)
    expect(show.stdout).toMatch(/Authorization ← localStorage auth\.token/i)
    const facts = parse((await line.run(['show', 'shop/alice', '--json'])).stdout)
    expect(facts['cookies']).toContainEqual(
      expect.objectContaining({ name: 'sid', domain: 'shop.test', httpOnly: true }),
    )
    expect(facts).toMatchObject({ name: 'shop/alice', epoch: 2 })
  })

  test('curl sends cookies, bearer and CSRF header that nobody wrote', async () => {
    const orders = await curl('/api/orders?page=2')
    expect(orders.code).toBe(0)
    expect(JSON.parse(orders.stdout)).toContainEqual(expect.objectContaining({ id: 11 }))
    const me = await curl(line.shop.url('api.shop.test', '/me'))
    expect(parse(me.stdout)).toMatchObject({ name: 'alice' })
    const cart = await curl('/api/cart', '-H', 'Content-Type: application/json', '-d', '{"item":"7"}')
    expect(parse(cart.stdout)).toMatchObject({ account: 'alice', added: '7' })
  })

  test('curl adds what is asked for: method, headers, body from a file, output into a file', async () => {
    await line.write('body.txt', 'from a file')
    const echo = await curl(
      '/echo',
      '-X',
      'PUT',
      '-H',
      'X-Mine: yes',
      '-H',
      'Content-Type: text/plain',
      '-d',
      '@body.txt',
    )
    const seen = parse(echo.stdout)
    expect(seen).toMatchObject({ method: 'PUT', body: 'from a file' })
    const headers = (seen['headers'] as [string, string][]).map(
      ([name, value]) => `${name.toLowerCase()}: ${value}`,
    )
    expect(headers).toEqual(expect.arrayContaining(['x-mine: yes', 'content-type: text/plain']))
    const stored = await curl('/api/orders', '-o', 'orders.json')
    expect(stored).toMatchObject({ code: 0, stdout: '' })
    expect((await stat(join(line.folder, 'orders.json'))).mode & 0o777).toBe(0o600)
    const shaped = parse((await curl('/api/orders', '--json')).stdout)
    expect(shaped).toMatchObject({ status: 200 })
  })

  test('curl -i shows the headers, with the values of cookies masked', async () => {
    line.shop.setRotation({ every: 1 })
    const { stdout } = await line.run([
      'curl',
      'shop/alice',
      line.shop.url('shop.test', '/api/orders'),
      '-i',
      ...line.network,
    ])
    expect(stdout).toMatch(/^HTTP 200/)
    expect(stdout).toMatch(/^set-cookie: rot=•••;/m)
  })

  test('curl saves the cookies that an answer rotates', async () => {
    line.shop.setRotation({ every: 1, strict: true }) // an outdated cookie now ends the session
    for (let n = 0; n < 3; n++) expect((await curl('/api/orders', '--fail')).code).toBe(0)
    line.shop.setRotation({ every: 25, strict: false })
  })

  test('curl --fail prints nothing and ends with 1; without it the answer is the answer', async () => {
    expect(await curl('/nowhere', '--fail')).toMatchObject({ code: 1, stdout: '' })
    const plain = await curl('/nowhere')
    expect(plain.code).toBe(0)
    expect(plain.stdout).toContain('Nothing at')
  })

  test('curl is quiet when its reader goes away', async () => {
    line.shop.on('shop.test', '/endless', (_req, res) => {
      res.setHeader('content-type', 'text/plain')
      res.end('x'.repeat(8_000_000))
    })
    const ended = await line.run(
      ['curl', 'shop/alice', line.shop.url('shop.test', '/endless'), ...line.network],
      {
        meet: (child) => child.stdout.once('data', () => child.stdout.destroy()),
      },
    )
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout.length).toBeLessThan(8_000_000)
  })

  test('export gives a file that Playwright loads, signed in', async () => {
    const ended = await line.run(['export', 'shop/alice', '--to', 'playwright'], { secretResult: true })
    expect(ended.code).toBe(0)
    expect(ended.stderr).toContain('no sessionStorage')
    const state = await line.write('state.json', ended.stdout)
    const browser = await launchChromium(line.shop.address)
    try {
      const context = await browser.newContext({ storageState: state })
      const page = await context.newPage()
      await page.goto(line.shop.url('shop.test', '/account'))
      expect(new URL(page.url()).pathname).toBe('/account')
    } finally {
      await browser.close()
    }
  })

  test('export --strict refuses what the format cannot express, and unknown formats are named', async () => {
    const strict = await line.run(['export', 'shop/alice', '--to', 'playwright', '--strict'])
    expect(strict).toMatchObject({ code: 4, stdout: '' })
    const unknown = await line.run(['export', 'shop/alice', '--to', 'papyrus'])
    expect(unknown).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/There is no format "papyrus"; --to takes .*playwright/) as string,
    })
  })

  test('check says 0 while the session lives and 2 when the server has ended it; so does curl', async () => {
    expect(await line.run(['check', 'shop/alice', ...line.network])).toMatchObject({
      code: 0,
      stdout: 'shop/alice  alive\n',
    })
    line.shop.revoke('alice')
    const dead = await line.run(['check', 'shop/alice', '--json', ...line.network])
    expect(dead.code).toBe(2)
    expect(parse(dead.stdout)).toEqual({ name: 'shop/alice', liveness: 'dead' })
    const refused = await curl('/api/orders')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('Capture it again')
  })

  test('a dead session is captured anew without --force', async () => {
    line.shop.revoke('alice')
    const { logins } = line.shop.counters
    const ended = await capture('shop.yaml', 'alice', '--json')
    expect(parse(ended.stdout)).toMatchObject({ name: 'shop/alice', new: true })
    expect(line.shop.counters.logins).toBe(logins + 1)
  })

  test('remove asks for --yes where nobody can answer, then forgets', async () => {
    const unasked = await line.run(['remove', 'shop/carol'])
    expect(unasked.code).toBe(1)
    expect(unasked.stderr).toContain('--yes')
    expect((await line.run(['remove', 'shop/carol', '--yes'])).code).toBe(0)
    const gone = await line.run(['show', 'shop/carol'])
    expect(gone.code).toBe(1)
    expect(gone.stderr).toContain('There is no stored session shop/carol; stored are shop/alice, shop/bob.')
  })

  test('nothing that was printed holds a secret', async () => {
    const verbose = await line.run(['check', 'shop/alice', '--verbose', ...line.network])
    expect(verbose.code).toBe(0)
    expect(line.printed.length).toBeGreaterThan(20)
    expect(line.printed.join('\n')).not.toContain(line.shop.canary)
    // Control: the canary is what this would find.
    const exported = await line.run(['export', 'shop/alice', '--to', 'playwright'], { secretResult: true })
    expect(exported.stdout).toContain(line.shop.canary)
  })
})
