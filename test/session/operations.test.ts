import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  createVault,
  defineRecipe,
  fileStore,
  generateKey,
  NotStoredError,
  ResponseStatusError,
  SessionDeadError,
  SnapshotUnreadableError,
  StoreConflictError,
  StoreFailedError,
  type Recipe,
  type Store,
  type Vault,
  type VaultOptions,
} from '../../src/index.ts'
import { changeLedger } from '../../src/session/ledger.ts'
import { parseKeys } from '../../src/snapshot/keys.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { shopRecipe } from './shop-recipe.ts'
import { eventually } from '../conformance/wait.ts'
import { cookieOf, signIn } from './signed-in.ts'

const name = 'shop/alice'
let shop: Shop
let browser: Browser
let directory: string
let recipe: Recipe
const key = generateKey()

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
  recipe = shopRecipe(shop, {
    signOut: shop.url('shop.test', '/logout'),
  })
})
afterAll(async () => {
  await browser.close()
  await shop.close()
})
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'operations-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

function vaultWith(options: Partial<VaultOptions> = {}): Vault {
  return createVault({
    store: fileStore(directory),
    key,
    browser: { browser },
    http: { lookup: shop.lookup, ca: shop.ca },
    secrets: { ...shop.accounts.alice },
    ...options,
  })
}

function orders(): string {
  return shop.url('shop.test', '/api/orders')
}

describe('history and rollback', () => {
  test('history opens each kept generation, newest first', async () => {
    const vault = vaultWith()
    await vault.put(name, await signIn(shop))
    await vault.put(name, await signIn(shop))
    const history = await vault.history(name)
    expect(
      history.map(({ epoch, generation, standing, newest }) => [epoch, generation, standing, newest]),
    ).toEqual([
      [2, 2, 'verified', true],
      [1, 1, 'verified', false],
    ])
    expect(history.every(({ size, savedAt = 0 }) => size > 0 && savedAt > 0)).toBe(true)
    expect(await vault.history('shop/nobody')).toEqual([])
  })

  test('history says of a generation under another key that it does not open, and rollback passes over it', async () => {
    const other = generateKey()
    await vaultWith({ key: other }).put(name, await signIn(shop))
    const vault = vaultWith({ key: [key, other] })
    await vault.put(name, await signIn(shop))
    await vault.put(name, await signIn(shop))
    const blind = vaultWith()
    const history = await blind.history(name)
    expect(history.map(({ defect }) => defect)).toEqual([undefined, undefined, 'wrong-key'])
    const rolled = await vault.rollback(name)
    expect(rolled).toMatchObject({ name, epoch: 4, to: { epoch: 2, generation: 2 } })
  })

  test('a rollback is taken over by a session that another vault has open, and not merged', async () => {
    const vault = vaultWith()
    const good = await signIn(shop)
    await vault.put(name, good)
    await vault.put(name, await signIn(shop, 'bob'))
    await using open = await vaultWith().open(recipe, { account: 'alice', login: 'never' })
    expect(open.epoch).toBe(2)
    const { epoch } = await vault.rollback(name)
    expect(epoch).toBe(3)
    await eventually(() => Promise.resolve(open.epoch === 3 || undefined))
    expect(cookieOf(open.state, 'sid')).toBe(cookieOf(good.state, 'sid'))
    expect((await open.http(orders())).statusCode).toBe(200)
    // Its later saves go on from there.
    await open.check()
    await open.save()
    const stored = await vault.peek(name)
    expect(stored?.snapshot).toMatchObject({ epoch: 3, standing: 'verified' })
    const [rolledBack] = (await vault.events(name)).filter(({ kind }) => kind === 'rolled-back')
    expect(rolledBack).toMatchObject({ epoch: 3, why: 'to generation 1 of epoch 1' })
  })

  test('what a rollback has brought back is asked for by the next open, however old the proof of it', async () => {
    const vault = vaultWith()
    await vault.put(name, await signIn(shop, 'carol'))
    await vault.put(name, await signIn(shop))
    await vault.rollback(name)
    shop.revoke('carol')
    await expect(vault.open(recipe, { account: 'alice', login: 'never' })).rejects.toBeInstanceOf(
      SessionDeadError,
    )
  })

  test('rollback goes to the version it is told, and says when it is not there', async () => {
    const vault = vaultWith()
    for (const account of ['alice', 'bob', 'carol'] as const)
      await vault.put(name, await signIn(shop, account))
    const oldest = (await vault.history(name)).at(-1)
    expect(await vault.rollback(name, oldest?.version)).toMatchObject({ to: { epoch: 1 }, epoch: 4 })
    await expect(vault.rollback(name, '99-none')).rejects.toBeInstanceOf(NotStoredError)
    await expect(vault.rollback('shop/nobody')).rejects.toBeInstanceOf(NotStoredError)
  })
})

