import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  AccountBlockedError,
  ClosedError,
  createVault,
  defineRecipe,
  fileStore,
  generateKey,
  LoginFailedError,
  memoryStore,
  NoAccountError,
  SessionDeadError,
  TimedOutError,
  type Pool,
  type PoolOptions,
  type Recipe,
  type Session,
  type Store,
  type Vault,
} from '../../src/index.ts'
import { faultOf, quarantineFor } from '../../src/session/pool/quarantine.ts'
import { eventually } from '../conformance/wait.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { openDesk } from './desk.ts'
import { cookieOf, signIn } from './signed-in.ts'

let shop: Shop
let browser: Browser
let directory: string
let recipe: Recipe
const key = generateKey()
const opened: Pool[] = []

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
  recipe = defineRecipe({ name: 'shop', url: shop.url('shop.test', '/login') })
})
afterAll(async () => {
  await browser.close()
  await shop.close()
})
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pool-'))
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((pool) => pool.close()))
  rmSync(directory, { recursive: true, force: true })
})

function vaultOn(store = fileStore(directory)): Vault {
  return createVault({ store, key, http: { lookup: shop.lookup, ca: shop.ca } })
}

function poolOf(vault: Vault, accounts: readonly string[], options?: PoolOptions): Pool {
  const pool = vault.pool(recipe, accounts, options)
  opened.push(pool)
  return pool
}

/** Puts a session of its own for each name into the store. */
async function fill(vault: Vault, ...accounts: string[]): Promise<Record<string, string>> {
  const sids: Record<string, string> = {}
  for (const account of accounts) {
    const content = await signIn(shop)
    await vault.put(`shop/${account}`, content)
    sids[account] = cookieOf(content.state, 'sid') ?? ''
  }
  return sids
}

const orders = (): string => shop.url('shop.test', '/api/orders')
const nameOf = (session: Session): Promise<string> => Promise.resolve(session.name)

function gate() {
  let open!: () => void
  const opening = new Promise<void>((resolve) => (open = resolve))
  return { opening, open }
}

