import type { Browser } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  createVault,
  EgressChangedError,
  generateKey,
  memoryStore,
  type Recipe,
  type Session,
  type Store,
  type Vault,
  type VaultPolicy,
} from '../../src/index.ts'
import { proxyDigest } from '../../src/session/egress.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { startProxy, type TestProxy } from './http-proxy.ts'
import { shopRecipe } from './shop-recipe.ts'
import { signIn } from './signed-in.ts'

let shop: Shop
let browser: Browser
let recipe: Recipe
let way: TestProxy
let other: TestProxy
let store: Store
const key = generateKey()
const open: Session[] = []

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
  ;[way, other] = await Promise.all([startProxy(), startProxy()])
  store = memoryStore()
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()))
  for (const one of [way, other]) one.close()
})

function vaultBy(proxyUrl: string | undefined, policy: VaultPolicy = {}): Vault {
  return createVault({
    ...{ store, key, policy, browser: { browser }, secrets: { ...shop.accounts.alice } },
    http: { lookup: shop.lookup, ca: shop.ca, ...(proxyUrl !== undefined && { proxyUrl }) },
  })
}

async function opened(vault: Vault, options?: Parameters<Vault['open']>[1]): Promise<Session> {
  const session = await vault.open(recipe, options)
  open.push(session)
  return session
}

/** As a login by that way would leave it. */
async function captured(proxyUrl: string | undefined, account = 'default'): Promise<void> {
  const egress = proxyUrl === undefined ? 'direct' : proxyDigest(new URL(proxyUrl))
  await vaultBy(undefined).put(`shop/${account}`, { ...(await signIn(shop)), egress })
}

async function refusal(vault: Vault): Promise<EgressChangedError> {
  const error = await vault.open(recipe, { login: 'never' }).catch((reason: unknown) => reason)
  if (!(error instanceof EgressChangedError)) throw new Error('It was not refused', { cause: error })
  return error
}

describe('the way out of a session', () => {
  test('behind a proxy, its login, requests, fetches and visits all take it', async () => {
    const session = await opened(vaultBy(way.url))
    expect(way.asked.length).toBeGreaterThan(0) // the login
    const { egress } = (await vaultBy(undefined).peek('shop/default'))?.snapshot ?? {}
    expect(egress).toBe(proxyDigest(new URL(way.url)))
    const after = async (ask: () => Promise<unknown>): Promise<boolean> => {
      const before = way.asked.length
      await ask()
      return way.asked.length > before
    }
    // Connections that are open already are no new question to the proxy, so each asks another host.
    expect(await after(() => session.http(shop.url('a.shop.test', '/echo')).text())).toBe(true)
    expect(await after(async () => (await session.fetch(shop.url('b.shop.test', '/echo'))).text())).toBe(true)
    expect(await after(() => session.browse((page) => page.goto(shop.url('c.shop.test', '/echo'))))).toBe(
      true,
    )
  })

  test('captured behind a proxy and opened without it, it is refused before anything is sent', async () => {
    await captured(way.url)
    const before = shop.counters.requests
    const error = await refusal(vaultBy(undefined))
    expect(shop.counters.requests).toBe(before)
    expect(error).toMatchObject({
      code: 'egress-changed',
      session: 'shop/default',
      found: 'direct',
      tier: 'final',
    })
    expect(error.message).toMatch(/http\.proxyUrl.*login: "always".*egress: 'any'/)
    expect(error.message).not.toContain('127.0.0.1')
  })

  test('captured without a proxy and opened behind one, and behind another one, it is refused', async () => {
    await captured(undefined)
    expect(await refusal(vaultBy(way.url))).toMatchObject({ bound: 'direct' })
    expect(way.asked).toEqual([])
    await captured(way.url)
    expect(await refusal(vaultBy(other.url))).toMatchObject({ bound: proxyDigest(new URL(way.url)) })
    expect(other.asked).toEqual([])
  })

  test('opened by its own way it resumes, with a new password of the proxy too', async () => {
    await captured(way.url.replace('//', '//user:old@'))
    const session = await opened(vaultBy(way.url.replace('//', '//user:new@')), { login: 'never' })
    expect(session.isNew).toBe(false)
    expect(await refusal(vaultBy(way.url.replace('//', '//else:old@')))).toBeInstanceOf(EgressChangedError)
  })

  test('with the policy "any" it goes wherever it is opened', async () => {
    await captured(way.url)
    const session = await opened(vaultBy(undefined, { egress: 'any' }), { login: 'never' })
    const before = way.asked.length
    await session.http(shop.url('shop.test', '/api/orders'))
    expect(way.asked).toHaveLength(before)
  })

  test('a login says anew by which way it is bound, and a sign-in without a browser does too', async () => {
    await captured(way.url)
    await (await opened(vaultBy(undefined), { login: 'always' })).close()
    expect((await opened(vaultBy(undefined), { login: 'never' })).isNew).toBe(false)
    const { login: _, ...rest } = recipe
    const plain: Recipe = {
      ...{ ...rest, name: 'plain' },
      signIn: (tools) => {
        tools.setHeader('X-Key', 'k')
        return Promise.resolve()
      },
    }
    const vault = vaultBy(way.url)
    await (await vault.open(plain)).close()
    expect((await vault.peek('plain/default'))?.snapshot.egress).toBe(proxyDigest(new URL(way.url)))
    await expect(vaultBy(undefined).open(plain, { login: 'never' })).rejects.toThrow(EgressChangedError)
  })

  test('a pool moves its sessions on purpose; one without proxies refuses what was captured behind one', async () => {
    await captured(way.url, 'a')
    const ask = (session: Session): Promise<unknown> =>
      session.http(shop.url('shop.test', '/api/orders')).json()
    const moving = vaultBy(undefined).pool(recipe, ['a'], { proxies: [other.url] })
    await moving.use(ask)
    expect(other.asked.length).toBeGreaterThan(0)
    await moving.close()
    const without = vaultBy(undefined).pool(recipe, ['a'])
    await expect(without.use(ask)).rejects.toThrow(EgressChangedError)
    await without.close()
    const bound = vaultBy(undefined, { egress: 'bound' }).pool(recipe, ['a'], { proxies: [other.url] })
    await expect(bound.use(ask)).rejects.toThrow(EgressChangedError)
    await bound.close()
  })

  test('a browser and requests that would go two ways are refused', async () => {
    const split = { ...recipe, context: { proxy: { server: other.url } } }
    await expect(vaultBy(way.url).open(split)).rejects.toThrow(EgressChangedError)
    expect([way.asked, other.asked]).toEqual([[], []])
  })

  test('a snapshot that does not say how it was captured is opened by any way', async () => {
    const vault = vaultBy(way.url)
    await vault.put('shop/imported', await signIn(shop))
    expect((await opened(vault, { account: 'imported', login: 'never' })).isNew).toBe(false)
  })
})
