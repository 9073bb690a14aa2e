import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { chromium, type BrowserServer } from 'playwright'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateKey } from '../../src/index.ts'
import { compiledScripts } from '../doors/terminal.ts'
import { startRedis, type RedisServer } from '../redis/server.ts'
import { chromiumPath } from '../site/chromium.ts'
import { outfit } from '../site/outfit.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { compiledWorkers } from './fleet.ts'
import type { FleetJob, SoakFigures } from './job.ts'

/** 30 in `npm test`; 300 in a long job; 1,800 before a release. */
const seconds = Number(process.env['SESSIONBRIDGE_SOAK_SECONDS'] ?? 30)
const perSecond = 200
const samples = 12

let shop: Shop
let redis: RedisServer
let browser: BrowserServer
let folder: string
let worker: ChildProcess

beforeAll(async () => {
  shop = await startShop()
  redis = await startRedis()
  folder = await mkdtemp(join(tmpdir(), 'soak-'))
  browser = await chromium.launchServer({
    executablePath: await chromiumPath(),
    chromiumSandbox: false,
    args: [...shop.address.browserArgs],
  })
  await compiledScripts()
  const job: FleetJob = {
    shop: shop.url('shop.test'),
    key: generateKey(),
    browser: browser.wsEndpoint(),
    secrets: shop.accounts.alice,
    redis: redis.url,
    workers: 0,
    perSecond,
  }
  worker = spawn(process.execPath, ['--expose-gc', join(compiledWorkers, 'soak-worker.js')], {
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      ...(await outfit(shop, join(folder, 'outfit'))),
      FLEET_JOB: JSON.stringify(job),
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const died = once(worker, 'exit').then(([code]) => {
    throw new Error(`the worker ended with ${String(code)}`)
  })
  await Promise.race([once(worker, 'message'), died])
  died.catch(() => undefined) // it will end some time
}, 180_000)

afterAll(async () => {
  if (worker.exitCode === null) {
    worker.kill('SIGKILL')
    await once(worker, 'exit')
  }
  await browser.close()
  await redis.stop()
  await shop.close()
  await rm(folder, { recursive: true, force: true })
})

async function figures(wish: 'figures' | 'drain' = 'figures'): Promise<SoakFigures> {
  worker.send({ [wish]: true })
  const [message] = (await once(worker, 'message')) as [{ figures: SoakFigures }]
  return message.figures
}

test(
  `${String(seconds)} s at ${String(perSecond)} requests a second, with revocations and a store that comes and goes, use up nothing`,
  async () => {
    const seen: SoakFigures[] = []
    let revocations = 0
    for (let n = 0; n < samples; n++) {
      // The passing of time is what is tested here.
      await pause((seconds * 1000) / samples)
      // Not in the middle of a login: a site that shows its form again has said no to the password.
      if (n % 3 === 1 && (seen.at(-1)?.epoch ?? 1) === 1 + revocations) {
        shop.revoke('alice')
        revocations += 1
      }
      if (n % 4 === 2) {
        await redis.kill()
        await redis.restart()
      }
      seen.push(await figures())
    }
    const last = await figures('drain') // when nothing is under way any more
    worker.send({ stop: true })
    await once(worker, 'exit')
    const settled = seen.slice(samples / 3) // until then code and connections are still being warmed up
    const most = (pick: (figures: SoakFigures) => number): number => Math.max(...settled.map(pick))
    const half = (pick: (figures: SoakFigures) => number, from: number): number => {
      const part = settled.slice(from, from + settled.length / 2).map(pick)
      return Math.min(...part)
    }
    const heaps = [half(({ heap }) => heap, 0), half(({ heap }) => heap, settled.length / 2)] as const
    console.log(
      `soak: ${String(last.answered)} answers (${String(Math.round(last.answered / seconds))} a second), ${String(revocations)} revocations, epoch ${String(last.epoch)}, ` +
        `heap ${heaps.map((bytes) => (bytes / 1e6).toFixed(1)).join(' → ')} MB, descriptors ≤ ${String(most(({ descriptors }) => descriptors))} → ${String(last.descriptors)}, ` +
        `timers ≤ ${String(most(({ timers }) => timers))} → ${String(last.timers)}, errors ${JSON.stringify(last.errors)}`,
    )
    expect(last.answered).toBeGreaterThan(seconds * 10)
    expect(last.epoch).toBe(1 + revocations)
    expect(last.errors).toEqual({})
    // A leak of one small object per request would be far above this.
    expect(heaps[1]).toBeLessThan(heaps[0] * 1.2 + 3e6)
    expect(revocations).toBeGreaterThan(0)
    expect(last.underWay).toBe(0)
    expect(last.listeners).toBe(settled[0]?.listeners)
    // Half as many connections as requests a second may be under way, and as many may idle: the rest must have gone.
    expect(last.descriptors).toBeLessThan(perSecond)
    expect(last.timers).toBeLessThan(20)
  },
  (seconds + 120) * 1000,
)
