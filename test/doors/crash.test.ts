import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateKey } from '../../src/index.ts'
import { outfit } from '../site/outfit.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { compiledScripts } from './terminal.ts'

const rounds = 20

let shop: Shop
let folder: string
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  shop = await startShop()
  folder = await mkdtemp(join(tmpdir(), 'crash-'))
  env = {
    PATH: process.env['PATH'],
    HOME: folder,
    TMPDIR: folder,
    ...(await outfit(shop, join(folder, 'outfit'))),
    SESSIONBRIDGE_KEY: generateKey(),
    SESSIONBRIDGE_SHOP_ALICE_EMAIL: shop.accounts.alice.email,
    SESSIONBRIDGE_SHOP_ALICE_PASSWORD: shop.accounts.alice.password,
  }
  await compiledScripts()
})

afterAll(async () => {
  await shop.close()
  await rm(folder, { recursive: true, force: true })
})

/** Starts the scraper and kills it after so many pages; gives how it began. */
async function scrapeUntilKilled(pages: number): Promise<string> {
  const worker = spawn(process.execPath, [join(import.meta.dirname, 'crash-worker.mjs')], {
    cwd: folder,
    env,
  })
  let complaint = ''
  worker.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  const ended = once(worker, 'exit') as Promise<[number | null, string | null]>
  const lines: string[] = []
  for await (const line of createInterface({ input: worker.stdout })) {
    lines.push(line)
    if (line === String(pages)) worker.kill('SIGKILL')
  }
  const [, signal] = await ended
  expect(signal, complaint).toBe('SIGKILL')
  return lines[0] ?? ''
}

test(`killed with SIGKILL at a random page ${String(rounds)} times, a scraper goes on each time without a login`, async () => {
  expect(await scrapeUntilKilled(30)).toBe('logged in')
  let pages = 30
  for (let round = 0; round < rounds; round++) {
    const until = 1 + Math.floor(Math.random() * 120)
    pages += until
    expect(await scrapeUntilKilled(until), `round ${String(round)}, killed at page ${String(until)}`).toBe(
      'resumed',
    )
  }
  const left = (await readdir(join(folder, '.sessions'), { recursive: true })).filter((name) =>
    name.includes('.tmp'),
  )
  console.log(
    `${String(rounds)} kills over ${String(pages)} pages: ${String(shop.counters.logins)} login, ${String(left.length)} files left over`,
  )
  expect(shop.counters.logins).toBe(1)
  expect(left.length).toBeLessThanOrEqual(2)
})
