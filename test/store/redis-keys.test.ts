import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { StoreConflictError } from '../../src/errors.ts'
import type { Store } from '../../src/store/contract.ts'
import { redisStore } from '../../src/store/redis.ts'
import { digestOf } from '../../src/store/session-name.ts'
import type { RedisServer } from '../redis/server.ts'
import { startRedis } from '../redis/server.ts'

const NAME = 'shop/alice'
const HOUR = 3_600_000
const fresh = { ifVersion: undefined }
const one = Buffer.from('one')
const key = (part: string): string => `sessionbridge:{${digestOf(NAME)}}:${part}`

let server: RedisServer
let store: Store

beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())
beforeEach(async () => {
  await server.ask('FLUSHALL')
  store = redisStore(server.url, { timeout: 20_000 })
})
afterEach(() => store.close())

const ttlOf = async (part: string): Promise<number> => Number(await server.ask('PTTL', key(part)))

describe('what lies in Redis', () => {
  test('is one hash per session, and beside it the lease and its fence, all in one slot', async () => {
    for (let round = 0; round < 3; round++)
      await store.write(NAME, one, { ifVersion: (await store.read(NAME))?.version })
    await store.lease(NAME, 60_000)
    const keys = ((await server.ask('KEYS', '*')) as string[]).sort()
    expect(keys).toEqual([key('fence'), key('lease'), key('session')])
    const node = await startRedis({ settings: ['--cluster-enabled', 'yes'] })
    const slots = await Promise.all(keys.map((each) => node.ask('CLUSTER', 'KEYSLOT', each)))
    await node.stop()
    expect(new Set(slots).size).toBe(1)
  })

  test('holds no more than the kept generations', async () => {
    let version: string | undefined
    for (let round = 0; round < 40; round++)
      version = await store.write(NAME, one, { ifVersion: version, milestone: round % 2 === 0 })
    const fields = ((await server.ask('HKEYS', key('session'))) as string[]).filter((field) =>
      field.startsWith('g:'),
    )
    const kept = (await store.history(NAME)).map((generation) => `g:${generation.version}`)
    expect(kept).toHaveLength(11) // ten milestones and the newest, which is none
    expect(fields.sort()).toEqual(kept.sort())
  })

  test('is forgotten by Redis an hour after the last word about its end, and never without one', async () => {
    const version = await store.write(NAME, one, { ...fresh, expiresAt: Date.now() + 10 * HOUR })
    expect(await ttlOf('session')).toBeGreaterThan(10.9 * HOUR)
    expect(await ttlOf('session')).toBeLessThan(11.1 * HOUR)
    const next = await store.write(NAME, one, { ifVersion: version })
    expect(await ttlOf('session')).toBe(-1)
    const past = await store.write(NAME, one, { ifVersion: next, expiresAt: Date.now() - 10 * HOUR })
    expect(await ttlOf('session')).toBeGreaterThan(0.9 * HOUR) // a wrong clock does not lose what was acknowledged
    expect(await store.read(NAME)).toMatchObject({ version: past })
    for (const never of [Infinity, Number.NaN, Number.MAX_VALUE]) {
      await store.write(NAME, one, { ifVersion: (await store.read(NAME))?.version, expiresAt: never })
      expect(await ttlOf('session'), String(never)).toBe(-1)
    }
  })

  test('ends with what is used: leases with their ttl, fences a day later, removed sessions within a minute', async () => {
    await store.write(NAME, one, fresh)
    await store.lease(NAME, 60_000)
    expect(await ttlOf('lease')).toBeLessThanOrEqual(60_000)
    expect(await ttlOf('fence')).toBeGreaterThan(23 * HOUR)
    await store.remove(NAME)
    expect(await server.ask('HKEYS', key('session'))).toEqual(['at'])
    const left = await ttlOf('session')
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(60_000)
    await store.write(NAME, one, fresh)
    expect(await ttlOf('session')).toBe(-1)
  })

  test('of another prefix is another shelf', async () => {
    const other = redisStore(server.url, { prefix: 'o*h[e]r:', timeout: 20_000 })
    try {
      await store.write(NAME, one, { ...fresh, sealedName: 'mine' })
      expect(await other.read(NAME)).toBeUndefined()
      await other.write(NAME, one, { ...fresh, sealedName: 'theirs' })
      expect([await store.list(), await other.list()]).toEqual([['mine'], ['theirs']])
    } finally {
      await other.close()
    }
  })

  test('of somebody else under our key is left alone', async () => {
    await server.ask('SET', key('session'), 'theirs')
    await expect(store.write(NAME, one, fresh)).rejects.toMatchObject({ cause: { code: 'WRONGTYPE' } })
    await expect(store.read(NAME)).rejects.toMatchObject({ cause: { code: 'WRONGTYPE' } })
    await expect(store.remove(NAME)).rejects.toMatchObject({ cause: { code: 'WRONGTYPE' } })
    expect(await server.ask('GET', key('session'))).toBe('theirs')
  })
})

test('a Redis that was restarted empty, or lost its fences, gives no fence twice and takes no old version', async () => {
  const version = await store.write(NAME, one, fresh)
  let last = 0
  for (let round = 0; round < 20; round++) {
    const lease = await store.lease(NAME, 60_000)
    expect(lease?.fence).toBeGreaterThan(last)
    last = lease?.fence ?? 0
    if (round === 10) {
      await server.kill()
      await server.restart()
      expect(await lease?.renew().catch(() => lease.renew())).toBe(false)
    } else await server.ask('DEL', key('lease'), ...(round % 2 === 0 ? [key('fence')] : []))
  }
  await expect(store.write(NAME, one, { ifVersion: version })).rejects.toThrow(StoreConflictError)
  expect(await store.read(NAME)).toBeUndefined()
})

test('forgetting of scripts by the server is not noticed', async () => {
  const version = await store.write(NAME, one, fresh)
  await server.ask('SCRIPT', 'FLUSH')
  expect(await store.read(NAME)).toMatchObject({ version })
  await server.ask('SCRIPT', 'FLUSH')
  expect(await store.write(NAME, one, { ifVersion: version })).not.toBe(version)
})
