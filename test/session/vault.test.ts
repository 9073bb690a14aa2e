import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  createVault,
  fileStore,
  generateKey,
  LoginFailedError,
  memoryStore,
  NotSignedInError,
  SessionDeadError,
  type Recipe,
  type Vault,
  type VaultOptions,
} from '../../src/index.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { shopRecipe } from './shop-recipe.ts'

let shop: Shop
let browser: Browser
let directory: string
let recipe: Recipe

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
})
afterAll(async () => {
  await browser.close()
  await shop.close()
})
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vault-test-'))
  recipe = shopRecipe(shop)
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

const key = generateKey()

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

describe('a vault', () => {
  test('logs in once, answers 500 pages over HTTP, and resumes without a login', async () => {
    const before = shop.counters.logins
    {
      await using session = await vaultWith().open(recipe, { account: 'alice' })
      expect(session.isNew).toBe(true)
      for (let n = 1; n <= 500; n += 20) {
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            session.http(shop.url('shop.test', `/api/orders?page=${String(n + i)}`)),
          ),
        )
        expect(answers.map((answer) => answer.statusCode)).toEqual(answers.map(() => 200))
      }
    }
    await using again = await vaultWith().open(recipe, { account: 'alice', login: 'never' })
    expect(again.isNew).toBe(false)
    expect(again.dropped.map(({ name }) => name)).toContain('_ga')
    expect((await again.http(shop.url('shop.test', '/api/orders'))).statusCode).toBe(200)
    expect(shop.counters.logins - before).toBe(1)
  })

  test('answers bearer and CSRF requests with no header written by the user', async () => {
    await using session = await vaultWith().open(recipe, { account: 'alice' })
    expect((await session.http(shop.url('api.shop.test', '/orders'))).statusCode).toBe(200)
    expect(
      (await session.http.post(shop.url('shop.test', '/api/cart'), { json: { item: 1 } })).statusCode,
    ).toBe(200)
    expect((await session.fetch(shop.url('api.shop.test', '/orders'))).status).toBe(200)
    const stranger = vaultWith().anonymous()
    const answer = await stranger.http(shop.url('api.shop.test', '/orders'), { throwHttpErrors: false })
    expect(answer.statusCode).toBe(401) // the control: the header is needed
    await stranger[Symbol.asyncDispose]()
  })

  test('renews once when the server has revoked the session, and answers all who were waiting', async () => {
    await using session = await vaultWith().open(recipe, { account: 'alice' })
    const { epoch } = session
    const before = shop.counters.logins
    shop.revoke('alice')
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => session.http(shop.url('shop.test', '/api/orders'))),
    )
    expect(answers.map((answer) => answer.statusCode)).toEqual(answers.map(() => 200))
    expect(shop.counters.logins - before).toBe(1)
    expect(session.epoch).toBe(epoch + 1)
  })

  test('asks the server before it trusts a snapshot whose proof of life is old', async () => {
    await (await vaultWith().open(recipe, { account: 'alice' })).close()
    const suspicious = vaultWith({ policy: { freshFor: 0 } })
    {
      await using alive = await suspicious.open(recipe, { account: 'alice' })
      expect(alive.isNew).toBe(false)
    }
    shop.revoke('alice')
    await expect(suspicious.open(recipe, { account: 'alice', login: 'never' })).rejects.toBeInstanceOf(
      SessionDeadError,
    )
    await using renewed = await suspicious.open(recipe, { account: 'alice' })
    expect(renewed.isNew).toBe(true)
    expect(renewed.epoch).toBe(2)
  })

  test('ten openings at once in two vaults on one store log in once', async () => {
    const before = shop.counters.logins
    const vaults = [vaultWith(), vaultWith()]
    const sessions = await Promise.all(
      Array.from({ length: 10 }, (_, n) => (vaults[n % 2] as Vault).open(recipe, { account: 'alice' })),
    )
    expect(shop.counters.logins - before).toBe(1)
    expect(new Set(sessions.map((session) => session.epoch))).toEqual(new Set([1]))
    await Promise.all(sessions.map((session) => session.close()))
  })

  test('runs a visit that is signed in, and takes home what it changed', async () => {
    await using session = await vaultWith().open(recipe, { account: 'alice' })
    const title = await session.browse(async (page) => {
      await page.goto(shop.url('shop.test', '/account'))
      await page.evaluate(() => {
        document.cookie = 'seen=visit; path=/'
        localStorage.setItem('note', 'from the visit')
      })
      return page.url()
    })
    expect(title).toContain('/account')
    expect(session.state.cookies.find((cookie) => cookie.name === 'seen')?.value).toBe('visit')
    const stored = session.state.origins.find(
      (origin) => origin.origin === new URL(shop.url('shop.test')).origin,
    )
    expect(stored?.localStorage).toContainEqual({ name: 'note', value: 'from the visit' })
    expect(await session.check()).toBe('alive')
  })

  test('ends a wrong password in seconds, stores nothing, and does not try it again with each request', async () => {
    const wrong = vaultWith({ secrets: { ...shop.accounts.alice, password: 'not it' } })
    // Whoever waited for the end of its time would wait beyond the end of this test.
    const patient = { ...recipe, timeout: 600_000 }
    await expect(wrong.open(patient, { account: 'alice' })).rejects.toMatchObject({ failure: 'rejected' })
    expect(await wrong.list()).toEqual([])

    await (await vaultWith().open(recipe, { account: 'alice' })).close()
    await using session = await wrong.open(recipe, { account: 'alice', login: 'never' })
    shop.revoke('alice')
    const before = shop.counters.failedLogins
    for (let n = 0; n < 3; n++) {
      await expect(session.http(shop.url('shop.test', '/api/orders'))).rejects.toBeInstanceOf(
        LoginFailedError,
      )
    }
    expect(shop.counters.failedLogins - before).toBe(1)
  })

  test('says what is missing or misspelt', async () => {
    await expect(vaultWith().open(recipe, { login: 'never' })).rejects.toBeInstanceOf(NotSignedInError)
    expect(() => createVault({ store: memoryStore(), key, polcy: {} } as never)).toThrow(/no option "polcy"/)
    expect(() => createVault({ store: memoryStore(), key: undefined })).toThrow(/keygen/)
    await expect(vaultWith().open(recipe, { account: '' })).rejects.toThrow(TypeError)
  })

  test('leaves no secret readable in the store', async () => {
    await (await vaultWith().open(recipe, { account: 'alice' })).close()
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((file) =>
      file.isFile(),
    )
    expect(files.length).toBeGreaterThan(0)
    for (const file of files) {
      expect(readFileSync(join(file.parentPath, file.name)).includes(shop.canary)).toBe(false)
    }
  })
})
