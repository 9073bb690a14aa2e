import { afterAll, beforeAll, expect, test } from 'vitest'
import { createVault, defineRecipe, generateKey, redisStore, type Store } from '../../src/index.ts'
import { dumpOf, monitor } from '../redis/monitor.ts'
import { startRedis, type RedisServer } from '../redis/server.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { fillLogin } from '../session/shop-recipe.ts'

let shop: Shop
let redis: RedisServer
let store: Store
let monitored: () => string

beforeAll(async () => {
  shop = await startShop()
  redis = await startRedis()
  store = redisStore(redis.url, { timeout: 20_000 })
  monitored = await monitor(redis)
})
afterAll(async () => {
  await store.close()
  await redis.stop()
  await shop.close()
})

test('a life of a session on Redis shows neither a secret nor who it belongs to', async () => {
  const browser = await launchChromium(shop)
  const recipe = defineRecipe({
    name: 'canary-site',
    url: shop.url('shop.test', '/login'),
    signOut: shop.url('shop.test', '/logout'),
    login: fillLogin,
  })
  const options = {
    store,
    key: generateKey(),
    browser: { browser },
    http: { lookup: shop.lookup, ca: shop.ca },
  }
  const wrong = createVault({
    ...options,
    secrets: { ...shop.accounts.alice, password: `${shop.canary}-not-it` },
  })
  await expect(wrong.open(recipe, { account: 'alice' })).rejects.toMatchObject({ failure: 'rejected' })
  const vault = createVault({ ...options, secrets: shop.accounts.alice })
  const session = await vault.open(recipe, { account: 'alice' })
  session.jar.setCookieSync(`more=${shop.canary}; Path=/`, shop.url('shop.test'))
  await session.save()
  shop.revoke('alice')
  await session.http(shop.url('shop.test', '/api/orders'))
  await session.save()
  expect(await vault.list()).toEqual(['canary-site/alice'])
  const dump = await dumpOf(redis)
  await session.signOut()
  await browser.close()
  const seen = `${monitored()}\n${dump}\n${await dumpOf(redis)}\n${String(await redis.ask('CLIENT', 'LIST'))}`
  for (const text of [shop.canary, 'alice', 'canary-site', 'shop.test'])
    for (const written of [text, Buffer.from(text).toString('hex'), Buffer.from(text).toString('base64url')])
      expect(seen.includes(written), text).toBe(false)
  // The controls: sealed bytes went over, and a name in clear would be seen.
  expect(monitored()).toContain('eyJhbGciOiJkaXI')
  await store.write('x', Buffer.from('alice'), { ifVersion: undefined })
  expect(await dumpOf(redis)).toContain('alice')
})
