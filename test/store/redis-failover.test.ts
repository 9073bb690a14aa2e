import { Cluster } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { StoreConflictError } from '../../src/errors.ts'
import type { Store } from '../../src/store/contract.ts'
import { redisStore } from '../../src/store/redis.ts'
import { digestOf } from '../../src/store/session-name.ts'
import { eventually } from '../conformance/wait.ts'
import type { RedisCluster } from '../redis/cluster.ts'
import { startCluster } from '../redis/cluster.ts'
import { everyCall, failureOf } from '../redis/every-call.ts'
import { startRedis } from '../redis/server.ts'

/** More than a machine may stand still for while nothing is wrong. */
const TIMEOUT = 8_000
const fresh = { ifVersion: undefined }
const one = Buffer.from('one')

let cluster: RedisCluster
const opened: Store[] = []

beforeAll(async () => {
  cluster = await startCluster()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
})
afterAll(() => cluster.stop())

function open(timeout = TIMEOUT): Store {
  const store = redisStore(cluster.urls, { timeout })
  opened.push(store)
  return store
}

let names = 0

/** A new name whose keys the master holds, or held. */
async function nameOn(index: number): Promise<string> {
  for (;;) {
    const name = `shop/${String(names++)}`
    const slot = Number(await cluster.replicas[0]?.ask('CLUSTER', 'KEYSLOT', digestOf(name)))
    if (cluster.indexOf(slot) === index) return name
  }
}

async function reachedReplica(index: number, name: string): Promise<void> {
  const keys = (): Promise<unknown> =>
    cluster.replicas[index]?.ask('KEYS', `*${digestOf(name)}*`) ?? Promise.resolve([])
  await eventually(async () => (((await keys()) as unknown[]).length > 0 ? true : undefined))
}

/** From here on nothing that the master is told reaches its replica, nor lies in its buffers. */
async function partReplica(index: number): Promise<void> {
  cluster.replicas[index]?.freeze()
  await cluster.masters[index]?.ask('CLIENT', 'KILL', 'TYPE', 'replica')
}

async function failover(index: number): Promise<void> {
  await cluster.masters[index]?.kill()
  cluster.replicas[index]?.thaw()
  await cluster.promote(index)
}

/** Calls again until it is not refused for lack of an answer. */
function patiently<T>(work: () => Promise<T>): Promise<T> {
  return eventually(async () => {
    try {
      return { result: await work() }
    } catch (error) {
      if ((error as { code?: string }).code === 'store-failed') return undefined
      throw error
    }
  }).then(({ result }) => result)
}

describe('a Cluster that is not whole', () => {
  test('fails each call in time, over URLs and over a client that was passed in', async () => {
    const name = await nameOn(0)
    const client = new Cluster(cluster.urls.slice(0, 2), { clusterRetryStrategy: () => 20 })
    client.on('error', () => undefined)
    const onClient = redisStore(client, { timeout: TIMEOUT })
    const store = open()
    await Promise.all([store.list(), onClient.list()])
    cluster.masters[0]?.freeze()
    const failures = [store, onClient].flatMap((one) =>
      Object.entries(everyCall).map(async ([call, make]) => {
        expect(await failureOf(make(one, name)), call).toMatchObject({ code: 'store-failed' })
      }),
    )
    await Promise.all(failures)
    cluster.masters[0]?.thaw()
    for (const one of [store, onClient]) expect(await patiently(() => one.list())).toEqual([])
    client.disconnect()
  })

  test('says CLUSTERDOWN where nobody owns the slot, and MOVED where only one node was given', async () => {
    const alone = await startRedis({ settings: ['--cluster-enabled', 'yes'] })
    const single = redisStore(alone.url, { timeout: 20_000 })
    try {
      expect(await failureOf(single.read('shop/alice'))).toMatchObject({ cause: { code: 'CLUSTERDOWN' } })
      const moved = redisStore(cluster.urls[0] ?? '', { timeout: 20_000 })
      opened.push(moved)
      const words = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const error = await failureOf(moved.read(`shop/${String(index)}`))
          return (error as { cause?: { code?: string } }).cause?.code
        }),
      )
      expect(words).toContain('MOVED')
    } finally {
      await single.close()
      await alone.stop()
    }
  })

  test('ends a call that two nodes send to each other for ever', async () => {
    const name = await nameOn(0)
    const store = open()
    await store.write(name, one, fresh)
    const [a, b] = cluster.masters
    const [idA, idB] = [String(await a?.ask('CLUSTER', 'MYID')), String(await b?.ask('CLUSTER', 'MYID'))]
    const slot = String(await a?.ask('CLUSTER', 'KEYSLOT', digestOf(name)))
    await store.remove(name)
    await a?.ask('DEL', `sessionbridge:{${digestOf(name)}}:session`)
    await a?.ask('CLUSTER', 'SETSLOT', slot, 'NODE', idB)
    await b?.ask('CLUSTER', 'SETSLOT', slot, 'NODE', idA)
    const error = await failureOf(store.read(name))
    expect(error).toMatchObject({ code: 'store-failed' })
    expect(['MOVED', 'silent']).toContain((error as { cause: { code: string } }).cause.code)
    for (const node of [a, b]) await node?.ask('CLUSTER', 'SETSLOT', slot, 'NODE', idA)
    expect(await patiently(() => store.read(name))).toBeUndefined()
  })
})