describe('a pool', () => {
  test('never gives one account to two, over two pools, and serves everybody', async () => {
    const vault = vaultOn()
    await fill(vault, 'a', 'b', 'c')
    const desk = openDesk(shop)
    const pools = [poolOf(vault, ['a', 'b', 'c']), poolOf(vaultOn(), ['a', 'b', 'c'])]
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        (pools[n % 2] as Pool).use(async (session) => {
          await session.http(`${desk.inUrl}?who=${String(n)}`)
          await session.http(orders())
          await session.http(`${desk.outUrl}?who=${String(n)}`)
        }),
      ),
    )
    expect(desk.uses).toHaveLength(60)
    expect(desk.collisions).toEqual([])
    expect(new Set(desk.uses.map(({ sid }) => sid)).size).toBe(3) // else they did not meet
  })

  test('without a pool they do collide at the desk (the control)', async () => {
    const vault = vaultOn()
    await fill(vault, 'a')
    const desk = openDesk(shop)
    const sessions = await Promise.all([vault, vaultOn()].map((one) => one.open(recipe, { account: 'a' })))
    for (const [n, session] of sessions.entries()) await session.http(`${desk.inUrl}?who=${String(n)}`)
    expect(desk.collisions).toHaveLength(1)
    await Promise.all(sessions.map((session) => session.close()))
  })

  test('gives the account that has been idle longest, also to a pool that has just begun', async () => {
    const vault = vaultOn()
    await fill(vault, 'a', 'b', 'c')
    const pool = poolOf(vault, ['a', 'b', 'c'])
    const names: string[] = []
    for (let n = 0; n < 6; n++) names.push(await pool.use(nameOf))
    expect(names).toEqual(['shop/a', 'shop/b', 'shop/c', 'shop/a', 'shop/b', 'shop/c'])
    // The first use of each is always written down, later ones once in a second.
    await fill(vault, 'd', 'e', 'f')
    const others = poolOf(vault, ['d', 'e', 'f'])
    for (let n = 0; n < 3; n++) await others.use(nameOf)
    expect(await poolOf(vaultOn(), ['f', 'e', 'd']).use(nameOf)).toBe('shop/d')
  })

  test('serves those who wait in the order in which they came', async () => {
    const vault = vaultOn()
    await fill(vault, 'a')
    const pool = poolOf(vault, ['a'])
    const order: number[] = []
    const first = gate()
    const uses = Array.from({ length: 8 }, (_, n) =>
      pool.use(async () => {
        order.push(n)
        if (n === 0) await first.opening
      }),
    )
    await eventually(async () => (await pool.stats()).waiting === 7 || undefined)
    first.open()
    await Promise.all(uses)
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  test('a process that takes accounts again and again does not keep another one waiting', async () => {
    const vault = vaultOn()
    await fill(vault, 'a')
    const [greedy, modest] = [poolOf(vault, ['a']), poolOf(vaultOn(), ['a'])]
    let greedyUses = 0
    let isOver = false
    const greed = Array.from({ length: 5 }, async () => {
      while (!isOver) await greedy.use(() => Promise.resolve((greedyUses += 1)))
    })
    await eventually(() => Promise.resolve(greedyUses > 3 || undefined))
    for (let n = 0; n < 5; n++) {
      const before = greedyUses
      await modest.use(nameOf)
      expect(greedyUses - before).toBeLessThan(200)
    }
    isOver = true
    await Promise.all(greed)
  })

  test('waits no longer than told, and leaves the line when the signal says so', async () => {
    const vault = vaultOn()
    await fill(vault, 'a')
    const pool = poolOf(vault, ['a'])
    const hold = gate()
    const holder = pool.use(() => hold.opening)
    await eventually(async () => (await pool.stats()).busy === 1 || undefined)
    const impatient = new AbortController()
    const aborted = pool.use(nameOf, { signal: impatient.signal })
    const late = pool.use(nameOf, { timeout: 50 })
    const patient = pool.use(nameOf)
    await expect(late).rejects.toBeInstanceOf(TimedOutError)
    impatient.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    hold.open()
    await holder
    expect(await patient).toBe('shop/a')
    expect(await pool.stats()).toMatchObject({ waiting: 0, busy: 0, free: 1 })
  })

  test('keeps sessions open for the next use, so many and so long', async () => {
    const vault = vaultOn()
    await fill(vault, 'a', 'b', 'c')
    const pool = poolOf(vault, ['a', 'b', 'c'], { keepOpen: 2 })
    const seen: Session[] = []
    const look = (session: Session): Promise<unknown> => Promise.resolve(seen.push(session))
    for (let n = 0; n < 3; n++) await pool.use(look)
    expect(await pool.stats()).toMatchObject({ open: 2 })
    expect(() => seen[0]?.http).toThrow(ClosedError)
    const lasting = poolOf(vault, ['b'])
    await lasting.use(look)
    await lasting.use(look)
    expect(seen[4]).toBe(seen[3])
    const hasty = poolOf(vault, ['c'], { idle: 100 })
    await hasty.use(look)
    await eventually(async () => (await hasty.stats()).open === 0 || undefined)
    expect(() => seen[5]?.http).toThrow(ClosedError)
    expect(() => seen[4]?.http).not.toThrow()
  })

  test('what one use changes is there for the next, in whatever process: a strictly rotating cookie survives', async () => {
    const vault = vaultOn()
    await fill(vault, 'a')
    shop.setRotation({ every: 1, strict: true })
    try {
      const pools = [poolOf(vault, ['a']), poolOf(vaultOn(), ['a'])]
      for (let n = 0; n < 12; n++)
        expect((await (pools[n % 2] as Pool).use((session) => session.http(orders()))).statusCode).toBe(200)
    } finally {
      shop.setRotation({ every: 25, strict: false })
    }
  })

  test('a large pool does not read all its ledgers for each use', async () => {
    const store = memoryStore()
    const vault = vaultOn(store)
    await fill(vault, 'a0')
    const accounts = Array.from({ length: 400 }, (_, n) => `a${String(n)}`)
    for (const account of accounts.slice(1)) await vault.clone('shop/a0', account)
    let reads = 0
    const counting = Object.assign(Object.create(null) as Store, {
      read: (name: string, version?: string) => {
        reads += 1
        return store.read(name, version)
      },
      write: store.write.bind(store),
      lease: store.lease.bind(store),
      watch: store.watch.bind(store),
    })
    const pool = poolOf(vaultOn(counting), accounts)
    await pool.use(nameOf)
    expect(reads).toBeGreaterThan(400)
    const begun = performance.now()
    const before = reads
    const names: string[] = []
    for (let n = 0; n < 50; n++) names.push(await pool.use(nameOf))
    const took = (performance.now() - begun) / 50
    console.log(`a use of a pool of 400: ${took.toFixed(1)} ms, ${String((reads - before) / 50)} reads`)
    expect((reads - before) / 50).toBeLessThan(60)
    expect(new Set(names).size).toBe(50)
  })

  test('an error of the caller is the caller’s, and the account stays in use', async () => {
    const vault = vaultOn()
    await fill(vault, 'a')
    const pool = poolOf(vault, ['a'])
    const fail = () => Promise.reject(new RangeError('mine'))
    await expect(pool.use(fail, { retries: 3 })).rejects.toThrow('mine')
    expect(await pool.use(nameOf)).toBe('shop/a')
  })

  test('closing lets nobody in, waits for what is under way, and ends what takes too long', async () => {
    const vault = vaultOn()
    await fill(vault, 'a', 'b')
    const pool = poolOf(vault, ['a'], { closeWithin: 60_000 })
    const hold = gate()
    const running = pool.use((session) => hold.opening.then(() => session.http(orders())))
    await eventually(async () => (await pool.stats()).busy === 1 || undefined)
    const waiter = pool.use(nameOf)
    const closing = pool.close()
    await expect(waiter).rejects.toBeInstanceOf(ClosedError)
    await expect(pool.use(nameOf)).rejects.toBeInstanceOf(ClosedError)
    hold.open()
    expect((await running).statusCode).toBe(200)
    await closing
    expect(await poolOf(vaultOn(), ['a']).use(nameOf)).toBe('shop/a')

    const hasty = poolOf(vault, ['b'], { closeWithin: 10 })
    let signal: AbortSignal | undefined
    const endless = hasty.use((_, using) => {
      signal = using.signal
      return new Promise(() => undefined)
    })
    endless.catch(() => undefined)
    await eventually(() => Promise.resolve(signal))
    await hasty.close()
    await expect(endless).rejects.toBeInstanceOf(ClosedError)
    expect(signal?.aborted).toBe(true)
  })

  test('says what is wrong with how it was made', () => {
    const vault = vaultOn(memoryStore())
    expect(() => vault.pool(recipe, [])).toThrow(TypeError)
    expect(() => vault.pool(recipe, ['a', 'a'])).toThrow(/twice/)
    expect(() => vault.pool(recipe, ['x~a'])).toThrow(/"~"/)
    expect(() => vault.pool(recipe, ['a'], { tenant: 'x~y' })).toThrow(/"tenant"/)
    expect(() => vault.pool(recipe, ['a'], { keepopen: 1 } as never)).toThrow(/no option "keepopen"/)
    expect(() => vault.pool(recipe, ['a'], { proxies: ['gopher://u:secret@p'] })).toThrow(TypeError)
    expect(() => vault.pool(recipe, ['a'], { proxies: ['gopher://u:secret@p'] })).not.toThrow(/secret/)
  })
})

