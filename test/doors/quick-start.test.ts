import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateKey } from '../../src/index.ts'
import { outfit } from '../site/outfit.ts'
import { type Shop, startShop } from '../site/shop.ts'

/** The README's first examples, built and run just as they stand, in a folder of their own. */
let shop: Shop
let directory: string
let environment: Record<string, string>

beforeAll(async () => {
  shop = await startShop()
  directory = await mkdtemp(join(tmpdir(), 'quick-start-'))
  environment = {
    ...(await outfit(shop, join(directory, 'outfit'))),
    SESSIONBRIDGE_KEY: generateKey(),
    SESSIONBRIDGE_SHOP_ALICE_EMAIL: shop.accounts.alice.email,
    SESSIONBRIDGE_SHOP_ALICE_PASSWORD: shop.accounts.alice.password,
  }
})

afterAll(async () => {
  await shop.close()
  await rm(directory, { recursive: true, force: true })
})

async function run(example: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [resolve('dist/examples', example)],
    {
      cwd: directory,
      env: { ...process.env, ...environment },
    },
  )
  return stdout + stderr
}

const expected = ['page 1: 10 orders', 'page 5: 10 orders', 'total 322.05 EUR']

describe('the quick start', () => {
  test('signs in once, fetches over HTTP, and asks a page that needs JavaScript', async () => {
    const output = await run('quick-start.js')
    for (const line of expected) expect(output).toContain(line)
    expect(shop.counters.logins).toBe(1)
    expect(await readdir(directory)).toContain('.sessions')
  })

  test('resumes in the next process', async () => {
    const output = await run('quick-start.js')
    for (const line of expected) expect(output).toContain(line)
    expect(shop.counters.logins).toBe(1)
    expect(output).not.toContain(shop.canary)
  })
})

describe('the example that brings its own browser', () => {
  test('carries the state of one context to a jar and to another context', async () => {
    expect(await run('bring-your-own.js')).toMatch(/\d+ cookies for https:\/\/shop\.test/)
  })
})
