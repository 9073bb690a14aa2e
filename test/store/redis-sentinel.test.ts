import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { StoreFailedError } from '../../src/errors.ts'
import { redisStore } from '../../src/store/redis.ts'
import { eventually } from '../conformance/wait.ts'
import type { Sentinel } from '../redis/sentinel.ts'
import { startSentinel } from '../redis/sentinel.ts'
import type { RedisServer } from '../redis/server.ts'
import { startRedis } from '../redis/server.ts'

let master: RedisServer
let replica: RedisServer
let sentinel: Sentinel

beforeAll(async () => {
  master = await startRedis()
  replica = await startRedis({ settings: ['--replicaof', `127.0.0.1 ${String(master.port)}`] })
  sentinel = await startSentinel('sessions', master.port)
})
afterAll(async () => {
  await sentinel.stop()
  await Promise.all([master.stop(), replica.stop()])
})

test('behind Sentinel the store follows the master, and its watches do', async () => {
  const client = new Redis({
    sentinels: [{ host: '127.0.0.1', port: sentinel.port }],
    name: 'sessions',
    retryStrategy: () => 50,
    sentinelRetryStrategy: () => 50,
  })
  client.on('error', () => undefined)
  const store = redisStore(client, { timeout: 10_000 })
  try {
    let calls = 0
    store.watch('shop/alice', () => {
      calls++
    })
    const version = await store.write('shop/alice', Buffer.from('one'), { ifVersion: undefined })
    await eventually(() => Promise.resolve(calls > 0 || undefined))
    await eventually(async () => (Number(await replica.ask('DBSIZE')) > 0 ? true : undefined))
    await sentinel.failover()
    await eventually(async () => {
      // A Sentinel cuts all clients off from whom it makes master: the question may be among them.
      const role = String(await replica.ask('INFO', 'replication').catch(() => ''))
      return role.includes('role:master') || undefined
    })
    await master.kill() // else it goes on acknowledging, until it is told, what will be lost (docs/redis.md)

    const before = calls
    const next = await eventually(async () => {
      try {
        return await store.write('shop/alice', Buffer.from('two'), { ifVersion: version })
      } catch (error) {
        if (error instanceof StoreFailedError) return undefined
        throw error
      }
    })
    expect(await store.read('shop/alice')).toMatchObject({ version: next })
    const keys = (await replica.ask('KEYS', '*:session')) as string[]
    expect(await replica.ask('HGET', keys[0] ?? '', 'newest')).toBe(next)
    await eventually(() => Promise.resolve(calls > before || undefined))
  } finally {
    await store.close()
    client.disconnect()
  }
})
