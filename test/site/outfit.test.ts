import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outfit } from './outfit.ts'
import { type Shop, startShop } from './shop.ts'

let shop: Shop
let directory: string

beforeAll(async () => {
  shop = await startShop()
  directory = await mkdtemp(join(tmpdir(), 'outfit-'))
})

afterAll(async () => {
  await shop.close()
  await rm(directory, { recursive: true, force: true })
})

/** Runs a script that knows nothing of the shop but its URL. */
async function run(script: string): Promise<unknown> {
  const env = { ...process.env, ...(await outfit(shop, directory)) }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env,
  })
  return JSON.parse(stdout)
}

describe('a program in the outfit', () => {
  test('reaches the shop by fetch, its certificate verified', async () => {
    const script = `const answer = await fetch(process.env.SHOP + '/echo'); console.log(await answer.text())`
    expect(await run(script)).toMatchObject({ host: 'shop.test', secure: true })
  })

  test('reaches it with the browser it finds', async () => {
    const script = `
import { chromium } from 'playwright'
const browser = await chromium.launch({ executablePath: process.env.SESSIONBRIDGE_BROWSER, chromiumSandbox: false })
const page = await browser.newPage()
await page.goto(process.env.SHOP + '/echo')
console.log(await page.locator('body').innerText())
await browser.close()`
    expect(await run(script)).toMatchObject({ host: 'shop.test', secure: true })
  })
})
