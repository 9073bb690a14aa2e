import fc from 'fast-check'
import type { Browser } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  createVault,
  generateKey,
  memoryStore,
  RequestFailedError,
  type Pool,
  type PoolOptions,
  type Recipe,
  type Session,
  type Store,
} from '../../src/index.ts'
import { nearest, Proxies, toProxies } from '../../src/session/pool/proxies.ts'
import { eventually } from '../conformance/wait.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { startProxy, type TestProxy } from './http-proxy.ts'
import { shopRecipe } from './shop-recipe.ts'
import { signIn } from './signed-in.ts'

const key = generateKey()

describe('rendezvous', () => {
  const place = fc.integer({ min: 1, max: 500 }).map((n) => `http://p${String(n)}.test:8080`)
  const places = fc.uniqueArray(place, { minLength: 2, maxLength: 12 })
  const sessions = Array.from({ length: 200 }, (_, n) => `shop/account-${String(n)}`)

  test('taking a proxy out moves its own sessions and no others, whatever the order of the list', () => {
    let moved = 0
    fc.assert(
      fc.property(places, fc.nat(), (urls, seed) => {
        const all = toProxies(urls)
        const gone = all[seed % all.length]
        const left = [...all].reverse().filter((proxy) => proxy !== gone)
        for (const session of sessions) {
          const before = nearest(session, all)
          const after = nearest(session, left)
          if (before?.id === gone?.id) moved += 1
          else expect(after?.id).toBe(before?.id)
        }
      }),
      { numRuns: 30 },
    )
    expect(moved).toBeGreaterThan(100) // else the law was held by nothing
  })

  test('every proxy gets about its share, and a new password makes no new proxy', () => {
    const proxies = toProxies(Array.from({ length: 5 }, (_, n) => `http://u:pw@p${String(n)}.test`))
    const counts = new Map<string, number>()
    for (let n = 0; n < 5_000; n++) {
      const id = nearest(`shop/${String(n)}`, proxies)?.id ?? ''
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    expect(Math.min(...counts.values())).toBeGreaterThan(800)
    expect(Math.max(...counts.values())).toBeLessThan(1_200)
    const [renamed] = toProxies(['http://u:other@p0.test'])
    expect(renamed?.id).toBe(proxies[0]?.id)
    expect(toProxies(['http://v:pw@p0.test'])[0]?.id).not.toBe(proxies[0]?.id) // another way out of the same gateway
  })

  test('what a session has written down it keeps when a nearer proxy comes', () => {
    const [mine] = toProxies(['http://mine.test'])
    const all = new Proxies([
      'http://mine.test',
      ...Array.from({ length: 50 }, (_, n) => `http://p${String(n)}.test`),
    ])
    const page = { events: [], attempts: [], proxy: mine?.id ?? '' }
    expect(all.for('shop/a', page)?.url).toBe('http://mine.test')
    expect(all.for('shop/a', undefined)?.url).not.toBe('http://mine.test') // the control: it is not the nearest
    all.replace(['http://p1.test', 'http://p2.test'])
    expect(all.for('shop/a', page)?.url).toMatch(/p[12]\.test/)
  })
})

const user = { name: 'user', password: 'p@ss' }

describe('a pool behind proxies', () => {
  let shop: Shop
  let browser: Browser
  let recipe: Recipe
  let proxies: TestProxy[]
  let store: Store
  let pools: Pool[]
  /** Some behind each proxy: their ports are others each time, and all could fall to one. */
  let accounts: string[]

  beforeAll(async () => {
    shop = await startShop()
    browser = await launchChromium(shop)
    recipe = shopRecipe(shop)
  })
  afterAll(async () => {
    await browser.close()
    await shop.close()
  })
  beforeEach(async () => {
    proxies = await Promise.all([startProxy(user), startProxy(user), startProxy(user)])
    store = memoryStore()
    pools = []
    const known = toProxies(urls())
    const names = Array.from({ length: 500 }, (_, n) => `a${String(n)}`)
    accounts = known.flatMap(({ id }) =>
      names.filter((name) => nearest(`shop/${name}`, known)?.id === id).slice(0, 3),
    )
  })
  afterEach(async () => {
    await Promise.all(pools.map((pool) => pool.close()))
    for (const proxy of proxies) proxy.close()
  })

  function poolOf(names: readonly string[], urls: readonly string[], options: PoolOptions = {}): Pool {
    const vault = createVault({
      store,
      key,
      browser: { browser },
      http: { lookup: shop.lookup, ca: shop.ca },
      secrets: { ...shop.accounts.alice },
    })
    const pool = vault.pool(recipe, names, { proxies: urls, ...options })
    pools.push(pool)
    return pool
  }

  async function fill(names: readonly string[]): Promise<void> {
    const vault = createVault({ store, key })
    for (const name of names) await vault.put(`shop/${name}`, await signIn(shop))
  }

  const urls = (): string[] => proxies.map(({ url }) => url)

  /** Which proxy each account's first request went through, found out one account at a time. */
  async function ways(pool: Pool, names: readonly string[]): Promise<Record<string, number>> {
    const found: Record<string, number> = {}
    for (let n = 0; n < names.length; n++) {
      const before = proxies.map(({ asked }) => asked.length)
      const name = await pool.use(async (session) => {
        await session.http(shop.url('shop.test', '/api/orders'))
        return session.name
      })
      const used = proxies.flatMap(({ asked }, index) => (asked.length > (before[index] ?? 0) ? [index] : []))
      expect(used).toHaveLength(1)
      found[name] = used[0] ?? -1
    }
    return found
  }

  test('each session goes through one proxy, the same in every process; a proxy that goes moves only its own', async () => {
    await fill(accounts)
    const before = await ways(poolOf(accounts, urls(), { keepOpen: 0 }), accounts)
    expect(Object.keys(before)).toHaveLength(accounts.length)
    expect(new Set(Object.values(before)).size).toBeGreaterThan(1)
    const elsewhere = await ways(poolOf(accounts, urls().reverse(), { keepOpen: 0 }), accounts)
    expect(elsewhere).toEqual(before)
    const gone = before[`shop/${accounts[0] ?? ''}`] ?? 0
    const left = urls().filter((_, index) => index !== gone)
    const after = await ways(poolOf(accounts, left, { keepOpen: 0 }), accounts)
    const moved = Object.keys(before).filter((name) => before[name] !== after[name])
    expect(moved).toEqual(Object.keys(before).filter((name) => before[name] === gone))
    // It comes back and draws none of them: they keep what they have.
    expect(await ways(poolOf(accounts, urls(), { keepOpen: 0 }), accounts)).toEqual(after)
  })

  test('a proxy that is taken out is drained: what is under way finishes on it, then the session moves', async () => {
    await fill(['a'])
    const pool = poolOf(['a'], urls())
    const [first = -1] = Object.values(await ways(pool, ['a']))
    let go: (() => void) | undefined
    const going = new Promise<void>((resolve) => (go = resolve))
    const asked = (): number[] => proxies.map((proxy) => proxy.asked.length)
    const before = asked()
    const running = pool.use(async (session) => {
      await going
      return (await session.http(shop.url('shop.test', '/api/orders'))).statusCode
    })
    await eventually(async () => (await pool.stats()).busy === 1 || undefined)
    await pool.setProxies(urls().filter((_, index) => index !== first))
    expect(await pool.stats()).toMatchObject({ open: 1 })
    go?.()
    expect(await running).toBe(200)
    expect(asked()).toEqual(before) // on the tunnel that was there
    expect(await pool.stats()).toMatchObject({ open: 0 })
    const [second] = Object.values(await ways(pool, ['a']))
    expect(second).not.toBe(first)
    expect(asked()[first]).toBe(before[first])
  })

  test('a login and a visit go through the session’s proxy, too', async () => {
    const [proxy] = proxies
    if (proxy === undefined) throw new Error('no proxy')
    const pool = poolOf(['alice'], [proxy.url])
    const { logins, requests } = shop.counters
    const title = await pool.use((session) =>
      session.browse(async (page) => {
        await page.goto(shop.url('shop.test', '/report'))
        return page.getByRole('heading').textContent()
      }),
    )
    expect(title).toBe('Report')
    expect(shop.counters.logins).toBe(logins + 1)
    // With the proxy gone there is no way at all: nothing goes around it.
    const asked = proxy.asked.length
    expect(asked).toBeGreaterThan(2)
    expect(shop.counters.requests).toBeGreaterThan(requests)
    proxy.close()
    const after = shop.counters.requests
    await expect(
      pool.use((session) => session.browse((page) => page.goto(shop.url('shop.test', '/report')))),
    ).rejects.toThrow(/ERR_PROXY|ERR_TUNNEL/)
    expect(shop.counters.requests).toBe(after)
  })

  test('a dead proxy is not the account’s fault; accounts behind others come first', async () => {
    await fill(accounts)
    const before = await ways(poolOf(accounts, urls(), { keepOpen: 0 }), accounts)
    const [first = ''] = accounts
    const dead = before[`shop/${first}`] ?? 0
    proxies[dead]?.close()
    const pool = poolOf(accounts, urls(), { keepOpen: 0 })
    const ask = async (session: Session): Promise<string> => {
      await session.http(shop.url('shop.test', '/api/orders'))
      return session.name
    }
    await expect(pool.use(ask)).rejects.toBeInstanceOf(RequestFailedError) // the first was idle longest
    const alive = Object.keys(before).filter((name) => before[name] !== dead)
    const served: string[] = []
    for (let n = 0; n < 2 * alive.length; n++) served.push(await pool.use(ask))
    expect(new Set(served)).toEqual(new Set(alive))
    expect(await pool.stats()).toMatchObject({ quarantined: 0 })
    // A pool that knows nothing yet finds out, and goes on for those who ask it to.
    const fresh = poolOf([first, ...alive.map((name) => name.slice('shop/'.length))], urls(), { keepOpen: 0 })
    expect(await fresh.use(ask, { retries: 1 })).not.toBe(`shop/${first}`)
  })

  test('no password of a proxy is written down or said', async () => {
    await fill(['a'])
    const pool = poolOf(['a'], ['http://user:s3cret@127.0.0.1:1'])
    const error: unknown = await pool
      .use((session) => session.http(shop.url('shop.test', '/api/orders')))
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(RequestFailedError)
    const events = await createVault({ store, key }).events('shop/a')
    expect(JSON.stringify([String(error), events, await pool.stats()])).not.toContain('s3cret')
  })
})
