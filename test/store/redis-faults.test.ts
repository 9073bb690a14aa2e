import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StoreFailedError } from '../../src/errors.ts'
import type { Store } from '../../src/store/contract.ts'
import { redisStore } from '../../src/store/redis.ts'
import { eventually, pause } from '../conformance/wait.ts'
import { everyCall, expectAllFail, failureOf } from '../redis/every-call.ts'
import type { Proxy } from '../redis/proxy.ts'
import { startProxy } from '../redis/proxy.ts'
import type { RedisServer } from '../redis/server.ts'
import { startRedis } from '../redis/server.ts'

const TIMEOUT = 400
const fresh = { ifVersion: undefined }
const one = Buffer.from('one')

/** Silent, when the machine does not come round to the refusal in time. */
const refused = ['ECONNREFUSED', 'silent']

let server: RedisServer
let proxy: Proxy
let store: Store

beforeEach(async () => {
  server = await startRedis()
  proxy = await startProxy(server.port)
  store = redisStore(proxy.url, { timeout: TIMEOUT })
})
afterEach(async () => {
  await store.close()
  await proxy.close()
  await server.stop()
})

/** Works again, without a new store; its time is short, so a machine that stands still may make it fail once more. */
async function expectHealthy(name = 'shop/healed'): Promise<void> {
  await eventually(async () => {
    try {
      const version = await store.write(name, one, { ifVersion: (await store.read(name))?.version })
      expect(await store.read(name)).toMatchObject({ version })
      await store.remove(name)
      return true
    } catch (error) {
      if (error instanceof StoreFailedError) return undefined
      throw error
    }
  })
}

describe('every call of a Redis store ends in time with a typed error, and works when Redis is back:', () => {
  test('refused from the beginning, and later', async () => {
    await proxy.refuse()
    const first = await expectAllFail(store, refused)
    await proxy.accept()
    await expectHealthy()
    await proxy.refuse()
    const later = await expectAllFail(store, [...refused, 'cut', 'ECONNRESET']) // some before it has noticed
    await proxy.accept()
    await expectHealthy()
    tell('refused', first, later)
  })

  test.each(['both', 'requests', 'answers'] as const)('silent, %s swallowed', async (lose) => {
    proxy.lose = lose
    const first = await expectAllFail(store, ['silent', 'cut'])
    proxy.lose = 'nothing'
    await expectHealthy()
    proxy.lose = lose
    const later = await expectAllFail(store, ['silent', 'cut'])
    proxy.lose = 'nothing'
    await expectHealthy()
    tell(`silent (${lose})`, first, later)
  })

  test('frozen', async () => {
    await expectHealthy()
    server.freeze()
    const took = await expectAllFail(store, ['silent', 'cut'])
    server.thaw()
    await expectHealthy()
    tell('frozen', took)
  })

  test('too slow; and only slow is no failure', async () => {
    proxy.delay = 5 * TIMEOUT
    const took = await expectAllFail(store, ['silent', 'cut'])
    proxy.delay = TIMEOUT / 20
    await expectHealthy()
    tell('slow', took)
  })

  test('cut while it works', async () => {
    await expectHealthy()
    proxy.lose = 'answers'
    const failing = expectAllFail(store, ['cut', 'ECONNRESET', 'silent'])
    await pause(50)
    proxy.cut()
    const took = await failing
    proxy.lose = 'nothing'
    await expectHealthy()
    tell('cut', took)
  })

  test('out of memory: nothing is written, nothing is torn, and removing helps', async () => {
    const patient = redisStore(server.url, { timeout: 20_000 })
    try {
      const first = await patient.write('shop/alice', one, fresh)
      await server.ask('CONFIG', 'SET', 'maxmemory', '1mb')
      const late = patient.write('shop/alice', Buffer.alloc(100_000), { ifVersion: first })
      expect(await failureOf(late)).toMatchObject({ code: 'store-failed', cause: { code: 'OOM' } })
      expect(await failureOf(patient.lease('shop/alice', 1_000))).toMatchObject({ cause: { code: 'OOM' } })
      expect(await patient.read('shop/alice')).toMatchObject({ version: first })
      expect(await patient.history('shop/alice')).toHaveLength(1)
      await patient.remove('shop/alice')
      expect(await patient.read('shop/alice')).toBeUndefined()
      await server.ask('CONFIG', 'SET', 'maxmemory', '0')
    } finally {
      await patient.close()
    }
    await expectHealthy()
  })

  test('a replica takes no writes', async () => {
    const replica = await startRedis({ settings: ['--replicaof', `127.0.0.1 ${String(server.port)}`] })
    const toReplica = redisStore(replica.url, { timeout: 20_000 })
    const patient = redisStore(server.url, { timeout: 20_000 })
    try {
      await patient.write('shop/alice', one, fresh)
      await eventually(async () => (await toReplica.read('shop/alice').catch(() => undefined)) ?? undefined)
      for (const call of ['remove', 'lease'])
        expect(
          await failureOf(everyCall[call]?.(toReplica, 'shop/alice') ?? Promise.resolve()),
          call,
        ).toMatchObject({
          cause: { code: 'READONLY' },
        })
      expect(await failureOf(toReplica.write('shop/bob', one, fresh))).toMatchObject({
        cause: { code: 'READONLY' },
      })
    } finally {
      await Promise.all([toReplica.close(), patient.close()])
      await replica.stop()
    }
  })

  test('still reading its data', async () => {
    const slowly = ['--key-load-delay', '20000', '--loading-process-events-interval-bytes', '1024']
    const loading = await startRedis({ settings: slowly })
    const toLoading = redisStore(loading.url, { timeout: TIMEOUT })
    const patient = redisStore(loading.url, { timeout: 20_000 })
    try {
      for (let n = 0; n < 500; n++) await patient.write(`shop/${String(n)}`, one, fresh)
      await loading.ask('SAVE')
      await loading.kill()
      const again = loading.restart()
      await eventually(() =>
        loading.ask('PING').then(undefined, (e: unknown) => (/LOADING/.test(String(e)) ? true : undefined)),
      )
      await expectAllFail(toLoading, ['LOADING', 'silent'])
      await loading.ask('CONFIG', 'SET', 'key-load-delay', '0')
      await again
      // It had a client before, and has gone on with it.
      expect(await eventually(() => toLoading.read('shop/0').catch(() => undefined))).toBeDefined()
    } finally {
      await Promise.all([toLoading.close(), patient.close()])
      await loading.stop()
    }
  })
})

function tell(what: string, ...times: number[]): void {
  console.log(
    `redis ${what}: all calls ended after at most ${times.map((ms) => ms.toFixed(0)).join(' and ')} ms of ${String(TIMEOUT)}`,
  )
}
