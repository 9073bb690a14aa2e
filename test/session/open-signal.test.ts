import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVault, generateKey, memoryStore } from '../../src/index.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { shopRecipe } from './shop-recipe.ts'
import { signIn } from './signed-in.ts'

let shop: Shop

beforeAll(async () => {
  shop = await startShop()
})
afterAll(() => shop.close())

describe('vault.open with a signal', () => {
  test('gives up at once while the server does not answer whether it takes the session', async () => {
    let isAsked = (): void => undefined
    const asked = new Promise<void>((resolve) => (isAsked = resolve))
    shop.on('shop.test', '/silent', () => {
      isAsked()
    })
    const { state, ...facts } = await signIn(shop)
    const probe = { ...facts.probe, url: shop.url('shop.test', '/silent') }
    const vault = createVault({
      store: memoryStore(),
      key: generateKey(),
      http: { lookup: shop.lookup, ca: shop.ca },
      policy: { freshFor: 0 },
    })
    await vault.put('shop/alice', { state, probe } as Parameters<typeof vault.put>[1])
    const stop = new AbortController()
    const opening = vault.open(shopRecipe(shop), { account: 'alice', signal: stop.signal })
    await asked
    stop.abort(new Error('enough'))
    await expect(opening).rejects.toThrow('enough')
  })
})
