import { setImmediate as turn } from 'node:timers/promises'
import type { Browser } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  createVault,
  defineRecipe,
  generateKey,
  HeldOffError,
  LoginFailedError,
  memoryStore,
  NeedsPersonError,
  type Recipe,
  type Store,
  type Vault,
  type VaultOptions,
} from '../../src/index.ts'
import { forgiveAttempts } from '../../src/session/renewal/attempt-budget.ts'
import { changeLedger, readLedger } from '../../src/session/ledger.ts'
import { parseKeys } from '../../src/snapshot/keys.ts'
import { eventually } from '../conformance/wait.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { shopRecipe } from './shop-recipe.ts'

let shop: Shop
let browser: Browser
let store: Store
const key = generateKey()

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
})
afterAll(async () => {
  await browser.close()
  await shop.close()
})
beforeEach(() => {
  store = memoryStore()
})
afterEach(() => store.close())

function vaultWith(options: Partial<VaultOptions> = {}): Vault {
  return createVault({
    store,
    key,
    browser: { browser },
    http: { lookup: shop.lookup, ca: shop.ca },
    secrets: { ...shop.accounts.alice },
    ...options,
  })
}

/** Its life is its bearer token, which the shop's own page renews as long as its cookie lives. */
function recipeWith(fields: Partial<Recipe> = {}): Recipe {
  return shopRecipe(shop, {
    home: shop.url('shop.test', '/account'),
    probe: shop.url('api.shop.test', '/me'),
    ...fields,
  })
}

const me = (): string => shop.url('api.shop.test', '/me')
const outcomes = (rungs: readonly { rung: string; outcome: string }[]): string[] =>
  rungs.map(({ rung, outcome }) => `${rung} ${outcome}`)

describe('the renewal ladder', () => {
  test('rotates a token over HTTP, without a browser or a login', async () => {
    const recipe = recipeWith({
      async rotate({ http, setItem }) {
        const { auth } = await http(shop.url('shop.test', '/api/session')).json<{ auth: object }>()
        setItem(new URL(shop.url('shop.test')).origin, 'auth', JSON.stringify(auth))
      },
    })
    await using session = await vaultWith().open(recipe, { account: 'alice' })
    const { logins } = shop.counters
    shop.expireTokens()
    expect((await session.http(me())).statusCode).toBe(200)
    expect(session.epoch).toBe(2)
    shop.expireTokens()
    const renewal = await session.renew()
    expect(renewal).toMatchObject({ epoch: 3, by: 'rotate', rungs: [{ rung: 'rotate', outcome: 'renewed' }] })
    expect(shop.counters.logins).toBe(logins)
  })

  test('lets the page renew itself when nothing else is known, and says how the rungs went', async () => {
    const recipe = recipeWith({ rotate: shop.url('shop.test', '/blank') }) // answers, and renews nothing
    await using session = await vaultWith().open(recipe, { account: 'alice' })
    const { logins } = shop.counters
    shop.expireTokens()
    const renewal = await session.renew()
    expect(outcomes(renewal.rungs)).toEqual(['rotate dead', 'revisit renewed'])
    expect(shop.counters.logins).toBe(logins)
    expect((await session.http(me())).statusCode).toBe(200)
  })

  test('logs in when the cookie is dead, too, and does not try the page again the next time', async () => {
    const recipe = recipeWith({ rotate: shop.url('shop.test', '/api/session') })
    await using session = await vaultWith().open(recipe, { account: 'alice' })
    shop.revoke('alice')
    expect(outcomes((await session.renew()).rungs)).toEqual(['rotate dead', 'revisit dead', 'login renewed'])
    shop.revoke('alice')
    expect(outcomes((await session.renew()).rungs)).toEqual(['rotate dead', 'login renewed'])
    const ledger = await readLedger({ store, keys: parseKeys(key) }, session.name)
    expect(ledger.events.map(({ kind, why }) => `${kind} ${why ?? ''}`)).toEqual([
      'created login',
      'renewed login',
      'renewed login',
    ])
  })

  test('says that a person is needed where no rung is left', async () => {
    const shelf = vaultWith()
    await (await shelf.open(recipeWith(), { account: 'alice' })).close()
    const { login: _, ...byPerson } = recipeWith({ rotate: shop.url('shop.test', '/api/session') })
    await using session = await shelf.open(defineRecipe(byPerson), { account: 'alice' })
    shop.revoke('alice')
    await expect(session.renew()).rejects.toBeInstanceOf(NeedsPersonError)
  })

  test('renews shortly before the forecast end while requests go on, if somebody uses the session', async () => {
    await using session = await vaultWith().open(recipeWith({ revisit: false }), { account: 'alice' })
    const { logins } = shop.counters
    const soon = Math.floor(Date.now() / 1000) + 20 // later than a machine that stands still opens it again
    const sid = session.state.cookies.find(({ name }) => name === 'sid')
    if (sid === undefined) throw new Error('no sid')
    await session.close()
    const { snapshot } = (await vaultWith().peek('shop/alice')) ?? {}
    if (snapshot === undefined) throw new Error('nothing stored')
    const cookies = snapshot.state.cookies.map((cookie) =>
      cookie.name === 'sid' ? { ...cookie, expires: soon } : cookie,
    )
    await vaultWith().put('shop/alice', { ...snapshot, state: { ...snapshot.state, cookies } })
    await using again = await vaultWith().open(recipeWith({ revisit: false }), { account: 'alice' })
    const { epoch } = again
    const statuses = new Set<number>()
    // The server knows nothing of this end: only the forecast brings a renewal about.
    await eventually(async () => {
      statuses.add((await again.http(me(), { throwHttpErrors: false })).statusCode)
      return again.epoch !== epoch || undefined
    })
    expect(again.epoch).toBe(epoch + 1)
    expect([...statuses]).toEqual([200])
    expect(shop.counters.logins - logins).toBe(1)
  })
})

