import { Cluster } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisStore } from '../../src/store/redis.ts'
import { describeStore } from '../conformance/store.ts'
import type { RedisCluster } from '../redis/cluster.ts'
import { startCluster } from '../redis/cluster.ts'
import { rights } from '../redis/rights.ts'
import { shelfOf } from '../redis/shelf.ts'

let cluster: RedisCluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

// All on one client that was passed in; describeProcesses and the failover have clients of ours.
describeStore('redis cluster', () => {
  const client = new Cluster(cluster.urls.slice(0, 3), { enableAutoPipelining: true, keyPrefix: 'app:' })
  return Promise.resolve(
    shelfOf(
      () => redisStore(client, { timeout: 20_000 }),
      async () => {
        client.disconnect()
        await cluster.flush()
      },
    ),
  )
})

test('the rights that docs/redis.md lists, and those for Clusters, are enough for a store over URLs', async () => {
  const nodes = [...cluster.masters, ...cluster.replicas]
  for (const node of nodes) await node.ask('ACL', 'SETUSER', 'app', 'on', '>word', ...rights, '+cluster')
  const store = redisStore(
    cluster.urls.map((url) => url.replace('//', '//app:word@')),
    { timeout: 20_000 },
  )
  try {
    const heard = new Set<string>()
    const names = Array.from({ length: 10 }, (_, index) => `shop/${String(index)}`)
    for (const name of names) store.watch(name, () => heard.add(name))
    for (const name of names)
      await store.write(name, Buffer.from(name), { ifVersion: undefined, sealedName: `sealed ${name}` })
    expect(await store.list()).toHaveLength(names.length)
    for (const name of names) expect(await (await store.lease(name, 60_000))?.renew()).toBe(true)
    await expect.poll(() => heard.size, { timeout: 30_000 }).toBe(names.length)
    for (const name of names) await store.remove(name)
    expect(await store.list()).toEqual([])
  } finally {
    await store.close()
  }
})