describe('clone', () => {
  test('a clone is a session of its own name, sealed for that name, and is refused over another', async () => {
    const vault = vaultWith()
    await vault.put(name, await signIn(shop))
    expect(await vault.clone(name, 'second')).toBe('shop/second')
    expect(await vault.list()).toEqual(['shop/alice', 'shop/second'])
    expect((await vault.peek('shop/second'))?.snapshot).toMatchObject({
      name: 'shop/second',
      epoch: 1,
      generation: 1,
    })
    await using session = await vault.open(recipe, { account: 'second', login: 'never' })
    expect((await session.http(orders())).statusCode).toBe(200)
    await expect(vault.clone(name, 'second')).rejects.toBeInstanceOf(StoreConflictError)
    await expect(vault.clone('shop/nobody', 'third')).rejects.toBeInstanceOf(NotStoredError)
    await expect(vault.clone(name, 'a/b')).rejects.toBeInstanceOf(TypeError)
    expect((await vault.events('shop/second')).map(({ kind, why }) => [kind, why])).toEqual([
      ['created', 'cloned from shop/alice'],
    ])
  })

  test('sessionsOf finds the sessions of an account over recipes, and of no other account', async () => {
    const vault = vaultWith()
    const content = await signIn(shop)
    for (const one of ['shop/alice', 'bank/alice', 'shop/alice2', 'shop/t~alice'])
      await vault.put(one, content)
    expect(await vault.sessionsOf('alice')).toEqual(['bank/alice', 'shop/alice'])
    expect(await vault.sessionsOf('t~alice')).toEqual(['shop/t~alice'])
  })
})