describe('quarantine', () => {
  const block = (session: Session): Promise<never> =>
    Promise.reject(new AccountBlockedError(session.name, 'a captcha'))

  test('a blocked account is left alone by all processes, longer each time in a row', async () => {
    const vault = vaultOn()
    await fill(vault, 'a', 'b')
    const pool = poolOf(vault, ['a', 'b'])
    await expect(pool.use(block)).rejects.toBeInstanceOf(AccountBlockedError)
    expect(await pool.stats()).toMatchObject({ quarantined: 1, free: 1, open: 0 })
    const elsewhere = poolOf(vaultOn(), ['a', 'b'])
    for (let n = 0; n < 3; n++) expect(await elsewhere.use(nameOf)).toBe('shop/b')
    const [event] = (await vault.events('shop/a')).filter(({ kind }) => kind === 'quarantined')
    expect(event?.why).toMatch(/^account-blocked, until 20/)

    await expect(elsewhere.use(block)).rejects.toBeInstanceOf(AccountBlockedError)
    const refused = (await elsewhere
      .use(nameOf, { timeout: 20_000 })
      .catch((error: unknown) => error)) as NoAccountError
    expect(refused).toBeInstanceOf(NoAccountError)
    expect(refused.quarantined.map(({ session }) => session)).toEqual(['shop/a', 'shop/b'])
    const wait = (refused.quarantined[1]?.until ?? 0) - Date.now()
    expect(wait).toBeGreaterThan(50_000)
    expect(wait).toBeLessThan(61_000)

    await vault.unlock('shop/a')
    expect(await poolOf(vaultOn(), ['a', 'b']).use(nameOf)).toBe('shop/a')
  })

  test('grows with each time in a row, and a good use ends the row', async () => {
    const vault = vaultOn()
    await fill(vault, 'a')
    const soon = (session: Session): Promise<never> =>
      Promise.reject(new AccountBlockedError(session.name, 'a limit', { until: Date.now() + 1 }))
    const blockFor = async (use: (session: Session) => Promise<never>): Promise<number> => {
      await expect(poolOf(vaultOn(), ['a']).use(use)).rejects.toBeInstanceOf(AccountBlockedError)
      const last = (await vault.events('shop/a')).at(-1)
      return Date.parse(/until (\S+)$/.exec(last?.why ?? '')?.[1] ?? '') - (last?.at ?? 0)
    }
    expect(await blockFor(soon)).toBeLessThan(1_000) // the site knows until when
    const second = await blockFor(block)
    expect(second).toBeGreaterThan(230_000)
    expect(second).toBeLessThan(250_000)
    await vault.unlock('shop/a')
    expect(await poolOf(vaultOn(), ['a']).use(nameOf)).toBe('shop/a')
    const again = await blockFor(block)
    expect(again).toBeGreaterThan(50_000)
    expect(again).toBeLessThan(70_000)
  })

  test('a firewall’s or captcha’s no is held against the account, a rate limit for as long as it says', () => {
    const blocked = (by: string): unknown =>
      Object.assign(new Error('no'), { code: 'blocked', session: 'shop/a', by, until: 42 })
    expect(faultOf(blocked('cloudflare'), 'shop/a')).toEqual({ why: 'blocked by cloudflare' })
    expect(faultOf(blocked('rate limit'), 'shop/a')).toEqual({ why: 'blocked by a rate limit', until: 42 })
    expect(faultOf(blocked('cloudflare'), 'shop/b')).toBeUndefined()
    const waits = [0, 1, 2, 9].map((times) => {
      const { until } = quarantineFor({ why: 'x' }, { until: 0, why: 'x', times })
      return Math.round((until - Date.now()) / 60_000)
    })
    expect(waits).toEqual([1, 4, 16, 1440])
  })

  test('another account is tried only by those who ask for it', async () => {
    const vault = vaultOn()
    await fill(vault, 'a', 'b', 'c')
    const pool = poolOf(vault, ['a', 'b', 'c'])
    const tried: string[] = []
    const name = await pool.use(
      async (session) => {
        tried.push(session.name)
        return session.name === 'shop/c' ? session.name : block(session)
      },
      { retries: 2 },
    )
    expect(name).toBe('shop/c')
    expect(tried).toEqual(['shop/a', 'shop/b', 'shop/c'])
    expect(await pool.stats()).toMatchObject({ quarantined: 2 })
  })

  test('who asks for more accounts than there are gets the last error, at once', async () => {
    const vault = vaultOn()
    await fill(vault, 'a', 'b')
    const pool = poolOf(vault, ['a', 'b'])
    const failed: unknown = await pool.use(block, { retries: 5 }).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'account-blocked', session: 'shop/b' })
  })

  test('a dead session without a login is quarantined; somebody else’s error is not', async () => {
    const vault = vaultOn()
    await fill(vault, 'a')
    await vault.put('shop/dead', { ...(await signIn(shop, 'carol')), verifiedAt: 1 })
    shop.revoke('carol')
    const pool = poolOf(vault, ['dead', 'a'])
    expect(await pool.use(nameOf, { retries: 1 })).toBe('shop/a')
    expect(await pool.stats()).toMatchObject({ quarantined: 1 })
    const foreign = () => Promise.reject(new SessionDeadError('bank/other', 'it is not one of ours'))
    await expect(pool.use(foreign)).rejects.toBeInstanceOf(SessionDeadError)
    expect(await pool.stats()).toMatchObject({ quarantined: 1, free: 1 })
  })

  test('an account that is held off after failed logins is passed over', async () => {
    const vault = vaultOn()
    await fill(vault, 'b')
    const failing = defineRecipe({
      ...recipe,
      attempts: { limit: 1, within: 600_000 }, // else it is held off for a second only
      async login(_, { secret }) {
        await secret('email')
        throw new RangeError('the page has changed')
      },
    })
    const wrong = createVault({
      ...{ store: fileStore(directory), key, secrets: { email: 'x' }, browser: { browser } },
      http: { lookup: shop.lookup, ca: shop.ca },
    })
    await expect(wrong.open(failing, { account: 'a' })).rejects.toBeInstanceOf(LoginFailedError)
    await expect(wrong.open(failing, { account: 'a' })).rejects.toThrow(/held|not tried again/i)
    const pool = wrong.pool(failing, ['a', 'b'])
    opened.push(pool)
    const stats = await pool.stats()
    expect(stats.accounts).toBe(2)
    expect(stats.quarantined).toBe(1)
    expect(await pool.use(nameOf)).toBe('shop/b')
  })
})

