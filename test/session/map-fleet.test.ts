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
import { compiledWorkers } from './fleet.ts'
import { signIn } from './signed-in.ts'
import type { MapJob, MapMessage } from './map-job.ts'

const count = 1_000
const concurrency = 8
/** With one that dies. */
const fewer = 300
const upTo = (end: number): number[] => Array.from({ length: end }, (_, n) => n)

let shop: Shop
let redis: RedisServer
let folder: string
let env: NodeJS.ProcessEnv
/** The server's own word: how often each page was asked for, and by whom. */
let asked: Map<number, string[]>
/** Called with each page before it is answered. */
let onPage: (n: number, who: string) => Promise<void> | void = () => undefined

beforeAll(async () => {
  shop = await startShop()
  redis = await startRedis()
  folder = await mkdtemp(join(tmpdir(), 'map-fleet-'))
  env = {
    ...{ PATH: process.env['PATH'], HOME: folder, TMPDIR: folder },
    ...(await outfit(shop, join(folder, 'outfit'))),
  }
  await compiledScripts()
  shop.on('shop.test', '/page', async (req, res) => {
    const { searchParams } = new URL(req.url ?? '/', 'http://page')
    const n = Number(searchParams.get('n'))
    const who = searchParams.get('who') ?? ''
    asked.set(n, [...(asked.get(n) ?? []), who])
    await onPage(n, who)
    res.end('page')
  })
}, 180_000)

afterAll(async () => {
  await redis.stop()
  await shop.close()
  await rm(folder, { recursive: true, force: true })
})

describe.each(['file', 'redis'] as const)('a job of several processes on a %s store', (kind) => {
  const key = generateKey()
  let place: Record<string, string>
  let store: Store
  let started: ChildProcess[] = []
  let number = 0

  beforeEach(async () => {
    asked = new Map()
    onPage = () => undefined
    const name = `${kind}-${String(++number)}`
    place = kind === 'file' ? { directory: join(folder, name) } : { redis: redis.url, prefix: `${name}:` }
    store =
      kind === 'file'
        ? fileStore(join(folder, name))
        : redisStore(redis.url, { prefix: `${name}:`, timeout: 20_000 })
    await createVault({ store, key }).put('shop/alice', await signIn(shop))
  })
  afterEach(async () => {
    for (const child of started) child.kill('SIGKILL')
    started = []
    await store.close()
  })

  function start(who: string, pages: number) {
    // Short for the one that dies: a living one that is merely slow must not be taken for dead.
    const leaseFor = who === 'killed' ? 10_000 : 60_000
    const job: MapJob = {
      ...{ who, key, count: pages, concurrency, leaseFor },
      ...{ shop: shop.url('shop.test'), pageUrl: shop.url('shop.test', '/page') },
      ...place,
    }
    const child = spawn(process.execPath, [join(compiledWorkers, 'map-worker.js')], {
      env: { ...env, MAP_JOB: JSON.stringify(job) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    started.push(child)
    const heard: MapMessage[] = []
    child.on('message', (message: MapMessage) => heard.push(message))
    const hear = (fits: (message: MapMessage) => boolean): Promise<MapMessage> =>
      eventually(() => {
        const message = heard.find(fits)
        if (message === undefined && child.exitCode !== null)
          throw new Error(`${who} ended with ${String(child.exitCode)}`)
        return Promise.resolve(message)
      })
    return { who, child, hear, result: async () => (await hear(({ result }) => result !== undefined)).result }
  }

  async function together(whos: readonly string[], pages = count) {
    const workers = whos.map((who) => start(who, pages))
    await Promise.all(workers.map(({ hear }) => hear(({ ready }) => ready === true)))
    for (const { child } of workers) child.send({ go: true })
    return workers
  }

  /** Answers nobody before each of them has asked for a page: that they meet must not be left to the machine's load. */
  function untilAllHaveCome(whos: readonly string[]): typeof onPage {
    const missing = new Set(whos)
    let open: () => void = () => undefined
    const opening = new Promise<void>((resolve) => (open = resolve))
    return (_, who) => {
      missing.delete(who)
      if (missing.size === 0) open()
      return opening
    }
  }

  test('each of 1,000 addresses is asked for exactly once by three processes', async () => {
    const begun = performance.now()
    const whos = ['one', 'two', 'three']
    onPage = untilAllHaveCome(whos)
    const workers = await together(whos)
    const results = await Promise.all(workers.map(({ result }) => result()))
    const took = performance.now() - begun
    expect([...asked.keys()].sort((a, b) => a - b)).toEqual(upTo(count))
    expect([...asked.values()].filter((whos) => whos.length !== 1)).toEqual([])
    expect(results.reduce((sum, result) => sum + (result?.done ?? 0), 0)).toBe(count)
    for (const result of results) {
      expect(result?.done).toBeGreaterThan(0)
      expect((result?.done ?? 0) + (result?.elsewhere ?? 0)).toBe(count)
    }
    console.log(
      `${kind}: ${String(count)} addresses by three processes in ${String(Math.round(took))} ms, ` +
        `shares ${results.map((result) => String(result?.done)).join(', ')}`,
    )
    onPage = () => undefined
    const [late] = await together(['late'])
    expect(await late?.result()).toEqual({ done: 0, failed: 0, elsewhere: count })
  })

  test('what a killed process was working on is taken by the others, and nothing else twice', async () => {
    let midway: () => void = () => undefined
    const isMidway = new Promise<void>((resolve) => (midway = resolve))
    let held = 0
    // The one that will be killed gets no answer any more from some page on: it dies in the middle of its work. Until then the
    // others get none: they could have done all of it before.
    onPage = (_, who) => {
      if (who !== 'killed') return isMidway
      const mine = [...asked.values()].flat().filter((name) => name === 'killed').length
      if (mine <= 30) return undefined
      held += 1
      if (held === concurrency) midway()
      return new Promise(() => undefined)
    }
    const workers = await together(['killed', 'two', 'three'], fewer)
    await isMidway
    const [killed, ...others] = workers
    killed?.child.kill('SIGKILL')
    if (killed !== undefined) await once(killed.child, 'exit')
    const results = await Promise.all(others.map(({ result }) => result()))
    expect([...asked.keys()].sort((a, b) => a - b)).toEqual(upTo(fewer))
    const twice = [...asked.values()].filter((whos) => whos.length > 1)
    // All that it had under way, and of what it had done what was not yet on record.
    expect(twice.length).toBeGreaterThanOrEqual(concurrency)
    expect(twice.length).toBeLessThanOrEqual(2 * concurrency)
    expect(
      twice.filter((whos) => whos.length > 2 || whos.filter((who) => who === 'killed').length !== 1),
    ).toEqual([])
    for (const result of results) expect((result?.done ?? 0) + (result?.elsewhere ?? 0)).toBe(fewer)
    console.log(`${kind}: ${String(twice.length)} of ${String(fewer)} addresses asked for twice after a kill`)
  })
})
