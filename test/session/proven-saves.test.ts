import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  createVault,
  fileStore,
  generateKey,
  type Recipe,
  type SessionState,
  type Snapshot,
  type Store,
  type Vault,
} from '../../src/index.ts'
import { readLedger } from '../../src/session/ledger.ts'
import { writeStored, type Shelf } from '../../src/session/stored.ts'
import { generateKey as otherKey, parseKeys } from '../../src/snapshot/keys.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { shopRecipe } from './shop-recipe.ts'

const name = 'shop/alice'
const key = generateKey()

let shop: Shop
let browser: Browser
let recipe: Recipe
let directory: string
let store: Store
let shelf: Shelf
let vault: Vault

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
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'proven-'))
  store = fileStore(directory)
  shelf = { store, keys: parseKeys(key) }
  vault = vaultWith(key)
})
afterEach(async () => {
  await store.close()
  rmSync(directory, { recursive: true, force: true })
})

function vaultWith(sealing: string): Vault {
  return createVault({
    store,
    key: sealing,
    browser: { browser },
    http: { lookup: shop.lookup, ca: shop.ca },
    secrets: { ...shop.accounts.alice },
  })
}

async function stored(): Promise<Snapshot> {
  const found = await vault.peek(name)
  if (found === undefined) throw new Error('nothing stored')
  return found.snapshot
}

function without(state: SessionState, cookie: string): SessionState {
  return { ...state, cookies: state.cookies.filter((found) => found.name !== cookie) }
}

describe('what stands in the store', () => {
  test('is verified after a login, and stays as it was when the server signs the session out', async () => {
    const session = await vault.open(recipe, { account: 'alice' })
    await session.save()
    const before = await stored()
    expect(before.standing).toBe('verified')
    await session.http(shop.url('shop.test', '/logout')) // the answer deletes the cookies
    expect(session.state.cookies.map((cookie) => cookie.name)).not.toContain('sid')
    await session.close()
    expect((await stored()).state).toEqual(before.state)
    expect((await stored()).standing).toBe('dead') // whoever opens it next asks before trusting it
    const { events } = await readLedger(shelf, name)
    expect(events.map(({ kind }) => kind)).toEqual(['created', 'refused'])
  })

  test('is replaced by a rotated cookie only after the server has taken it', async () => {
    const session = await vault.open(recipe, { account: 'alice' })
    shop.setRotation({ every: 1 })
    try {
      await session.http(shop.url('shop.test', '/api/orders'))
      await session.save()
    } finally {
      shop.setRotation({ every: 25 })
    }
    const snapshot = await stored()
    expect(snapshot.standing).toBe('verified')
    expect(snapshot.lastVerified).toBeUndefined()
    expect(snapshot.state).toEqual(session.state)
    await session.close()
  })

  test('keeps what was last proven beside what could not be, and the next who opens it finds out', async () => {
    await (await vault.open(recipe, { account: 'alice' })).close()
    const good = await stored()
    const current = await store.read(name)
    // As a process leaves it that was killed after a logout and before the server could be asked.
    const { snapshot } = await writeStored(
      shelf,
      {
        ...good,
        standing: 'suspect',
        state: without(good.state, 'sid'),
        lastVerified: good.state,
        generation: good.generation + 1,
      },
      current?.version,
    )
    expect(snapshot.standing).toBe('suspect')
    const { logins } = shop.counters
    await using session = await vault.open(recipe, { account: 'alice' })
    expect((await session.http(shop.url('shop.test', '/api/orders'))).statusCode).toBe(200)
    expect(shop.counters.logins).toBe(logins)
  })

  test('goes back to the generation before, and says so, when the newest is damaged', async () => {
    const first = await vault.open(recipe, { account: 'alice' })
    first.jar.setCookieSync('note=1; Path=/', shop.url('shop.test'))
    await first.close()
    const folder = join(directory, readdirSync(directory).find((entry) => entry.startsWith('shop')) ?? '')
    const newest = readdirSync(folder)
      .filter((file) => file.endsWith('.sealed'))
      .sort((a, b) => Number.parseInt(b) - Number.parseInt(a))[0]
    if (newest === undefined) throw new Error('no generation')
    const bytes = readFileSync(join(folder, newest))
    bytes[bytes.length - 10] = (bytes[bytes.length - 10] ?? 0) ^ 1
    writeFileSync(join(folder, newest), bytes)
    const { logins } = shop.counters
    await using session = await vault.open(recipe, { account: 'alice' })
    expect((await session.http(shop.url('shop.test', '/api/orders'))).statusCode).toBe(200)
    expect(shop.counters.logins).toBe(logins)
    session.jar.setCookieSync('note=2; Path=/', shop.url('shop.test'))
    await session.save()
    expect((await stored()).state.cookies.find((cookie) => cookie.name === 'note')?.value).toBe('2')
    const { events } = await readLedger(shelf, name)
    expect(events.map(({ kind }) => kind)).toContain('fell-back')
  })

  test('is an error with a wrong key, never a reason to log in', async () => {
    await (await vault.open(recipe, { account: 'alice' })).close()
    const { logins } = shop.counters
    const opening = vaultWith(otherKey()).open(recipe, { account: 'alice' })
    await expect(opening).rejects.toMatchObject({ code: 'snapshot-unreadable', defect: 'wrong-key' })
    expect(shop.counters.logins).toBe(logins)
  })

  test('says that it is dead when somebody who must not log in has found it so', async () => {
    await (await vault.open(recipe, { account: 'alice' })).close()
    shop.revoke('alice')
    const { state } = await stored()
    const careful = createVault({
      store,
      key,
      http: { lookup: shop.lookup, ca: shop.ca },
      policy: { freshFor: 0 },
    })
    await expect(careful.open(recipe, { account: 'alice', login: 'never' })).rejects.toMatchObject({
      code: 'session-dead',
    })
    expect((await stored()).standing).toBe('dead')
    expect((await stored()).state).toEqual(state)
  })
})