describe('tenants', () => {
  test('one tenant never gets the session of another, nor one without a tenant', async () => {
    const vault = vaultOn()
    const sids = await fill(vault, 'x~a', 'y~a', 'a')
    const sidOf = (session: Session): Promise<string | undefined> =>
      Promise.resolve(cookieOf(session.state, 'sid'))
    const pools = [
      poolOf(vault, ['a'], { tenant: 'x' }),
      poolOf(vault, ['a'], { tenant: 'y' }),
      poolOf(vault, ['a']),
    ]
    expect(await Promise.all(pools.map((pool) => pool.use(sidOf)))).toEqual([
      sids['x~a'],
      sids['y~a'],
      sids['a'],
    ])
    // They do not wait for each other, either.
    const hold = gate()
    const held = pools.map((pool) => pool.use(() => hold.opening))
    await eventually(async () => {
      const stats = await Promise.all(pools.map((pool) => pool.stats()))
      return stats.every(({ busy }) => busy === 1) || undefined
    })
    hold.open()
    await Promise.all(held)
    expect(await vault.sessionsOf('a')).toEqual(['shop/a'])
  })

  test('a tenant’s snapshot that is put in the place of another’s does not open', async () => {
    const store = memoryStore()
    const vault = vaultOn(store)
    await fill(vault, 'x~a', 'y~a')
    const [theirs, ours] = [await store.read('shop/y~a'), await store.read('shop/x~a')]
    if (theirs === undefined || ours === undefined) throw new Error('not stored')
    await store.write('shop/x~a', theirs.bytes, { ifVersion: ours.version })
    await expect(poolOf(vault, ['a'], { tenant: 'x' }).use(nameOf)).rejects.toThrow(/wrong-name/)
  })

  test('secrets are looked up for the tenant’s account', async () => {
    const asked: string[] = []
    const vault = createVault({
      store: memoryStore(),
      key,
      browser: { browser },
      secrets: (name, account) => {
        asked.push(`${account} ${name}`)
        throw new RangeError('no such secret')
      },
    })
    const login = defineRecipe({
      ...recipe,
      login: async (_, { secret }) => {
        await secret('email')
      },
    })
    const pool = vault.pool(login, ['a'], { tenant: 'x' })
    opened.push(pool)
    await expect(pool.use(nameOf)).rejects.toThrow()
    expect(asked).toEqual(['x~a email'])
  })
})
