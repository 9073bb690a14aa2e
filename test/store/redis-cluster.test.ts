import { Cluster } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'
import { redisStore } from '../../src/store/redis.ts'
import { describeStore } from '../conformance/store.ts'
import type { RedisCluster } from '../redis/cluster.ts'
import { startCluster } from '../redis/cluster.ts'
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