describe('rekey', () => {
  const fresh = generateKey()

  /** Two sessions with two generations each, a ledger of each, and a ledger without a session, under the old key. */
  async function fill(): Promise<void> {
    const vault = vaultWith()
    for (const one of ['shop/a', 'shop/b']) {
      await vault.put(one, await signIn(shop))
      await vault.put(one, await signIn(shop))
    }
    await vault.put('shop/gone', await signIn(shop))
    await vault.remove('shop/gone')
  }

  /** Every sealed file of the store, by the key that it names in clear. */
  function keyIds(): Set<unknown> {
    const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    return new Set(
      files
        .filter((file) => file.isFile() && /\.(sealed|milestone)$/.test(file.name))
        .map((file) => readFileSync(join(file.parentPath, file.name), 'latin1'))
        .filter((text) => !text.startsWith('forgotten'))
        .map(
          (text) =>
            (JSON.parse(Buffer.from(text.split('.')[0] ?? '', 'base64url').toString()) as { kid: unknown })
              .kid,
        ),
    )
  }

  test('seals sessions and ledgers with the first key, forgets what is under others, and the old key may go', async () => {
    await fill()
    const before = (await vaultWith().peek('shop/a'))?.snapshot
    const [old] = keyIds()
    const vault = vaultWith({ key: [fresh, key] })
    const steps: string[] = []
    const done = await vault.rekey({ onProgress: ({ name, outcome }) => steps.push(`${name} ${outcome}`) })
    expect(done).toMatchObject({ rekeyed: 5, already: 0, unreadable: [], unreadableNames: 0 })
    expect(done.generationsForgotten).toBeGreaterThanOrEqual(4)
    expect(steps).toContain('shop/a rekeyed')
    expect(steps).toContain('~ledger/shop/gone rekeyed')
    expect(keyIds().size).toBe(1)
    expect(keyIds().has(old)).toBe(false)
    const alone = vaultWith({ key: fresh })
    expect(await alone.list()).toEqual(['shop/a', 'shop/b'])
    expect((await alone.peek('shop/a'))?.snapshot.state).toEqual(before?.state)
    expect((await alone.events('shop/gone')).map(({ kind }) => kind)).toEqual(['created', 'destroyed'])
    await expect(vaultWith().peek('shop/a')).rejects.toBeInstanceOf(SnapshotUnreadableError) // the control
    expect(await vault.rekey()).toMatchObject({ rekeyed: 0, already: 5, generationsForgotten: 0 })
  })

  test('interrupted at any step it leaves everything readable, and the next run goes on where it ended', async () => {
    const calls = ['write', 'forget'] as const
    let interrupted = 0
    for (let step = 1; ; step++) {
      rmSync(directory, { recursive: true, force: true })
      await fill()
      const store = failingAfter(fileStore(directory), calls, step)
      const run = vaultWith({ store, key: [fresh, key] }).rekey()
      const failed = await run.then(
        () => undefined,
        (error: unknown) => error,
      )
      const both = vaultWith({ key: [fresh, key] })
      for (const one of await both.list()) expect(await both.peek(one)).toBeDefined()
      if (failed === undefined) break
      expect(failed).toBeInstanceOf(StoreFailedError)
      interrupted += 1
      const again = await both.rekey()
      expect(again.rekeyed + again.already).toBe(5)
      expect(keyIds().size).toBe(1)
      expect(await vaultWith({ key: fresh }).list()).toEqual(['shop/a', 'shop/b'])
    }
    console.log(`rekey was interrupted at ${String(interrupted)} steps`)
    expect(interrupted).toBeGreaterThanOrEqual(8)
  })

  test('a save of another process that comes in between is not lost', async () => {
    await fill()
    const store = fileStore(directory)
    await using open = await vaultWith({ key: [key, fresh] }).open(recipe, { account: 'a', login: 'never' })
    let saved = false
    const meddling: Store = Object.assign(Object.create(store) as Store, {
      read: async (one: string, version?: string) => {
        const found = await store.read(one, version)
        if (one === 'shop/a' && !saved) {
          saved = true // between the reading of rekey and its writing
          open.jar.setCookieSync('between=kept; Path=/', shop.url('shop.test'))
          await open.save()
        }
        return found
      },
      write: store.write.bind(store),
      list: store.list.bind(store),
      history: store.history.bind(store),
      forget: store.forget.bind(store),
    })
    expect(await vaultWith({ store: meddling, key: [fresh, key] }).rekey()).toMatchObject({ unreadable: [] })
    const stored = await vaultWith({ key: fresh }).peek('shop/a')
    expect(cookieOf(stored?.snapshot.state ?? open.state, 'between')).toBe('kept')
  })

  test('what does not open is told and left with all its generations', async () => {
    const other = generateKey()
    const foreign = vaultWith({ key: other })
    await foreign.put('shop/foreign', await signIn(shop))
    await foreign.put('shop/foreign', await signIn(shop))
    await vaultWith().put(name, await signIn(shop))
    const done = await vaultWith({ key: [fresh, key] }).rekey()
    expect(done.unreadable).toContainEqual({ name: 'shop/foreign', defect: 'wrong-key' })
    expect(await foreign.history('shop/foreign')).toHaveLength(2)
  })

  test('a rejected password is still refused when the key has changed', async () => {
    const wrong = { ...shop.accounts.alice, password: 'not it' }
    await expect(vaultWith({ secrets: wrong }).open(recipe, { account: 'alice' })).rejects.toThrow(/rejected/)
    const vault = vaultWith({ secrets: wrong, key: [fresh, key] })
    await vault.rekey()
    const { failedLogins } = shop.counters
    await expect(vault.open(recipe, { account: 'alice' })).rejects.toThrow(/are not tried again/)
    expect(shop.counters.failedLogins).toBe(failedLogins)
    await vault.unlock(name)
    await expect(vault.open(recipe, { account: 'alice' })).rejects.toThrow(/rejected/)
    expect(shop.counters.failedLogins).toBe(failedLogins + 1)
  })
})