describe('when the master of a session dies and its replica takes over', () => {
  test('what had reached the replica is there, calls end in time, and watches hear again', async () => {
    const name = await nameOn(0)
    const [store, other] = [open(), open()]
    const version = await store.write(name, one, { ...fresh, sealedName: 'sealed' })
    let calls = 0
    other.watch(name, () => {
      calls++
    })
    await other.read(name)
    await reachedReplica(0, name)

    await cluster.masters[0]?.kill()
    const started = performance.now()
    const during = await failureOf(store.read(name))
    const took = performance.now() - started
    expect(took).toBeLessThan(TIMEOUT + 15_000)
    await cluster.promote(0)
    const promoted = performance.now()
    expect(await patiently(() => store.read(name))).toMatchObject({ version })
    const back = performance.now() - promoted
    console.log(
      `redis cluster: without a master a call ended after ${took.toFixed(0)} ms (${(during as { cause?: { code?: string } }).cause?.code ?? 'read'}), after the failover the store was back in ${back.toFixed(0)} ms`,
    )
    expect(await patiently(() => store.list())).toEqual(['sealed'])
    const heardBefore = calls
    await patiently(async () => {
      const found = await store.read(name)
      return store.write(name, one, { ifVersion: found?.version })
    })
    await eventually(() => Promise.resolve(calls > heardBefore || undefined))
  })

  test('a lost lease is not held by two: the first learns that it is over, and the second fence is higher', async () => {
    const name = await nameOn(1)
    const [first, second] = [open(), open()]
    await partReplica(1)
    const lost = await first.lease(name, 600_000)
    expect(lost).toBeDefined()
    expect(await second.lease(name, 600_000)).toBeUndefined()

    await failover(1)
    const won = await patiently(() => second.lease(name, 600_000))
    expect(won?.fence).toBeGreaterThan(lost?.fence ?? Infinity)
    expect(await patiently(async () => lost?.renew())).toBe(false)
    await lost?.release() // frees nothing that is not ours
    expect(await won?.renew()).toBe(true)
  })

  test('an acknowledged write that had not reached the replica is lost, and its writer gets a conflict', async () => {
    const name = await nameOn(2)
    const store = open()
    const kept = await store.write(name, one, fresh)
    await reachedReplica(2, name)
    await partReplica(2)
    const lost = await store.write(name, Buffer.from('two'), { ifVersion: kept })

    await failover(2)
    const late = patiently(() => store.write(name, Buffer.from('three'), { ifVersion: lost }))
    await expect(late).rejects.toThrow(StoreConflictError)
    expect(await store.read(name)).toMatchObject({ version: kept })
  })
})
