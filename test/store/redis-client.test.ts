import type { RedisOptions } from 'ioredis'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/store/contract.ts'
import type { RedisStoreOptions } from '../../src/store/redis.ts'
import { redisStore } from '../../src/store/redis.ts'
import { eventually } from '../conformance/wait.ts'
import { expectAllFail, failureOf } from '../redis/every-call.ts'
import type { Proxy } from '../redis/proxy.ts'
import { startProxy } from '../redis/proxy.ts'
import type { RedisServer } from '../redis/server.ts'
import { startRedis } from '../redis/server.ts'

const fresh = { ifVersion: undefined }
const one = Buffer.from('one')
/** A client that waits and repeats without end. */
const endless = { maxRetriesPerRequest: null, retryStrategy: () => 20, connectTimeout: 60_000 }

let server: RedisServer
let proxy: Proxy
const ends: (() => unknown)[] = []

beforeEach(async () => {
  server = await startRedis()
  proxy = await startProxy(server.port)
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  await proxy.close()
  await server.stop()
})

type Client = Redis<'legacy' | 'resp3'>
type Settings = Omit<RedisOptions, 'replyMapping'> & { replyMapping?: 'resp3' }

function clientFor(port: number, options: Settings = {}): Client {
  const client = new Redis({ port, ...options })
  client.on('error', () => undefined)
  ends.push(() => {
    client.disconnect()
  })
  return client
}

function storeOn(client: Client, options: RedisStoreOptions = {}): Store {
  const store = redisStore(client, options)
  ends.unshift(() => store.close())
  return store
}

describe('a client that was passed in', () => {
  test('stays open and as it was, and the store says when it has been ended', async () => {
    const client = clientFor(server.port)
    const listeners = (): number[] => client.eventNames().map((name) => client.listenerCount(name))
    const before = listeners()
    const store = storeOn(client, { timeout: 20_000 })
    const stop = store.watch('shop/alice', () => undefined)
    await store.write('shop/alice', one, fresh)
    stop()
    await store.close()
    expect(await client.ping()).toBe('PONG')
    expect(listeners()).toEqual(before)
    client.disconnect()
    await eventually(() => Promise.resolve(client.status === 'end' || undefined))
    expect(await failureOf(storeOn(client).read('shop/alice'))).toMatchObject({ cause: { code: 'ended' } })
  })

  test('that waits for ever does not make a call wait', async () => {
    await proxy.refuse()
    const store = storeOn(clientFor(proxy.port, endless), { timeout: 300 })
    await expectAllFail(store, ['not-connected'])
    await proxy.accept()
    await eventually(() => store.write('shop/alice', one, fresh).catch(() => undefined))
    proxy.lose = 'both'
    await expectAllFail(store, ['silent'])
  })

  const variants: Record<string, Settings> = {
    'a keyPrefix': { keyPrefix: 'app:*[x]:' },
    'automatic pipelines': { enableAutoPipelining: true },
    'numbers as texts': { stringNumbers: true },
    'protocol 2': { protocol: 2 },
    'replies of protocol 3': { protocol: 3, replyMapping: 'resp3' },
    'another database': { db: 3 },
    'no offline queue': { enableOfflineQueue: false },
  }
  test.each(Object.entries(variants))('may have %s', async (_, options) => {
    const store = storeOn(clientFor(server.port, options), { timeout: 20_000 })
    let calls = 0
    store.watch('shop/alice', () => {
      calls++
    })
    const version = await store.write('shop/alice', one, { ...fresh, sealedName: 'sealed', milestone: true })
    expect(await store.read('shop/alice')).toMatchObject({ version })
    expect(await store.history('shop/alice')).toMatchObject([{ version, size: 3 }])
    expect(await store.list()).toEqual(['sealed'])
    const lease = await store.lease('shop/alice', 60_000)
    expect(await lease?.renew()).toBe(true)
    expect(await store.lease('shop/alice', 60_000)).toBeUndefined()
    await eventually(() => Promise.resolve(calls > 0 || undefined))
    await store.remove('shop/alice')
    expect(await store.list()).toEqual([])
  })

  test('may not have a brace in its keyPrefix, because that would choose the slot', () => {
    const client = clientFor(server.port, { keyPrefix: '{app}:' })
    expect(() => redisStore(client)).toThrow(TypeError)
  })
})

describe('a command that was done, but whose answer was lost, and which the client sends again', () => {
  /** Lets the server get it, cuts the connection before the answer, and lets the client repeat it. */
  async function losingTheAnswer<T>(work: () => Promise<T>, isDone: () => Promise<unknown>): Promise<T> {
    proxy.lose = 'answers'
    const result = work()
    await eventually(async () => ((await isDone()) === 1 ? true : undefined))
    proxy.lose = 'nothing'
    proxy.cut()
    return result
  }
  const evals = async (): Promise<number> =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(String(await server.ask('INFO', 'commandstats')))?.[1] ?? 0)

  async function warm(): Promise<{ client: Client; done: () => Promise<unknown> }> {
    const client = clientFor(proxy.port, endless)
    const store = storeOn(client, { timeout: 20_000 })
    await store.remove('shop/nobody')
    await store.lease('shop/nobody', 1)
    await store.write('shop/other', one, fresh)
    const before = await evals()
    return { client, done: async () => ((await evals()) > before ? 1 : 0) }
  }

  test('is a write that worked, not a conflict', async () => {
    const { client, done } = await warm()
    const store = storeOn(client, { timeout: 30_000 })
    const before = await evals()
    const version = await losingTheAnswer(() => store.write('shop/alice', one, fresh), done)
    expect(await store.read('shop/alice')).toMatchObject({ version })
    expect(await store.history('shop/alice')).toHaveLength(1)
    expect(await evals()).toBeGreaterThan(before + 3) // else nothing was sent twice
  })

  test('is a lease that is ours, not somebody else’s', async () => {
    const { client, done } = await warm()
    const store = storeOn(client, { timeout: 30_000 })
    const lease = await losingTheAnswer(() => store.lease('shop/alice', 60_000), done)
    expect(await lease?.renew()).toBe(true)
  })

  test('is given back when it was a lease and the call had failed by then', async () => {
    const { client, done } = await warm()
    const store = storeOn(client, { timeout: 200 })
    proxy.lose = 'answers'
    expect(await failureOf(store.lease('shop/alice', 600_000))).toMatchObject({ code: 'store-failed' })
    await eventually(async () => ((await done()) === 1 ? true : undefined)) // what was under way arrives
    const other = storeOn(clientFor(server.port), { timeout: 20_000 })
    expect(await other.lease('shop/alice', 60_000)).toBeUndefined() // the control: it had worked
    proxy.lose = 'nothing'
    proxy.cut()
    expect(await eventually(() => other.lease('shop/alice', 60_000))).toBeDefined()
  })

  test('removes nothing that was written after the removal had failed', async () => {
    const { client } = await warm()
    const store = storeOn(client, { timeout: 200 })
    const other = storeOn(clientFor(server.port), { timeout: 20_000 })
    await other.write('shop/alice', one, fresh)
    proxy.lose = 'requests' // they wait in the client, as in a Redis that is silent
    expect(await failureOf(store.remove('shop/alice'))).toMatchObject({ code: 'store-failed' })
    const version = await other.write('shop/alice', one, {
      ifVersion: (await other.read('shop/alice'))?.version,
    })
    proxy.lose = 'nothing'
    proxy.cut()
    await client.ping() // comes after what was sent again
    expect(await other.read('shop/alice')).toMatchObject({ version })
  })
})