describe('a session that others change', () => {
  test('has what they saved, without asking for it', async () => {
    await using mine = await vault.open(recipe, { account: 'alice' })
    await using theirs = await vaultWith(key).open(recipe, { account: 'alice' })
    theirs.jar.setCookieSync('basket=full; Path=/', shop.url('shop.test'))
    await theirs.save()
    const arrived = () => mine.state.cookies.some((cookie) => cookie.name === 'basket')
    while (!arrived()) await mine.http(shop.url('shop.test', '/blank'))
    const removed = theirs.state.cookies.find((cookie) => cookie.name === 'basket')
    expect(removed?.value).toBe('full')
    theirs.jar.setCookieSync('basket=; Path=/; Max-Age=0', shop.url('shop.test'))
    await theirs.save()
    while (arrived()) await mine.http(shop.url('shop.test', '/blank'))
    expect((await stored()).state.cookies.map((cookie) => cookie.name)).not.toContain('basket')
  })

  test('is not written back after it was removed, and is after the store has lost it', async () => {
    const session = await vault.open(recipe, { account: 'alice' })
    rmSync(directory, { recursive: true }) // as a store that is restarted empty
    session.jar.setCookieSync('a=1; Path=/', shop.url('shop.test'))
    await session.save()
    expect(await vault.list()).toEqual([name])
    await vault.remove(name)
    session.jar.setCookieSync('a=2; Path=/', shop.url('shop.test'))
    await expect(session.close()).rejects.toMatchObject({ code: 'store-conflict' })
    expect(await vault.list()).toEqual([])
    await using again = await vault.open(recipe, { account: 'alice' })
    expect(again.isNew).toBe(true)
    again.jar.setCookieSync('a=3; Path=/', shop.url('shop.test'))
    await again.save()
    expect(await vault.list()).toEqual([name])
  })
})
