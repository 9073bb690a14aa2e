import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Store } from '../../src/store/contract.ts'
import { redisStore } from '../../src/store/redis.ts'
import { everyCall, expectAllFail, failureOf } from '../redis/every-call.ts'
import type { RedisServer } from '../redis/server.ts'
import { rights } from '../redis/rights.ts'
import { startRedis } from '../redis/server.ts'

const PASSWORD = 'pass-word@canary/1'
const PAYLOAD = 'sealed-payload-canary'
const fresh = { ifVersion: undefined }

let server: RedisServer
const opened: Store[] = []

beforeEach(async () => {
  server = await startRedis({ settings: ['--requirepass', PASSWORD], password: PASSWORD })
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
  await server.stop()
})

function open(user: string, password: string): Store {
  const url = new URL(server.url)
  url.username = user
  url.password = encodeURIComponent(password)
  const store = redisStore(url.href, { timeout: 20_000 })
  opened.push(store)
  return store
}

test('a password that is wanted and not given, or wrong, is said, and not what it was', async () => {
  await expectAllFail(open('', ''), ['NOAUTH'])
  await expectAllFail(open('', 'wrong-canary'), ['WRONGPASS'])
  await expectAllFail(open('nobody', PASSWORD), ['WRONGPASS'])
  for (const store of opened) {
    const error = await failureOf(store.write('shop/alice', Buffer.from(PAYLOAD), fresh))
    expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/canary/)
  }
})

test('a wrong password is tried once per call, not until the time is over', async () => {
  const store = open('', 'wrong')
  await failureOf(store.read('shop/alice'))
  const stats = String(await server.ask('INFO', 'errorstats'))
  expect(/errorstat_WRONGPASS:count=1\b/.test(stats), stats).toBe(true)
})

test('with the right password, whatever characters it has, everything works', async () => {
  const store = open('', PASSWORD)
  const version = await store.write('shop/alice', Buffer.from(PAYLOAD), fresh)
  expect(await store.read('shop/alice')).toMatchObject({ version })
})

test('the rights that docs/redis.md lists are enough', async () => {
  await server.ask('ACL', 'SETUSER', 'app', 'on', `>${PASSWORD}`, ...rights)
  const store = open('app', PASSWORD)
  let calls = 0
  store.watch('shop/alice', () => {
    calls++
  })
  const options = { ...fresh, sealedName: 'sealed', expiresAt: Date.now() + 60_000 }
  const version = await store.write('shop/alice', Buffer.from('one'), options)
  await store.write('shop/alice', Buffer.from('two'), { ifVersion: version, sealedName: 'sealed' })
  expect(await store.list()).toEqual(['sealed'])
  expect(await store.history('shop/alice')).toHaveLength(2)
  await store.forget('shop/alice', [version])
  const lease = await store.lease('shop/alice', 60_000)
  expect(await lease?.renew()).toBe(true)
  await lease?.release()
  await store.remove('shop/alice')
  await expect.poll(() => calls, { timeout: 30_000 }).toBeGreaterThan(0)
})

test('without a right the command is named by its failure, and nothing that was sent is repeated', async () => {
  await server.ask('ACL', 'SETUSER', 'app', 'on', `>${PASSWORD}`, '~*', '&*', '+@all', '-evalsha', '-scan')
  const store = open('app', PASSWORD)
  await expectAllFail(store, ['NOPERM'])
  const error = await failureOf(store.write('shop/alice', Buffer.from(PAYLOAD), fresh))
  expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(PAYLOAD)
})

test('a server that quotes arguments in its errors is not repeated either', async () => {
  const odd = await startRedis({ settings: ['--rename-command', 'EVALSHA', 'elsewhere'] })
  const store = redisStore(odd.url, { timeout: 20_000 })
  try {
    for (const [name, call] of Object.entries(everyCall)) {
      if (name === 'list') continue // has no script
      const error = await failureOf(call(store, 'shop/alice'))
      expect(inspect(error, { depth: 20, showHidden: true }), name).toMatch(/ERR/)
    }
    const error = await failureOf(
      store.write('shop/alice', Buffer.from(PAYLOAD), { ...fresh, sealedName: PAYLOAD }),
    )
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(PAYLOAD)
    const raw = await odd.ask('EVALSHA', PAYLOAD).catch(String)
    expect(raw).toContain(PAYLOAD) // the control: Redis does quote it
  } finally {
    await store.close()
    await odd.stop()
  }
})

test('what is no place for a store is refused at once, and a password in it is not repeated', () => {
  const places: unknown[] = [
    'http://:canary@localhost',
    'canary',
    'redis://localhost/x-canary',
    'redis://localhost?db=canary',
    [],
    ['redis://localhost', 'nonsense-canary'],
    undefined,
    {},
  ]
  for (const place of places) {
    const make = (): Store => redisStore(place as string)
    expect(make).toThrow(TypeError)
    expect(make).not.toThrow(/canary/)
  }
  expect(() => redisStore('redis://localhost', { prefix: 'a{b}' })).toThrow(TypeError)
  for (const timeout of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => redisStore('redis://localhost', { timeout })).toThrow(TypeError)
})
