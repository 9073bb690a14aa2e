import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Store } from '../../src/store/contract.ts'
import { redisStore } from '../../src/store/redis.ts'
import { eventually } from '../conformance/wait.ts'
import type { Proxy } from '../redis/proxy.ts'
import { startProxy } from '../redis/proxy.ts'
import type { RedisServer } from '../redis/server.ts'
import { startRedis } from '../redis/server.ts'

const WATCHERS = 1_000
const one = Buffer.from('one')

let server: RedisServer
let proxy: Proxy
let writer: Store
const opened: Store[] = []

beforeEach(async () => {
  server = await startRedis()
  proxy = await startProxy(server.port)
  writer = open(server.url)
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
  await proxy.close()
  await server.stop()
})

function open(url: string, timeout = 20_000): Store {
  const store = redisStore(url, { timeout })
  opened.push(store)
  return store
}

async function change(name: string): Promise<void> {
  await writer.write(name, one, { ifVersion: (await writer.read(name))?.version })
}

/** A watch that is known to hear messages: the second change came after its subscription. */
async function watching(store: Store, name: string): Promise<{ calls: number; stop(): void }> {
  const watch = { calls: 0, stop: (): void => undefined }
  watch.stop = store.watch(name, () => {
    watch.calls++
  })
  for (let round = 0; round < 2; round++) {
    const before = watch.calls
    await change(name)
    await eventually(() => Promise.resolve(watch.calls > before || undefined))
  }
  return watch
}

const subscribers = async (): Promise<number> =>
  String(await server.ask('CLIENT', 'LIST', 'TYPE', 'pubsub'))
    .split('\n')
    .filter((line) => line !== '').length

test(`${String(WATCHERS)} watches on one change are told, over one connection per store`, async () => {
  const stores = Array.from({ length: 5 }, () => open(server.url))
  for (const store of stores) await watching(store, 'shop/alice')
  let told = 0
  for (let index = 0; index < WATCHERS; index++)
    stores[index % stores.length]?.watch('shop/alice', () => {
      told++
    })
  const started = performance.now()
  await change('shop/alice')
  await eventually(() => Promise.resolve(told >= WATCHERS || undefined))
  const took = performance.now() - started
  console.log(
    `redis: ${String(WATCHERS)} watches in ${String(stores.length)} stores told after ${took.toFixed(1)} ms`,
  )
  expect(told).toBe(WATCHERS)
  expect(await subscribers()).toBe(stores.length)
})

test('a thousand watched sessions are each told of their own change, also after the connection was lost', async () => {
  const store = open(proxy.url)
  const calls = new Map<string, number>()
  const names = Array.from({ length: WATCHERS }, (_, index) => `shop/${String(index)}`)
  for (const name of names) store.watch(name, () => calls.set(name, (calls.get(name) ?? 0) + 1))
  const allTold = async (): Promise<void> => {
    await Promise.all(names.map(change))
    await eventually(() => Promise.resolve(calls.size === WATCHERS || undefined))
    calls.clear()
  }
  await allTold()
  await eventually(async () => ((await subscribers()) > 0 ? true : undefined))
  proxy.cut()
  await eventually(() => Promise.resolve(calls.size === WATCHERS || undefined)) // each once, to catch up
  calls.clear()
  await allTold()
})

test('what changes while the subscriber is away is told when it is back, once per watch', async () => {
  const store = open(proxy.url)
  const watch = await watching(store, 'shop/alice')
  await proxy.refuse()
  await eventually(async () => ((await subscribers()) === 0 ? true : undefined))
  const before = watch.calls
  for (let round = 0; round < 3; round++) await change('shop/alice')
  expect(watch.calls).toBe(before)
  await proxy.accept()
  await eventually(() => Promise.resolve(watch.calls > before || undefined))
  expect(watch.calls).toBe(before + 1)
})

test('a subscriber that is cut off without a word notices it by itself and catches up', async () => {
  const store = open(proxy.url, 300)
  const watch = await watching(store, 'shop/alice')
  let before = 0
  // Again, if it has just begun anew by itself: a machine that stands still is silent, too.
  await eventually(async () => {
    proxy.silence(/subscribe/i)
    before = watch.calls
    await change('shop/alice')
    await writer.read('shop/alice') // Redis has told all by then, if not all have heard
    return proxy.silenced > 0 || undefined
  })
  await eventually(() => Promise.resolve(watch.calls > before || undefined))
})

test('a subscriber that hears is left alone, however little there is to hear', async () => {
  const store = open(proxy.url, 2_400) // its pulse has six seconds: for so long a machine may stand still
  await watching(store, 'shop/alice')
  const id = async (): Promise<string | undefined> =>
    /\bid=(\d+)/.exec(String(await server.ask('CLIENT', 'LIST', 'TYPE', 'pubsub')))?.[1]
  const published = async (): Promise<number> =>
    Number(
      /cmdstat_publish:calls=(\d+)/.exec(String(await server.ask('INFO', 'commandstats')))?.[1] ?? Number.NaN,
    )
  const [first, before] = [await id(), await published()]
  // The second pulse is sent by who has heard the first.
  await eventually(async () => (await published()) >= before + 2 || undefined)
  expect(await id()).toBe(first)
})

test('a change between the watch and its subscription is told, a removal too, and an old one is not', async () => {
  await change('shop/old')
  const [old] = (await server.ask('KEYS', '*:session')) as string[]
  await server.ask('HSET', old ?? '', 'at', String(Date.now() - 3_600_000))
  await change('shop/written')
  await change('shop/removed')
  const store = open(proxy.url)
  await store.read('shop/old') // connected: what follows is only about the subscription
  const told = new Set<string>()
  proxy.delay = 300 // the subscription takes its time
  for (const name of ['shop/old', 'shop/written', 'shop/removed']) store.watch(name, () => told.add(name))
  await change('shop/written')
  await writer.remove('shop/removed')
  proxy.delay = 0
  await eventually(() => Promise.resolve(told.size >= 2 || undefined))
  expect([...told].sort()).toEqual(['shop/removed', 'shop/written'])
})

test('a stopped watch hears nothing more, and the last one of a session ends its subscription', async () => {
  const store = open(server.url)
  const [first, second] = [await watching(store, 'shop/alice'), await watching(store, 'shop/alice')]
  const channels = async (): Promise<number> =>
    ((await server.ask('PUBSUB', 'CHANNELS', '*{*')) as unknown[]).length
  first.stop()
  const [gone, left] = [first.calls, second.calls]
  await change('shop/alice')
  await eventually(() => Promise.resolve(second.calls > left || undefined))
  expect(first.calls).toBe(gone)
  expect(await channels()).toBe(1)
  second.stop()
  await eventually(async () => ((await channels()) === 0 ? true : undefined))
})
