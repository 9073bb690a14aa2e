import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createVault,
  generateKey,
  memoryStore,
  NeedsPersonError,
  SessionDeadError,
  type Recipe,
  type Session,
} from '../../../src/index.ts'
import { startShop, type Shop } from '../../site/shop.ts'
import { shopRecipe } from '../shop-recipe.ts'
import { signIn } from '../signed-in.ts'

let shop: Shop
const store = memoryStore()
const key = generateKey()

beforeAll(async () => {
  shop = await startShop()
  shop.on('shop.test', '/refused', (_req, res) => {
    res.writeHead(403).end()
  })
})
afterAll(() => shop.close())

/** Its recipe has no login of its own. */
async function opened(fields: Partial<Recipe>): Promise<Session> {
  const vault = createVault({ store, key, http: { lookup: shop.lookup, ca: shop.ca } })
  await vault.put('shop/alice', await signIn(shop))
  const { login: _, ...byPerson } = shopRecipe(shop)
  return vault.open({ ...byPerson, ...fields }, { account: 'alice' })
}

const urls = (): string[] =>
  Array.from({ length: 40 }, (_, n) => shop.url('shop.test', `/api/orders?page=${String(n)}`))

describe('session.map of a session that dies', () => {
  test.each([
    { renewal: 'nobody can renew', fields: {}, kind: SessionDeadError },
    {
      renewal: 'its renewal needs a person',
      fields: { rotate: () => Promise.reject(new Error('no')) },
      kind: NeedsPersonError,
    },
  ])('ends, where $renewal, before the rest is spent as failed', async ({ fields, kind }) => {
    await using session = await opened(fields)
    let asked = 0
    const mapping = session.map(
      urls(),
      async (url) => {
        if (++asked === 10) shop.revoke('alice')
        await session.http(url).json()
      },
      { concurrency: 2, once: `orders ${kind.name}` },
    )
    await expect(mapping).rejects.toBeInstanceOf(kind)
    expect(asked).toBeLessThan(14)

    await using again = await opened(fields)
    const rest = await again.map(urls(), (url) => again.http(url).json(), { once: `orders ${kind.name}` })
    expect(rest.failed).toBe(0)
    expect(rest.done).toBeGreaterThan(25)
  })

  test('goes on when only an address is refused', async () => {
    await using session = await opened({})
    const result = await session.map([shop.url('shop.test', '/refused'), ...urls()], (url) =>
      session.http(url),
    )
    expect(result).toMatchObject({ done: 40, failed: 1 })
  })
})