describe('purge', () => {
  const past = Math.floor(Date.now() / 1000) - 3600

  test('removes what has ended and what is dead, says why, and leaves the rest', async () => {
    const vault = vaultWith()
    const living = await signIn(shop)
    const ended = {
      ...living,
      state: {
        ...living.state,
        cookies: living.state.cookies.map((cookie) => ({ ...cookie, expires: past })),
      },
    }
    await vault.put('shop/alive', living)
    await vault.put('shop/ended', ended)
    await vault.put('shop/dead', { ...living, standing: 'dead' })
    const planned = await vault.purge({ expired: true, dryRun: true })
    const expected = [
      { name: 'shop/dead', reason: 'dead' },
      { name: 'shop/ended', reason: 'expired' },
    ]
    expect(planned).toMatchObject({ sessions: expected, dryRun: true })
    expect(await vault.list()).toHaveLength(3)
    expect(await vault.purge({ expired: true, grace: 7_200_000 })).toMatchObject({
      sessions: [{ name: 'shop/dead', reason: 'dead' }],
    })
    expect((await vault.purge({ expired: true })).sessions).toEqual([expected[1]])
    expect(await vault.list()).toEqual(['shop/alive'])
    await expect(vault.purge({})).rejects.toBeInstanceOf(TypeError)
  })

  test('passes over a session that is being renewed', async () => {
    const vault = vaultWith()
    await vault.put('shop/dead', { ...(await signIn(shop)), standing: 'dead' })
    const lease = await fileStore(directory).lease('shop/dead', 60_000)
    expect(await vault.purge({ expired: true })).toMatchObject({
      sessions: [],
      skipped: [{ name: 'shop/dead', why: 'it is being renewed' }],
    })
    await lease?.release()
    expect((await vault.purge({ expired: true })).sessions).toHaveLength(1)
  })

  test('forgets a tombstone after 90 days, and nothing of what is still there', async () => {
    const vault = vaultWith()
    const shelf = { store: fileStore(directory), keys: parseKeys(key) }
    for (const one of ['shop/long-gone', 'shop/just-gone', 'shop/back']) {
      await vault.put(one, await signIn(shop))
      await vault.remove(one)
    }
    await vault.put('shop/back', await signIn(shop))
    const long = Date.now() - 91 * 86_400_000
    for (const one of ['shop/long-gone', 'shop/back'])
      await changeLedger(shelf, one, (page) => ({ ...page, removedAt: long }))
    expect(await vault.purge({ expired: true })).toMatchObject({
      tombstones: ['shop/long-gone'],
      sessions: [],
    })
    expect(await vault.events('shop/long-gone')).toEqual([])
    expect(await vault.events('shop/just-gone')).not.toEqual([])
    expect(await vault.events('shop/back')).not.toEqual([])
  })

  test('forgets old generations and never the newest', async () => {
    const vault = vaultWith()
    for (let n = 0; n < 4; n++) await vault.put(name, await signIn(shop))
    expect(await vault.purge({ generationsOlderThan: 60_000 })).toMatchObject({ generations: [] })
    const last = (await vault.history(name))[0]
    await eventually(() => Promise.resolve(Date.now() > (last?.writtenAt ?? 0) + 50 || undefined))
    expect(await vault.purge({ generationsOlderThan: 1 })).toMatchObject({
      generations: [{ name, forgotten: 3 }],
    })
    expect((await vault.history(name)).map(({ version }) => version)).toEqual([last?.version])
  })
})

