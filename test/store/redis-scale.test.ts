import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '../../src/store/contract.ts'
import { redisStore } from '../../src/store/redis.ts'
import type { RedisCluster } from '../redis/cluster.ts'
import { startCluster } from '../redis/cluster.ts'
import type { RedisServer } from '../redis/server.ts'
import { startRedis } from '../redis/server.ts'

const SESSIONS = 10_000
/** A snapshot of a logged-in session is about as long. */
const BYTES = Buffer.alloc(4_000, 's')
const OPENED = 200
const AT_ONCE = 200
/** The goals are 1 s and 20 ms; a machine at load 20 may take longer, and the figures are printed. */
const LIST_MS = 20_000
const READ_MS = 1_000

let server: RedisServer
let cluster: RedisCluster

beforeAll(async () => {
  ;[server, cluster] = await Promise.all([startRedis(), startCluster()])
})
afterAll(() => Promise.all([server.stop(), cluster.stop()]))

describe(`with ${String(SESSIONS)} sessions`, () => {
  test.each(['redis', 'redis cluster'])('a %s store lists and reads in time', async (kind) => {
    const store = redisStore(kind === 'redis' ? server.url : cluster.urls, { timeout: 30_000 })
    try {
      await fill(store)
      const listStarted = performance.now()
      const names = await store.list()
      const listTook = performance.now() - listStarted
      expect(new Set(names).size).toBe(SESSIONS)
      const times: number[] = []
      for (let index = 0; index < OPENED; index++) {
        const started = performance.now()
        expect((await store.read(`shop/${String(index * 37)}`))?.bytes.length).toBe(BYTES.length)
        times.push(performance.now() - started)
      }
      const median = times.sort((a, b) => a - b)[OPENED / 2] ?? 0
      const worst = times.at(-1) ?? 0
      console.log(
        `${kind}: ${String(SESSIONS)} sessions listed in ${listTook.toFixed(0)} ms; one read in ${median.toFixed(2)} ms (median), ${worst.toFixed(1)} ms (worst of ${String(OPENED)})`,
      )
      expect(listTook).toBeLessThan(LIST_MS)
      expect(median).toBeLessThan(READ_MS)
    } finally {
      await store.close()
    }
  })
})

async function fill(store: Store): Promise<void> {
  for (let at = 0; at < SESSIONS; at += AT_ONCE)
    await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) => {
        const number = String(at + index)
        return store.write(`shop/${number}`, BYTES, { ifVersion: undefined, sealedName: `sealed ${number}` })
      }),
    )
}
