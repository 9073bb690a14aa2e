import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserServer } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createVault, fileStore, generateKey, redisStore, type Store } from '../../src/index.ts'
import { compiledScripts } from '../doors/terminal.ts'
import { startRedis, type RedisServer } from '../redis/server.ts'
import { chromiumPath } from '../site/chromium.ts'
import { outfit } from '../site/outfit.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { startFleetProcess, type FleetProcess } from './fleet.ts'
import type { FleetJob } from './job.ts'

const revocations = Number(process.env['SESSIONBRIDGE_REVOCATIONS'] ?? 2)
const workers = 100

let shop: Shop
let redis: RedisServer
let browser: BrowserServer
let folder: string
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  shop = await startShop()
  redis = await startRedis()
  folder = await mkdtemp(join(tmpdir(), 'once-'))
  env = {
    PATH: process.env['PATH'],
    HOME: folder,
    TMPDIR: folder,
    ...(await outfit(shop, join(folder, 'outfit'))),
  }
  browser = await chromium.launchServer({
    executablePath: await chromiumPath(),
    chromiumSandbox: false,
    args: [...shop.address.browserArgs],
  })
  await compiledScripts()
}, 180_000)

afterAll(async () => {
  await browser.close()
  await redis.stop()
  await shop.close()
  await rm(folder, { recursive: true, force: true })
})

