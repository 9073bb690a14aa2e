import type { Browser } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  createVault,
  generateKey,
  redisStore,
  StoreFailedError,
  type Recipe,
  type Store,
  type Vault,
} from '../../src/index.ts'
import { startRedis, type RedisServer } from '../redis/server.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { shopRecipe } from './shop-recipe.ts'

const key = generateKey()
const name = 'shop/alice'
/** Every call of the Redis store ends within two seconds; the rest is for a machine that stands still for a while. */
const soon = 20_000

let shop: Shop
let browser: Browser
let redis: RedisServer
let recipe: Recipe
let stores: Store[]

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
  recipe = shopRecipe(shop, {
    probe: shop.url('shop.test', '/api/orders'),
    revisit: false,
  })
})
afterAll(async () => {
  await browser.close()
  await shop.close()
})
beforeEach(async () => {
  stores = []
  redis = await startRedis()
})
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()))
  await redis.stop()
})

function vaultWith(storeDown: 'fail' | 'continue'): Vault {
  const store = redisStore(redis.url)
  stores.push(store)
  return createVault({
    store,
    key,
    browser: { browser },
    http: { lookup: shop.lookup, ca: shop.ca },
    secrets: { ...shop.accounts.alice },
    policy: { storeDown },
  })
}

const orders = (): string => shop.url('shop.test', '/api/orders')
const set = (line: string) => [`${line}; Path=/`, shop.url('shop.test')] as const

async function timed<T>(work: Promise<T>): Promise<{ result: T | undefined; error: unknown; took: number }> {
  const begun = performance.now()
  let result: T | undefined
  let error: unknown
  await work.then(
    (value) => (result = value),
    (reason: unknown) => (error = reason),
  )
  return { result, error, took: performance.now() - begun }
}

/** What a vault of another process reads, once it holds the cookie. */
async function stored(cookie: string): Promise<string> {
  const vault = vaultWith('fail')
  for (const begun = Date.now(); Date.now() - begun < 40_000;) {
    const found = await vault.peek(name).catch(() => undefined)
    const value = found?.snapshot.state.cookies.find((candidate) => candidate.name === cookie)?.value
    if (value !== undefined) return value
  }
  throw new Error(`${cookie} did not reach the store`)
}

describe('while the store is away, an open session', () => {
  test('goes on, says that it could not save, and saves when the store answers again', async () => {
    const session = await vaultWith('fail').open(recipe, { account: 'alice' })
    redis.freeze()
    session.jar.setCookieSync(...set('kept=while-silent'))
    const saving = await timed(session.save())
    expect(saving.error).toBeInstanceOf(StoreFailedError)
    expect(saving.took).toBeLessThan(soon)
    expect((await session.http(orders())).statusCode).toBe(200)
    redis.thaw()
    expect(await stored('kept')).toBe('while-silent')
    await session.close()
  })

  test('writes itself back to a store that was restarted empty', async () => {
    const session = await vaultWith('fail').open(recipe, { account: 'alice' })
    await redis.kill()
    session.jar.setCookieSync(...set('kept=while-gone'))
    expect((await timed(session.save())).error).toBeInstanceOf(StoreFailedError)
    expect((await session.http(orders())).statusCode).toBe(200)
    await redis.restart()
    expect(await stored('kept')).toBe('while-gone')
    await session.close()
    const { logins } = shop.counters
    await using again = await vaultWith('fail').open(recipe, { account: 'alice' })
    expect((await again.http(orders())).statusCode).toBe(200)
    expect(shop.counters.logins).toBe(logins)
  })

  test('does not close quietly with something unsaved', async () => {
    const session = await vaultWith('fail').open(recipe, { account: 'alice' })
    await redis.kill()
    session.jar.setCookieSync(...set('kept=never'))
    const closing = await timed(session.close())
    expect(closing.error).toBeInstanceOf(StoreFailedError)
    expect(closing.took).toBeLessThan(soon)
    await redis.restart()
  })
})

describe('while the store is away, opening and renewing', () => {
  test('fail in time by default, and log nobody in', async () => {
    const vault = vaultWith('fail')
    const session = await vault.open(recipe, { account: 'alice' })
    const { logins } = shop.counters
    await redis.kill()
    const opening: Promise<unknown> = vaultWith('fail').open(recipe, { account: 'alice' })
    // Both are listened to from the start: either may be the first to fail.
    for (const { error, took } of await Promise.all([timed(opening), timed(session.renew())])) {
      expect(error).toBeInstanceOf(StoreFailedError)
      expect(took).toBeLessThan(soon)
    }
    expect(shop.counters.logins).toBe(logins)
    await redis.restart()
    await session.close()
  })

  test('go on from memory where the policy says so, and what was signed in is saved when the store is back', async () => {
    await redis.kill()
    const vault = vaultWith('continue')
    const { logins } = shop.counters
    const session = await vault.open(recipe, { account: 'alice' })
    expect(session.isNew).toBe(true)
    shop.revoke('alice')
    expect((await session.http(orders())).statusCode).toBe(200)
    expect(session.epoch).toBe(2)
    expect(shop.counters.logins - logins).toBe(2)
    await redis.restart()
    session.jar.setCookieSync(...set('kept=from-memory'))
    expect(await stored('kept')).toBe('from-memory')
    await session.close()
    await using again = await vaultWith('fail').open(recipe, { account: 'alice', login: 'never' })
    expect(again.epoch).toBe(2)
    expect((await again.http(orders())).statusCode).toBe(200)
  })
})
