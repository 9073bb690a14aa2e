import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVault, generateKey, memoryStore, type Recipe } from '../../src/index.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { probeOf } from './signed-in.ts'

let shop: Shop

beforeAll(async () => {
  shop = await startShop()
})
afterAll(() => shop.close())

/** Signs in over HTTP; `secrets` are what the user has set at the time. */
function recipe(): Recipe {
  return {
    name: 'shop',
    url: shop.url('shop.test', '/login'),
    probe: probeOf(shop).url,
    async signIn({ http, secret, reject }) {
      const json = { email: await secret('email'), password: await secret('password') }
      const { statusCode } = await http.post(shop.url('shop.test', '/api/login'), {
        json,
        throwHttpErrors: false,
      })
      if (statusCode >= 400) reject('wrong password')
    },
  }
}

describe('an open session whose password was rejected', () => {
  test('signs in with the corrected one, and with the same one only when a person says so', async () => {
    const { alice } = shop.accounts
    let password = alice.password
    const vault = createVault({
      store: memoryStore(),
      key: generateKey(),
      http: { lookup: shop.lookup, ca: shop.ca },
      secrets: (name) => (name === 'email' ? alice.email : password),
    })
    await using session = await vault.open(recipe(), { account: 'alice' })
    const rejected = { code: 'login-failed', failure: 'rejected' }
    const { failedLogins } = shop.counters

    shop.revoke('alice')
    password = 'changed on the site'
    await expect(session.renew()).rejects.toMatchObject(rejected)
    await expect(session.renew()).rejects.toMatchObject(rejected)
    expect(shop.counters.failedLogins - failedLogins).toBe(1)
    await vault.unlock('shop/alice')
    await expect(session.renew()).rejects.toMatchObject(rejected)
    expect(shop.counters.failedLogins - failedLogins).toBe(2)

    password = alice.password
    expect(await session.http(shop.url('shop.test', '/api/orders')).json()).toHaveLength(10)
    expect(session.epoch).toBe(2)
  })
})
