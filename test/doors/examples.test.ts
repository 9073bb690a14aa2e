import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateKey } from '../../src/index.ts'
import { startRedis } from '../redis/server.ts'
import { installForeignClients } from '../site/foreign-clients.ts'
import { outfit } from '../site/outfit.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { runNode, type Ended } from './terminal.ts'

/** The README's programs, built and started as their readers start them, in an empty folder. */
const root = join(import.meta.dirname, '../..')
const examples = join(root, 'dist/examples')

let shop: Shop
let folder: string
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  shop = await startShop()
  folder = await mkdtemp(join(tmpdir(), 'examples-'))
  env = {
    PATH: process.env['PATH'],
    HOME: folder,
    ...(await outfit(shop, join(folder, 'outfit'))),
    SESSIONBRIDGE_KEY: generateKey(),
    SESSIONBRIDGE_SHOP_ALICE_EMAIL: shop.accounts.alice.email,
    SESSIONBRIDGE_SHOP_ALICE_PASSWORD: shop.accounts.alice.password,
  }
})

afterAll(async () => {
  await shop.close()
  await rm(folder, { recursive: true, force: true })
})

function run(args: readonly string[]): Promise<Ended> {
  return runNode(args, { cwd: folder, env })
}

describe('the examples of the README', () => {
  test('the quick start prints orders and the total, and signs in once in two runs', async () => {
    for (const attempt of ['first', 'second']) {
      const { code, stdout, stderr } = await run([join(examples, 'quick-start.js')])
      expect(code, `${attempt} run: ${stderr}`).toBe(0)
      expect(stdout).toMatch(/^page 1: \d+ orders\n(page \d: \d+ orders\n){4}total [\d.,]+/)
    }
    expect(shop.counters.logins).toBe(1)
  })

  test('the fixtures run under Playwright with the login of the quick start', async () => {
    await writeFile(
      join(folder, 'playwright.config.mjs'),
      `export default ${JSON.stringify(playwrightConfig())}\n`,
    )
    const { code, stdout, stderr } = await run([join(root, 'node_modules/@playwright/test/cli.js'), 'test'])
    expect(code, stdout + stderr).toBe(0)
    expect(stdout).toMatch(/1 passed/)
    expect(shop.counters.logins).toBe(1)
  })

  test('clients of others go on with that login', async () => {
    await installForeignClients()
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules')) // for the cache of what tests install
    const { logins } = shop.counters
    const said = await Promise.all(
      ['undici', 'axios', 'crawlee'].map((name) => run([join(examples, `clients/${name}.js`)])),
    )
    expect(said.map(({ code, stdout, stderr }) => [code, stdout, stderr])).toEqual([
      [0, expect.stringMatching(/^undici: 200, [1-9]\d* orders\n$/), ''],
      [0, expect.stringMatching(/^axios: 200, [1-9]\d* orders\n$/), ''],
      [0, expect.stringMatching(/^crawlee: 5 pages, [1-9]\d* orders\n$/), ''],
    ])
    expect(shop.counters.logins).toBe(logins)
  }, 300_000)

  test('the fleet signs in once, however many of it are started', async () => {
    const redis = await startRedis()
    const { logins } = shop.counters
    const withRedis = { cwd: folder, env: { ...env, REDIS_URL: redis.url } }
    const runs = await Promise.all(
      Array.from({ length: 3 }, () => runNode([join(examples, 'fleet.js')], withRedis)),
    )
    await redis.stop()
    for (const { code, stdout, stderr } of runs) {
      expect(code, stderr).toBe(0)
      expect(stdout).toMatch(/^\d+ orders, epoch 1\n$/)
    }
    expect(shop.counters.logins - logins).toBe(1)
  })

  test('the bridge alone carries a browser of yours to a jar and to another browser', async () => {
    const { code, stdout, stderr } = await run([join(examples, 'bring-your-own.js')])
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/\d+ cookies for https:/)
  })
})

function playwrightConfig(): object {
  return {
    testDir: join(root, 'examples'),
    testMatch: '**/*.spec.ts',
    timeout: 180_000,
    expect: { timeout: 60_000 },
    outputDir: join(folder, 'results'),
    use: { launchOptions: { executablePath: env['SESSIONBRIDGE_BROWSER'] } },
  }
}
