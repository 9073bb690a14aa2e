import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Store } from '../../src/store/contract.ts'
import { redisStore } from '../../src/store/redis.ts'
import { eventually } from '../conformance/wait.ts'
import type { RedisServer } from '../redis/server.ts'
import { dumpOf, monitor } from '../redis/monitor.ts'
import { startRedis } from '../redis/server.ts'

/** Site and account as they might be called; nothing in Redis may show them, in any writing of ours. */
const NAME = 'canary-shop/alice@example.com'
const SEALED_NAME = 'sealed:c2VhbGVk'
const traces = [
  /canary/i,
  /alice/i,
  /example\.com/i,
  hexOf(NAME),
  base64Of(NAME),
  hexOf('alice'),
  base64Of('alice'),
]

let server: RedisServer
let store: Store
let monitored: () => string

beforeAll(async () => {
  server = await startRedis()
  store = redisStore(server.url, { timeout: 20_000 })
  monitored = await monitor(server)
})
afterAll(async () => {
  await store.close()
  await server.stop()
})

test('neither commands nor keys, values, channels and client names show a session name', async () => {
  store.watch(NAME, () => undefined)
  let version: string | undefined
  for (let round = 0; round < 15; round++)
    version = await store.write(NAME, Buffer.from(`sealed bytes ${String(round)}`), {
      ifVersion: version,
      sealedName: SEALED_NAME,
      expiresAt: Date.now() + 60_000,
      milestone: true,
    })
  await store.read(NAME)
  await store.forget(
    NAME,
    (await store.history(NAME)).slice(-2).map((generation) => generation.version),
  )
  expect(await store.list()).toEqual([SEALED_NAME])
  const lease = await store.lease(NAME, 60_000)
  await lease?.renew()
  await eventually(async () => ((await channels()).length > 1 ? true : undefined))

  const dump = await dumpOf(server)
  const seen = [
    monitored(),
    dump,
    (await channels()).join('\n'),
    String(await server.ask('CLIENT', 'LIST')),
  ].join('\n')
  await lease?.release()
  await store.remove(NAME)
  for (const trace of traces) expect(`${seen}\n${monitored()}\n${await dumpOf(server)}`).not.toMatch(trace)

  // The controls: what is looked through is what was sent, and a name in clear would be seen in it.
  expect(dump).toContain(SEALED_NAME)
  expect(dump).toMatch(/sealed bytes 14/)
  expect(monitored()).toMatch(/sealed bytes 0/)
  for (const call of ['SUBSCRIBE', 'SCAN', 'PUBLISH'])
    expect(monitored().toUpperCase()).toContain(`"${call}"`)
  await store.write('x', Buffer.from(NAME), { ifVersion: undefined })
  expect(await dumpOf(server)).toMatch(/canary/)
})

test('no error shows what was sent, or says more of ioredis than one word', async () => {
  const payload = 'sealed-4711'
  await server.ask('CONFIG', 'SET', 'maxmemory', '1mb')
  const options = { ifVersion: undefined, sealedName: payload }
  const error = await store.write('shop/x', Buffer.from(payload), options).catch((e: unknown) => e)
  expect(error).toMatchObject({ code: 'store-failed', cause: { code: 'OOM' } })
  const shown = inspect(error, { depth: 20, showHidden: true })
  expect(shown).not.toMatch(/4711|evalsha|command:/i)
})

const channels = async (): Promise<unknown[]> => (await server.ask('PUBSUB', 'CHANNELS')) as unknown[]

function hexOf(text: string): RegExp {
  return new RegExp(Buffer.from(text).toString('hex'), 'i')
}

function base64Of(text: string): RegExp {
  return new RegExp(Buffer.from(text).toString('base64').replace(/=+$/, ''))
}
