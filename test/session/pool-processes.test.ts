import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createVault, fileStore, generateKey, redisStore, type Store } from '../../src/index.ts'
import { eventually } from '../conformance/wait.ts'
import { compiledScripts } from '../doors/terminal.ts'
import { startRedis, type RedisServer } from '../redis/server.ts'
import { outfit } from '../site/outfit.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { openDesk, type Desk } from './desk.ts'
import { compiledWorkers } from './fleet.ts'
import type { PoolJob, PoolMessage } from './pool-job.ts'
import { signIn } from './signed-in.ts'

const accounts = ['a', 'b', 'c', 'd']
const uses = 200
/** As short as a loaded machine allows: a holder that is merely slow must not be taken for a dead one. */
const ttl = 6_000

let shop: Shop
let redis: RedisServer
let folder: string
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  shop = await startShop()
  redis = await startRedis()
  folder = await mkdtemp(join(tmpdir(), 'pools-'))
  env = {
    ...{ PATH: process.env['PATH'], HOME: folder, TMPDIR: folder },
    ...(await outfit(shop, join(folder, 'outfit'))),
  }
  await compiledScripts()
}, 180_000)

afterAll(async () => {
  await redis.stop()
  await shop.close()
  await rm(folder, { recursive: true, force: true })
})

describe.each(['file', 'redis'] as const)('a pool of several processes on a %s store', (kind) => {
  const key = generateKey()
  let place: Record<string, string>
  let store: Store
  let desk: Desk
  let started: ChildProcess[] = []
  let count = 0

  beforeEach(async () => {
    count += 1
    const name = `${kind}-${String(count)}`
    place = kind === 'file' ? { directory: join(folder, name) } : { redis: redis.url, prefix: `${name}:` }
    store = kind === 'file' ? fileStore(join(folder, name)) : redisStore(redis.url, { prefix: `${name}:` })
    const vault = createVault({ store, key })
    for (const account of accounts) await vault.put(`shop/${account}`, await signIn(shop))
    desk = openDesk(shop)
  })
  afterEach(async () => {
    for (const child of started) child.kill('SIGKILL')
    started = []
    await store.close()
  })

  function start(who: string, job: Partial<PoolJob>) {
    const facts = {
      who,
      key,
      shop: shop.url('shop.test'),
      accounts,
      ttl,
      inUrl: desk.inUrl,
      outUrl: desk.outUrl,
    }
    const child = spawn(process.execPath, [join(compiledWorkers, 'pool-worker.js')], {
      env: { ...env, POOL_JOB: JSON.stringify({ ...facts, ...place, ...job }) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    started.push(child)
    const heard: PoolMessage[] = []
    child.on('message', (message: PoolMessage) => heard.push(message))
    const hear = (fits: (message: PoolMessage) => boolean): Promise<PoolMessage> =>
      eventually(() => {
        const message = heard.find(fits)
        if (message === undefined && child.exitCode !== null)
          throw new Error(`${who} ended with ${String(child.exitCode)}; it said ${JSON.stringify(heard)}`)
        return Promise.resolve(message)
      })
    return { child, hear }
  }

  test('never lets two stand at the desk with one account, over 200 uses of four accounts', async () => {
    desk = openDesk(shop, { together: uses / 2 })
    // Three of each, for four accounts: some always wait, and none has all of them while it waits to be met.
    const each = { uses: uses / 2, workers: 3, ttl: 30_000 }
    const workers = [start('one', each), start('two', each)]
    await Promise.all(workers.map(({ hear }) => hear(({ ready }) => ready === true)))
    const begun = performance.now()
    for (const { child } of workers) child.send({ go: true })
    await Promise.all(workers.map(({ hear }) => hear(({ done }) => done === true)))
    expect(desk.uses).toHaveLength(uses)
    expect(desk.collisions).toEqual([])
    expect(new Set(desk.uses.map(({ sid }) => sid)).size).toBe(accounts.length)
    expect(desk.meetings).toBeGreaterThan(uses / 4)
    console.log(
      `${kind}: ${String(uses)} uses by two processes in ${String(Math.round(performance.now() - begun))} ms, ` +
        `${String(desk.meetings)} of them begun beside one of the other`,
    )
  }, 120_000)

  test('the account of a killed holder is free after its ttl', async () => {
    const holder = start('killed', { does: 'hold', accounts: ['a'] })
    await holder.hear(({ holds }) => holds === 'shop/a')
    holder.child.kill('SIGKILL')
    await once(holder.child, 'exit')
    desk.forget('killed')
    const killedAt = performance.now()
    const heir = start('heir', { does: 'hold', accounts: ['a'] })
    await heir.hear(({ holds }) => holds === 'shop/a')
    console.log(`${kind}: free ${String(Math.round(performance.now() - killedAt))} ms after the kill`)
    expect(desk.collisions).toEqual([])
  })

  test('a frozen holder is replaced after its ttl, and learns that the account is no longer its own', async () => {
    const holder = start('frozen', { does: 'hold', accounts: ['a'] })
    await holder.hear(({ holds }) => holds === 'shop/a')
    const heir = start('heir', { does: 'hold', accounts: ['a'] })
    await eventually(() => Promise.resolve(heir.child.connected || undefined))
    holder.child.kill('SIGSTOP')
    const frozenAt = performance.now()
    desk.forget('frozen')
    await heir.hear(({ holds }) => holds === 'shop/a')
    const after = performance.now() - frozenAt
    holder.child.kill('SIGCONT')
    await holder.hear(({ over }) => over === true)
    expect(await holder.hear(({ failed }) => failed !== undefined)).toEqual({ failed: 'account-lost' })
    // It woke up without harm to the heir, who still stands there, alone.
    heir.child.send({ go: true })
    await heir.hear(({ released }) => released === true)
    console.log(`${kind}: a frozen holder was replaced after ${String(Math.round(after))} ms`)
    expect(after).toBeGreaterThan(ttl / 2)
  })

  test('neither an open pool nor what it keeps open holds the process', async () => {
    const { child } = start('leaver', { does: 'leave' })
    const [code] = (await once(child, 'exit')) as [number | null]
    expect(code).toBe(0)
    expect(desk.uses).toHaveLength(1)
  })
})
