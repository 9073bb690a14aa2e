import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createVault,
  generateKey,
  memoryStore,
  NeedsBrowserError,
  type Session,
  type Store,
  type Vault,
} from '../../src/index.ts'
import { launchChromium } from '../site/chromium.ts'
import { pathWithNonce } from '../site/oidc-api.ts'
import { startOidc, type OidcSite } from '../site/oidc.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { counted, oidcRecipe } from './oidc-recipe.ts'

let shop: Shop
let browser: Browser
let site: OidcSite
const key = generateKey()

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
  site = await startOidc(shop)
})
afterAll(async () => {
  await browser.close()
  await shop.close()
})

const notices: object[] = []

function vaultOn(store: Store): Vault {
  const ignore = (): void => undefined
  const note = (facts: object): void => void notices.push(facts)
  return createVault({
    ...{ store, key, browser: { browser }, http: { lookup: shop.lookup, ca: shop.ca } },
    secrets: { username: 'alice', password: shop.accounts.alice.password },
    logger: { debug: ignore, info: note, warn: note },
  })
}

const orders = (): string => site.apiUrl('/orders')

async function askMuch(session: Session): Promise<void> {
  const answers = await Promise.all(Array.from({ length: 10 }, () => session.fetchInPage(orders())))
  for (const answer of answers) expect(await answer.json()).toMatchObject({ name: 'alice' })
}

describe.each(['bound.test', 'bound-kept.test'] as const)(
  'tokens bound to a key of the page (%s)',
  (host) => {
    test('are recognised, refused to HTTP clients before anything is sent, and used by the page that holds the key', async () => {
      await using store = closing(memoryStore())
      const api = { kind: 'header', name: 'DPoP', where: new URL(orders()).origin, reason: 'needs-browser' }
      {
        await using session = await vaultOn(store).open(oidcRecipe(site, host))
        expect(session.dropped).toContainEqual(expect.objectContaining(api))
        expect(notices).toContainEqual(
          expect.objectContaining({ session: session.name, code: 'needs-browser', header: 'DPoP' }),
        )

        const answered = new Map(site.api.answers)
        await expect(session.http(orders())).rejects.toThrow(NeedsBrowserError)
        await expect(session.fetch(orders())).rejects.toMatchObject({ cause: { code: 'needs-browser' } })
        expect(() => session.headersFor(orders())).toThrow(NeedsBrowserError)
        expect(site.api.answers).toEqual(answered)
        expect((await session.fetch(orders(), { credentials: 'omit' })).status).toBe(401)

        const posted = await session.fetchInPage(orders(), {
          method: 'POST',
          body: new URLSearchParams({ a: '1' }),
        })
        expect([posted.status, posted.headers.get('content-type')]).toEqual([200, 'application/json'])
        expect(await posted.json()).toMatchObject({ name: 'alice', seen: { method: 'POST', body: 'a=1' } })
        expect(await counted(site, () => askMuch(session))).toEqual({ codes: 0, refreshes: 0, revoked: 0 })

        // An API that wants a word of its own in each proof says it with its first no.
        const fresh = await session.fetchInPage(site.apiUrl(pathWithNonce))
        expect(await fresh.json()).toMatchObject({ name: 'alice' })
        const times = (status: number): number =>
          (site.api.answers.get(`${pathWithNonce} ${String(status)}`) ?? 0) -
          (answered.get(`${pathWithNonce} ${String(status)}`) ?? 0)
        expect([times(401), times(200)]).toEqual([1, 1])

        site.expireAccessTokens()
        expect(await counted(site, () => askMuch(session))).toEqual({ codes: 0, refreshes: 1, revoked: 0 })
        const shown = session.browse(async (page) => {
          await page.reload()
          await page.getByText('Signed in as alice').waitFor()
          return page.getByRole('listitem').allTextContents()
        })
        expect(await shown).toEqual(['kettle', 'lamp'])
        expect(browser.contexts()).toHaveLength(1)
      }
      expect(browser.contexts()).toHaveLength(0) // closed with the session

      // The key went with its page: another process knows what it cannot do, and signs in anew where it must.
      await using later = await vaultOn(store).open(oidcRecipe(site, host), { login: 'never' })
      expect(later.dropped).toContainEqual(expect.objectContaining(api))
      expect(notices).toContainEqual({ session: later.name, code: 'needs-browser', origins: [api.where] })
      await expect(later.http(orders())).rejects.toThrow(NeedsBrowserError)
      expect(await counted(site, () => askMuch(later))).toEqual({ codes: 1, refreshes: 0, revoked: 0 })
      expect(later.epoch).toBe(2)

      // Nothing is left for its page to renew itself with.
      site.forgetTokens()
      expect(await counted(site, () => askMuch(later))).toEqual({ codes: 1, refreshes: 0, revoked: 0 })
      expect(later.epoch).toBe(3)

      // A token without a key that can be found: said, and not tried again and again.
      await later.browse((page) => page.evaluate(forgetKeys))
      const asked = later.fetchInPage(orders())
      await expect(asked).rejects.toMatchObject({ cause: { code: 'needs-browser' } })
    })
  },
)

function closing(store: Store): Store & AsyncDisposable {
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() })
}

/** Runs in the page: empties all its databases. */
async function forgetKeys(): Promise<void> {
  for (const { name = '' } of await indexedDB.databases()) {
    const database = await new Promise<IDBDatabase>((resolve) => {
      const opening = indexedDB.open(name)
      opening.onsuccess = () => {
        resolve(opening.result)
      }
    })
    const stores = [...database.objectStoreNames]
    const emptying = database.transaction(stores, 'readwrite')
    for (const store of stores) emptying.objectStore(store).clear()
    await new Promise((resolve) => (emptying.oncomplete = resolve))
    database.close()
  }
}