describe('remove', () => {
  test('everywhere leaves a bare tombstone, and a session that is open elsewhere is not written back', async () => {
    const vault = vaultWith()
    await vault.put(name, await signIn(shop))
    const open = await vaultWith().open(recipe, { account: 'alice', login: 'never' })
    await vault.remove(name, { everywhere: true })
    expect(await vault.events(name)).toEqual([])
    open.jar.setCookieSync('late=1; Path=/', shop.url('shop.test'))
    await expect(open.save()).rejects.toBeInstanceOf(StoreConflictError)
    await expect(open.close()).rejects.toBeInstanceOf(StoreConflictError)
    expect(await vault.list()).toEqual([])
  })

  test('what is put again under the name begins above the epoch that was removed', async () => {
    const vault = vaultWith()
    for (let n = 0; n < 3; n++) await vault.put(name, await signIn(shop))
    const open = await vaultWith().open(recipe, { account: 'alice', login: 'never' })
    await vault.remove(name)
    const content = await signIn(shop, 'bob')
    await vault.put(name, content)
    expect((await vault.peek(name))?.snapshot.epoch).toBe(4)
    open.jar.setCookieSync('late=1; Path=/', shop.url('shop.test'))
    await open.close()
    const stored = await vault.peek(name)
    expect(cookieOf(stored?.snapshot.state ?? open.state, 'sid')).toBe(cookieOf(content.state, 'sid'))
  })

  test('a session whose ledger does not open is removed everywhere all the same', async () => {
    await vaultWith({ key: generateKey() }).put(name, await signIn(shop))
    const vault = vaultWith()
    await expect(vault.remove(name)).rejects.toBeInstanceOf(SnapshotUnreadableError)
    await vault.remove(name, { everywhere: true })
    expect(await vault.list()).toEqual([])
  })
})

