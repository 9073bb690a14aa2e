import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outfit } from '../site/outfit.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { secretsOf, yamlRecipe } from './command-line.ts'
import { compiledScripts, runNode, type Ended } from './terminal.ts'

// What a user gets: the packed tarball, installed by npm into a project that holds nothing else.
const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)
const quiet = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']

let shop: Shop
let project: string
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  await compiledScripts()
  shop = await startShop()
  project = await mkdtemp(join(tmpdir(), 'sessionbridge-package-'))
  env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    ...(await outfit(shop.address, join(project, 'outfit'))),
    ...secretsOf(shop),
    SESSIONBRIDGE_STORE: join(project, 'sessions'),
    CI: '1',
  }
  const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
    cwd: root,
  })
  const [{ filename } = { filename: '' }] = JSON.parse(packed.stdout) as { filename: string }[]
  await write('package.json', JSON.stringify({ private: true, type: 'module' }))
  // The same Playwright as here: its browser is the one that set-up has found.
  const { version } = createRequire(import.meta.url)('playwright/package.json') as { version: string }
  const wanted = [`./${filename}`, `playwright@${version}`, `@playwright/test@${version}`]
  await run('npm', ['install', ...quiet, ...wanted], { cwd: project })
}, 180_000)

afterAll(async () => {
  await shop.close()
  await rm(project, { recursive: true, force: true })
})

async function write(name: string, text: string): Promise<string> {
  await writeFile(join(project, name), text)
  return join(project, name)
}

function node(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return runNode(args, { cwd: project, env: { ...env, ...more } })
}

describe('the packed package, in an empty project', () => {
  test('holds what it is to hold, and neither sources nor tests', async () => {
    const listed = await run('npm', ['pack', '--ignore-scripts', '--json', '--dry-run'], { cwd: root })
    const [{ files } = { files: [] }] = JSON.parse(listed.stdout) as { files: { path: string }[] }[]
    const paths = files.map(({ path }) => path)
    expect(paths).toEqual(
      expect.arrayContaining([
        'package.json',
        'dist/src/index.js',
        'dist/src/index.d.ts',
        'dist/fixtures/index.js',
        'dist/scripts/sessionbridge.js',
      ]),
    )
    expect(paths.filter((path) => /(^|\/)test\/|\.test\.|^src\/|^dist\/examples/.test(path))).toEqual([])
  })

  test('the command signs in, by both of its names', async () => {
    const recipe = await write('shop.yaml', yamlRecipe(shop.url('shop.test', '/login')))
    const bin = (name: string): string => join(project, 'node_modules/.bin', name)
    const captured = await node([bin('sessionbridge'), 'capture', recipe, '--account', 'alice', '--headless'])
    expect(captured).toMatchObject({ code: 0 })
    expect(captured.stdout).toContain('signed in')
    const alias = await node([bin('login-capture'), recipe, '--account', 'alice', '--headless', '--json'])
    expect(JSON.parse(alias.stdout)).toMatchObject({ name: 'shop/alice', new: false })
    const version = await node([bin('sessionbridge'), '--version'])
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    const me = await node([bin('sessionbridge'), 'curl', 'shop/alice', shop.url('api.shop.test', '/me')])
    expect(JSON.parse(me.stdout)).toMatchObject({ name: 'alice' })
    expect(shop.counters.logins).toBe(1)
  })

  test('the library goes on with that session, over HTTP', async () => {
    const program = await write(
      'program.mjs',
      `import { readFileSync } from 'node:fs'
import { createVault, fileStore } from 'sessionbridge'
const folder = process.env.SESSIONBRIDGE_STORE
const vault = createVault({ store: fileStore(folder), key: readFileSync(folder + '.key', 'utf8').trim() })
const session = await vault.open({ name: 'shop', url: process.env.SHOP + '/login' }, { account: 'alice', login: 'never' })
const orders = await session.http(process.env.SHOP + '/api/orders?page=3').json()
const answer = await session.fetch(process.env.SHOP + '/api/seen', { method: 'POST' })
console.log(session.isNew, orders[0].id, answer.status)
const loaded = () => process.moduleLoadList.some((name) => name.includes('deps/undici'))
console.log(loaded(), answer instanceof Response, loaded())
await session.close()
`,
    )
    // Node's own fetch, which costs a start as much as Node itself, is loaded by who asks for its class, not by us.
    const stdout = 'false 21 200\nfalse true true\n'
    expect(await node([program])).toEqual({ code: 0, stdout, stderr: '' })
    expect(shop.counters.logins).toBe(1)
  })

  test('the fixtures sign a Playwright run in, with the same session', async () => {
    await write(
      'playwright.config.ts',
      `const expect = { timeout: 60_000 }
export default { testMatch: 'orders.spec.ts', workers: 2, reporter: 'line', timeout: 180_000, expect }\n`,
    )
    await write(
      'orders.spec.ts',
      `import { test as base, expect } from '@playwright/test'
import { readFileSync } from 'node:fs'
import { createVault, fileStore } from 'sessionbridge'
import { sessionFixtures } from 'sessionbridge/fixtures'

const folder = process.env.SESSIONBRIDGE_STORE ?? ''
const vault = createVault({ store: fileStore(folder), key: readFileSync(folder + '.key', 'utf8').trim() })
const site = process.env.SHOP ?? ''
const test = base.extend(sessionFixtures(vault))
test.use({
  recipe: { name: 'shop', url: site + '/login' },
  account: 'alice',
  baseURL: site,
  launchOptions: { executablePath: process.env.SESSIONBRIDGE_BROWSER },
})
test('the page is signed in', async ({ page }) => {
  await page.goto('/account')
  await expect(page.getByTestId('status')).toHaveText('ready')
})
test('so is http', async ({ http }) => {
  expect(await http('/api/orders').json()).toHaveLength(10)
})
`,
    )
    const ended = await node([join(project, 'node_modules/@playwright/test/cli.js'), 'test'])
    expect(ended.stdout).toContain('2 passed')
    expect(ended.code).toBe(0)
    expect(shop.counters.logins).toBe(1)
  })
})