describe.each(['file', 'redis'] as const)('one session of many processes on a %s store', (kind) => {
  let fleet: FleetProcess[] = []
  let job: FleetJob
  let round = 0
  let place = 0

  beforeEach(() => {
    place += 1
    job = {
      shop: shop.url('shop.test'),
      key: generateKey(),
      browser: browser.wsEndpoint(),
      secrets: shop.accounts.alice,
      workers,
      ...(kind === 'file'
        ? { directory: join(folder, `${kind}-${String(place)}`) }
        : { redis: redis.url, prefix: `once-${String(place)}:` }),
    }
  })
  afterEach(async () => {
    await Promise.all(fleet.map((process) => process.kill()))
    fleet = []
  })

  function start(extra: Partial<FleetJob> = {}, clockOff = 0): FleetProcess {
    const process = startFleetProcess({ ...job, ...extra }, env, { clockOff })
    fleet.push(process)
    return process
  }

  function openStore(): Store {
    return job.directory === undefined
      ? redisStore(redis.url, { prefix: job.prefix ?? '', timeout: 20_000 })
      : fileStore(job.directory)
  }

  async function everyoneAnswered(): Promise<void> {
    round += 1
    await Promise.all(fleet.map((process) => process.answered(round)))
  }

  async function standing(): Promise<{ epoch: number } | undefined> {
    const store = openStore()
    const vault = createVault({ store, key: job.key })
    const found = await vault.peek('shop/alice')
    await store.close()
    return found?.snapshot
  }

  test(`3 processes with ${String(workers)} workers each log in once, and once per revocation, and no caller sees an error`, async () => {
    const before = shop.counters.logins
    for (const off of [0, 600_000, -600_000]) start({}, off) // two clocks are ten minutes off
    await Promise.all(fleet.map((process) => process.hear(({ ready }) => ready === true)))
    expect(shop.counters.logins - before).toBe(1)
    const took: number[] = []
    for (let n = 1; n <= revocations; n++) {
      await everyoneAnswered()
      const begun = performance.now()
      shop.revoke('alice')
      await everyoneAnswered()
      took.push(Math.round(performance.now() - begun))
      expect(shop.counters.logins - before, `after revocation ${String(n)}`).toBe(1 + n)
    }
    const reports = await Promise.all(fleet.map((process) => process.stop()))
    console.log(
      `${kind}: ${String(revocations)} revocations, ${String(shop.counters.logins - before)} logins, all ${String(3 * workers)} workers answered after ${took.join(', ')} ms`,
    )
    expect(reports.flatMap(({ errors }) => errors)).toEqual([])
    for (const { epochs } of reports) expect(epochs).toEqual([...epochs].sort((a, b) => a - b))
    expect((await standing())?.epoch).toBe(1 + revocations)
  }, 300_000)

  test('a leader that is killed in its login is replaced: two logins are begun and one is done', async () => {
    const before = shop.counters.logins
    const leader = start({ stops: true, workers: 5, leaseFor: 2_000 })
    await leader.hear(({ at }) => at === 'login')
    // Only the dead one's lease is short: a living one that is merely slow must not be taken for dead.
    start({ workers: 5 })
    start({ workers: 5 })
    await leader.kill()
    const followers = fleet.slice(1)
    const began = await Promise.all(followers.map((process) => process.hear(({ ready }) => ready === true)))
    expect(began).toHaveLength(2)
    expect(shop.counters.logins - before).toBe(1)
    for (const process of followers) expect((await process.stop()).errors).toEqual([])
  }, 180_000)

  test('a leader that is frozen past its lease is replaced, and what it does when it wakes changes nothing', async () => {
    const before = shop.counters.logins
    const leader = start({ stops: true, workers: 5, leaseFor: 2_000 })
    await leader.hear(({ at }) => at === 'login')
    leader.child.kill('SIGSTOP')
    const follower = start({ workers: 5 })
    await follower.hear(({ ready }) => ready === true)
    expect(shop.counters.logins - before).toBe(1)
    const winner = await standing()
    leader.child.kill('SIGCONT')
    leader.tell({ goOn: 'login' })
    await leader.hear(({ ready }) => ready === true)
    expect(shop.counters.logins - before).toBe(2)
    round += 1
    const [late, first] = await Promise.all([leader.answered(round), follower.answered(round)])
    expect([...late.errors, ...first.errors]).toEqual([])
    // Its own login was dropped from its memory, too: it goes on with the winner's.
    expect(late.epochs).toEqual([winner?.epoch])
    expect((await standing())?.epoch).toBe(winner?.epoch)
  }, 180_000)

  test('a lock that the store has lost costs one login more, and the epoch does not go back', async () => {
    const before = shop.counters.logins
    const leader = start({ stops: true, workers: 5 })
    await leader.hear(({ at }) => at === 'login')
    if (job.directory === undefined) await redis.ask('FLUSHALL')
    else await rm(join(job.directory, '.leases'), { recursive: true })
    const follower = start({ workers: 5 })
    await follower.hear(({ ready }) => ready === true)
    leader.tell({ goOn: 'login' })
    await leader.hear(({ ready }) => ready === true)
    round += 1
    const reports = await Promise.all([leader.answered(round), follower.answered(round)])
    expect(shop.counters.logins - before).toBe(2)
    expect(reports.flatMap(({ errors }) => errors)).toEqual([])
    expect(reports.map(({ epochs }) => epochs.at(-1))).toEqual([1, 1])
    expect((await standing())?.epoch).toBe(1)
  }, 180_000)

  test('a thousand who wait for one login have it soon after it is done', async () => {
    const before = shop.counters.logins
    // Who waited for the lease instead of the login would wait beyond the end of this test.
    const leaseFor = 600_000
    const leader = start({ stops: true, workers: 1, leaseFor })
    await leader.hear(({ at }) => at === 'login')
    const waiting = start({ workers: 1, openings: 1000, leaseFor })
    await waiting.hear(({ at }) => at === 'waiting')
    leader.tell({ goOn: 'login' })
    const { first, last } = await waiting.hear((message) => message.last !== undefined)
    const store = openStore()
    const stored = (await store.history('shop/alice')).at(-1)?.writtenAt ?? 0
    await store.close()
    console.log(
      `${kind}: 1,000 waiters of another process have their session ${String((first ?? 0) - stored)} to ${String((last ?? 0) - stored)} ms after it was written`,
    )
    expect(shop.counters.logins - before).toBe(1)
    expect((last ?? 0) - stored).toBeLessThan(20_000)
  }, 180_000)
})