describe('a session that nobody uses', () => {
  test('is kept alive by one of all processes when its recipe asks for it', async () => {
    const recipe = recipeWith({ keepAlive: 1_000 })
    const vaults = [vaultWith(), vaultWith()]
    await using first = await (vaults[0] as Vault).open(recipe, { account: 'alice' })
    await using second = await (vaults[1] as Vault).open(recipe, { account: 'alice' })
    expect([first.isNew, second.isNew]).toEqual([true, false])
    await Promise.all([first.save(), second.save()])
    const before = shop.counters.apiCalls
    const begun = performance.now()
    while (shop.counters.apiCalls < before + 3) await turn()
    const seconds = (performance.now() - begun) / 1000
    const asked = shop.counters.apiCalls - before
    expect(seconds).toBeGreaterThan(1.5) // both together ask about once a second, not twice
    expect(asked).toBeLessThanOrEqual(seconds + 2)
  })
})

describe('an answer of an older epoch', () => {
  test('causes no renewal, and is asked again under the new one', async () => {
    await using session = await vaultWith().open(recipeWith(), { account: 'alice' })
    const held: (() => void)[] = []
    let asked = 0
    shop.on('shop.test', '/held', async (_, res) => {
      asked += 1
      if (asked === 1) {
        await new Promise<void>((resolve) => held.push(resolve))
        res.writeHead(401).end()
      } else res.end('fine')
    })
    const answer = session.http(shop.url('shop.test', '/held')).text()
    while (held.length === 0) await session.http(me())
    await session.renew()
    const { logins } = shop.counters
    held[0]?.()
    expect(await answer).toBe('fine')
    expect(session.epoch).toBe(2)
    expect(shop.counters.logins).toBe(logins)
  })
})

describe('a question to the server that was under way when the session died', () => {
  test('counts for nothing: another is asked, and the session renewed', async () => {
    const end: { diedAt?: number } = {}
    let holding = false
    let answered = 0
    const held: (() => void)[] = []
    const isAlive = (cookie = ''): boolean => cookie.includes('sid=') && shop.counters.logins !== end.diedAt
    shop.on('shop.test', '/guarded', (req, res) => {
      res.writeHead(isAlive(req.headers.cookie) ? 200 : 401).end(() => (answered += 1))
    })
    shop.on('shop.test', '/slow-probe', async (req, res) => {
      const status = isAlive(req.headers.cookie) ? 200 : 401
      if (holding) await new Promise<void>((resolve) => held.push(resolve))
      res.writeHead(status).end()
    })
    const recipe = recipeWith({ probe: shop.url('shop.test', '/slow-probe'), revisit: false })
    await using session = await vaultWith().open(recipe, { account: 'alice' })
    shop.on('shop.test', '/denied', (_, res) => {
      res.writeHead(401).end()
    })
    // What trouble needs is loaded with the first of it: the second is dealt with at once.
    await session.http(shop.url('shop.test', '/denied'), { throwHttpErrors: false })
    const { logins } = shop.counters
    holding = true
    const early = session.check()
    while (held.length === 0) await turn()
    end.diedAt = logins
    let told = false
    const answer = session.http(shop.url('shop.test', '/guarded')).then(({ statusCode }) => {
      told = true
      return statusCode
    })
    while (answered === 0) await turn()
    for (let n = 0; n < 500; n++) await turn() // the 401 has come, and waits for the question that is under way
    expect(told).toBe(false)
    holding = false
    held[0]?.()
    expect(await early).toBe('alive')
    expect(await answer).toBe(200)
    expect(shop.counters.logins).toBe(logins + 1)
  })
})

