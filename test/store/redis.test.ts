import { redisStore } from '../../src/store/redis.ts'
import { describeStore } from '../conformance/store.ts'
import { startRedis } from '../redis/server.ts'
import { shelfOf } from '../redis/shelf.ts'

describeStore('redis', async () => {
  const server = await startRedis()
  return shelfOf(
    () => redisStore(server.url, { timeout: 20_000 }),
    () => server.stop(),
  )
})