describe('the cold start of the packed package', () => {
  /** Names of the packages that a program loads, by `import` and by `require`. */
  async function packagesLoadedBy(source: string): Promise<string[]> {
    await mkdir(join(project, 'trace'), { recursive: true })
    const log = join(project, 'trace/loaded.txt')
    await writeFile(log, '')
    const hooks = await write(
      'trace/hooks.mjs',
      `import { appendFileSync } from 'node:fs'
export async function load(url, context, next) {
  appendFileSync(${JSON.stringify(log)}, url + '\\n')
  return next(url, context)
}
`,
    )
    const preload = await write(
      'trace/preload.mjs',
      `import { register, createRequire } from 'node:module'
import { appendFileSync } from 'node:fs'
register(${JSON.stringify(pathToFileURL(hooks).href)})
const { cache } = createRequire(import.meta.url)
process.on('exit', () => appendFileSync(${JSON.stringify(log)}, Object.keys(cache).join('\\n')))
`,
    )
    const program = await write('trace/program.mjs', source)
    const ended = await node(['--import', pathToFileURL(preload).href, program], { NODE_OPTIONS: '' })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    const names = (await readFile(log, 'utf8')).matchAll(
      /node_modules\/((?:@[^/]+\/)?[^/\n]+)\/(?!.*node_modules)/g,
    )
    return [...new Set([...names].map(([, name = '']) => name))].sort()
  }

  test('importing the library loads no other package', async () => {
    expect(await packagesLoadedBy(`await import('sessionbridge')`)).toEqual(['sessionbridge'])
  })

  test('importing the fixtures loads no other package', async () => {
    expect(await packagesLoadedBy(`await import('sessionbridge/fixtures')`)).toEqual(['sessionbridge'])
  })

  test('the trace sees what is loaded (control)', async () => {
    const loaded = await packagesLoadedBy(
      `import { toCookieJar } from 'sessionbridge'
toCookieJar({ cookies: [], origins: [] })
await import('playwright')`,
    )
    expect(loaded).toEqual(expect.arrayContaining(['playwright', 'tough-cookie']))
  })
})