describe('failed logins', () => {
  const shelf = () => ({ store, keys: parseKeys(key) })

  test('a wrong password is tried once by all who share the store, until it is corrected', async () => {
    const wrong = { ...shop.accounts.alice, password: 'not it' }
    const { failedLogins } = shop.counters
    for (let n = 0; n < 3; n++) {
      const refused = vaultWith({ secrets: wrong }).open(recipeWith(), { account: 'alice' })
      await expect(refused).rejects.toMatchObject({ code: 'login-failed', failure: 'rejected' })
    }
    expect(shop.counters.failedLogins - failedLogins).toBe(1)
    await using session = await vaultWith().open(recipeWith(), { account: 'alice' })
    expect(session.isNew).toBe(true)
    const { attempts, rejected } = await readLedger(shelf(), 'shop/alice')
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['rejected', 'signed-in'])
    expect(rejected).toBeUndefined()
  })

  test('the same wrong password is tried again when a person says so', async () => {
    const wrong = vaultWith({ secrets: { ...shop.accounts.bob, password: 'not it' } })
    const { failedLogins } = shop.counters
    await expect(wrong.open(recipeWith(), { account: 'bob' })).rejects.toBeInstanceOf(LoginFailedError)
    await forgiveAttempts(shelf(), 'shop/bob')
    await expect(wrong.open(recipeWith(), { account: 'bob' })).rejects.toBeInstanceOf(LoginFailedError)
    expect(shop.counters.failedLogins - failedLogins).toBe(2)
  })

  test('logins that fail for other reasons hold off, longer each time, and stop before the site locks the account', async () => {
    let tried = 0
    const failing = recipeWith({
      attempts: { limit: 2, within: 600_000 },
      async login(_page, { secret }) {
        await secret('password')
        tried += 1
        throw new Error('the page is not as expected')
      },
    })
    const open = () => vaultWith().open(failing, { account: 'alice' })
    const stamp = (at: number) =>
      changeLedger(shelf(), 'shop/alice', (page) => ({
        ...page,
        attempts: page.attempts.map((attempt) => ({ ...attempt, at })),
      }))
    await expect(open()).rejects.toMatchObject({ code: 'login-failed', failure: 'threw' })
    const [{ at } = { at: 0 }] = (await readLedger(shelf(), 'shop/alice')).attempts
    await stamp(at + 600_000) // by a clock that is ahead: counts as just now, for however long we stood still
    const held = await open().catch((error: unknown) => error)
    await stamp(at)
    if (!(held instanceof HeldOffError)) throw new Error('not held off')
    expect(held.failures).toBe(1)
    expect(tried).toBe(1)
    while (Date.now() <= held.until) await turn() // as long as it says, no longer
    await expect(open()).rejects.toMatchObject({ code: 'login-failed' })
    const locked = await open().catch((error: unknown) => error)
    if (!(locked instanceof HeldOffError)) throw new Error('not held off')
    expect(locked.until - Date.now()).toBeGreaterThan(500_000)
    expect(tried).toBe(2)
  })

  test('a login that hands out no secret is not counted', async () => {
    const broken = recipeWith({
      login: () => Promise.reject(new Error('before any secret')),
    })
    for (let n = 0; n < 2; n++)
      await expect(vaultWith().open(broken, { account: 'alice' })).rejects.toMatchObject({ failure: 'threw' })
    expect((await readLedger(shelf(), 'shop/alice')).attempts).toEqual([])
  })
})
