import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  createVault,
  defineRecipe,
  generateKey,
  redisStore,
  StoreConflictError,
  type Recipe,
  type Store,
  type Vault,
} from '../../src/index.ts'
import { eventually } from '../conformance/wait.ts'
import { startRedis, type RedisServer } from '../redis/server.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { cookieOf, signIn } from './signed-in.ts'

const name = 'shop/alice'
const key = generateKey()
const fresh = generateKey()
let shop: Shop
let redis: RedisServer
let recipe: Recipe
let stores: Store[] = []
let place = 0

beforeAll(async () => {
  shop = await startShop()
  redis = await startRedis()
  recipe = defineRecipe({
    name: 'shop',
    url: shop.url('shop.test', '/login'),
    signOut: shop.url('shop.test', '/logout'),
  })
})
afterAll(async () => {
  await redis.stop()
  await shop.close()
})
beforeEach(() => {
  place += 1
})
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()))
  stores = []
})

/** Each vault with a store of its own, as in processes of their own. */
function vaultWith(keys: string | string[] = key): Vault {
  const store = redisStore(redis.url, { prefix: `operations-${String(place)}:`, timeout: 20_000 })
  stores.push(store)
  return createVault({ store, key: keys, http: { lookup: shop.lookup, ca: shop.ca } })
}

describe('operations on a Redis store', () => {
  test('a rollback reaches a session that another vault has open', async () => {
    const vault = vaultWith()
    const good = await signIn(shop)
    await vault.put(name, good)
    await vault.put(name, await signIn(shop, 'bob'))
    await using open = await vaultWith().open(recipe, { account: 'alice', login: 'never' })
    expect((await vault.history(name)).map(({ epoch }) => epoch)).toEqual([2, 1])
    expect(await vault.rollback(name)).toMatchObject({ epoch: 3, to: { epoch: 1 } })
    await eventually(() => Promise.resolve(open.epoch === 3 || undefined))
    expect(cookieOf(open.state, 'sid')).toBe(cookieOf(good.state, 'sid'))
  })

  test('rekey seals names, sessions and ledgers; the old key alone then lists nothing', async () => {
    const vault = vaultWith()
    await vault.put(name, await signIn(shop))
    await vault.put(name, await signIn(shop))
    expect(await vault.clone(name, 'second')).toBe('shop/second')
    const both = vaultWith([fresh, key])
    expect(await both.rekey()).toMatchObject({ rekeyed: 4, unreadable: [], unreadableNames: 0 })
    expect(await both.rekey()).toMatchObject({ rekeyed: 0, already: 4 })
    expect(await vaultWith(fresh).list()).toEqual([name, 'shop/second'])
    expect(await vaultWith(fresh).history(name)).toHaveLength(1)
    expect(await vaultWith(key).list()).toEqual([])
    expect(await vaultWith(key).rekey()).toMatchObject({ rekeyed: 0, unreadableNames: 4 })
  })

  test('purge, sign-out and remove leave nothing to list, and what is open is not written back', async () => {
    const vault = vaultWith()
    const content = await signIn(shop)
    await vault.put('shop/dead', { ...content, standing: 'dead' })
    expect(await vault.purge({ expired: true })).toMatchObject({ sessions: [{ name: 'shop/dead' }] })
    await vault.put(name, content)
    const open = await vaultWith().open(recipe, { account: 'alice', login: 'never' })
    expect(await vault.signOut(recipe, { account: 'alice' })).toEqual({ name, server: 'ended' })
    expect(await open.check()).toBe('dead')
    open.jar.setCookieSync('late=1; Path=/', shop.url('shop.test'))
    await open.close().catch((error: unknown) => {
      expect(error).toBeInstanceOf(StoreConflictError)
    })
    await vault.put('shop/bob', await signIn(shop, 'bob'))
    await vault.remove('shop/bob', { everywhere: true })
    expect(await vault.list()).toEqual([])
    expect(await vault.stats()).toMatchObject({ sessions: 0, bytes: 0 })
    expect((await vault.events(name)).map(({ kind }) => kind)).toContain('signed-out')
  })
})