describe('sign-out', () => {
  test('ends the server session, proves it, and forgets all copies', async () => {
    const vault = vaultWith()
    const session = await vault.open(recipe, { account: 'alice' })
    const { logouts } = shop.counters
    const worn = session.headersFor(orders())
    expect(await session.signOut()).toEqual({ name, server: 'ended' })
    expect(shop.counters.logouts).toBe(logouts + 1)
    const answer = await vault.anonymous().http(orders(), {
      headers: Object.fromEntries(worn.filter(([header]) => header.toLowerCase() === 'cookie')),
      throwHttpErrors: false,
    })
    expect(answer.statusCode).toBe(401)
    expect(await vault.list()).toEqual([])
    expect(await vault.history(name)).toEqual([])
    expect(() => session.http).toThrow(/closed/)
    await session.close()
    expect((await vault.events(name)).at(-1)).toMatchObject({ kind: 'signed-out', why: 'ended' })
  })

  test('another process that has it open finds it dead, does not save it and does not sign in again', async () => {
    const vault = vaultWith()
    await (await vault.open(recipe, { account: 'alice' })).close()
    const open = await vaultWith().open(recipe, { account: 'alice', login: 'never' })
    shop.revoke('alice')
    const { logins } = shop.counters
    expect((await open.http(orders())).statusCode).toBe(200) // the control: it would sign in again by itself
    expect(shop.counters.logins).toBe(logins + 1)
    expect(open.epoch).toBe(2)

    expect(await vault.signOut(recipe, { account: 'alice' })).toEqual({ name, server: 'ended' })
    await expect(open.http(orders())).rejects.toBeInstanceOf(SessionDeadError)
    await expect(open.renew()).rejects.toBeInstanceOf(SessionDeadError)
    expect(shop.counters.logins).toBe(logins + 1)
    await open.close().catch(() => undefined)
    expect(await vault.list()).toEqual([])

    // Whoever asks for it by opening it gets a new one, above all that was.
    await using again = await vault.open(recipe, { account: 'alice' })
    expect(again.isNew).toBe(true)
    expect(again.epoch).toBe(3)
  })

  test('is unproven when the server goes on taking the session, and not-asked without a way', async () => {
    const vault = vaultWith()
    const deaf = defineRecipe({ ...recipe, signOut: shop.url('shop.test', '/echo') })
    await vault.put(name, await signIn(shop))
    expect(await vault.signOut(deaf, { account: 'alice' })).toEqual({
      name,
      server: 'unproven',
      why: 'the server still takes the old session',
    })
    const { signOut: _, ...without } = recipe
    await vault.put(name, await signIn(shop))
    expect(await vault.signOut(without, { account: 'alice' })).toMatchObject({ server: 'not-asked' })
    expect(await vault.list()).toEqual([])
    expect(await vault.signOut(recipe, { account: 'alice' })).toMatchObject({ why: 'nothing is stored' })
  })

  test('leaves everything as it is when the server cannot be told', async () => {
    const vault = vaultWith()
    await vault.put(name, await signIn(shop))
    const broken = defineRecipe({ ...recipe, signOut: shop.url('shop.test', '/nowhere') })
    await using session = await vault.open(broken, { account: 'alice', login: 'never' })
    await expect(session.signOut()).rejects.toBeInstanceOf(ResponseStatusError)
    expect((await session.http(orders())).statusCode).toBe(200)
    expect(await vault.list()).toEqual([name])
  })

  test('a function signs out with the tools of a rotation; a session that had ended already counts as ended', async () => {
    const vault = vaultWith()
    const byHand = defineRecipe({
      ...recipe,
      signOut: async ({ http }) => {
        await http.post(shop.url('shop.test', '/logout'))
      },
    })
    await vault.put(name, await signIn(shop))
    expect(await vault.signOut(byHand, { account: 'alice' })).toMatchObject({ server: 'ended' })
    const refusing = defineRecipe({ ...recipe, signOut: shop.url('shop.test', '/api/cart') })
    await vault.put(name, await signIn(shop))
    shop.revoke('alice')
    expect(await vault.signOut(refusing, { account: 'alice' })).toMatchObject({ server: 'ended' })
  })
})

describe('stats', () => {
  test('counts what is stored, by how it stands', async () => {
    const vault = vaultWith()
    const living = await signIn(shop)
    await vault.put('shop/a', living)
    await vault.put('shop/b', { ...living, standing: 'suspect', savedAt: 1_000 })
    await vaultWith({ key: generateKey() }).put('shop/foreign', living)
    const stats = await vault.stats()
    expect(stats).toMatchObject({
      sessions: 3,
      byStanding: { verified: 1, suspect: 1, candidate: 0, dead: 0 },
      expired: 0,
      quarantined: 0,
      oldest: { name: 'shop/b', savedAt: 1_000 },
      unreadable: [{ name: 'shop/foreign', defect: 'wrong-key' }],
    })
    expect(stats.bytes).toBeGreaterThan(500)
    expect(stats.nextToDie?.diesAt).toBeGreaterThan(Date.now())
    expect(JSON.stringify(stats)).not.toContain(shop.canary)
  })
})

/** A disk that fails at the so-manieth of these calls, before it has done anything, and at all after it. */
function failingAfter(store: Store, calls: readonly ('write' | 'forget')[], step: number): Store {
  let count = 0
  const failing = Object.fromEntries(
    calls.map((call) => [
      call,
      (...args: never[]) => {
        count += 1
        if (count >= step) return Promise.reject(new StoreFailedError(call, 'the test says so'))
        return (store[call] as (...all: never[]) => Promise<unknown>).apply(store, args)
      },
    ]),
  )
  return Object.assign(Object.create(null) as Store, {
    read: store.read.bind(store),
    list: store.list.bind(store),
    history: store.history.bind(store),
    ...failing,
  })
}
