import { afterAll, beforeAll } from 'vitest'
import { describeProcesses } from '../conformance/processes.ts'
import type { RedisCluster } from '../redis/cluster.ts'
import { startCluster } from '../redis/cluster.ts'
import type { RedisServer } from '../redis/server.ts'
import { startRedis } from '../redis/server.ts'

const patient = { timeout: 20_000 }
let server: RedisServer
let cluster: RedisCluster

beforeAll(async () => {
  ;[server, cluster] = await Promise.all([startRedis(), startCluster()])
})
afterAll(() => Promise.all([server.stop(), cluster.stop()]))

describeProcesses('redis', () =>
  Promise.resolve({
    spec: { module: 'src/store/redis.js', maker: 'redisStore', args: [server.url, patient] },
    close: async () => {
      await server.ask('FLUSHALL')
    },
  }),
)

describeProcesses('redis cluster', () =>
  Promise.resolve({
    spec: { module: 'src/store/redis.js', maker: 'redisStore', args: [cluster.urls, patient] },
    close: () => cluster.flush(),
  }),
)
