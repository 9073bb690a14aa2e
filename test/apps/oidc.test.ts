import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createVault,
  generateKey,
  memoryStore,
  NotSignedInError,
  type BrowserOptions,
  type Recipe,
  type Session,
  type Store,
  type Vault,
} from '../../src/index.ts'
import { launchChromium } from '../site/chromium.ts'
import { startOidc, type OidcHost, type OidcSite } from '../site/oidc.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { counted, oidcRecipe } from './oidc-recipe.ts'

let shop: Shop
let browser: Browser
let site: OidcSite
const key = generateKey()
const stores: Store[] = []

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
  site = await startOidc(shop)
})
afterAll(async () => {
  await browser.close()
  await Promise.all(stores.map((store) => store.close()))
  await shop.close()
})

function newStore(): Store {
  const store = memoryStore()
  stores.push(store)
  return store
}

function vaultOn(store: Store, through: BrowserOptions = { browser }): Vault {
  return createVault({
    store,
    key,
    browser: through,
    http: { lookup: shop.lookup, ca: shop.ca },
    secrets: { username: 'alice', password: shop.accounts.alice.password },
  })
}

const orders = (): string => site.apiUrl('/orders')
const many = Array.from({ length: 20 }, (_, index) => index)

/** As many calls at once as may be: each is to be answered for Alice. */
async function askMuch(...sessions: Session[]): Promise<void> {
  const asked = sessions.flatMap((session) => many.map(() => session.http(orders()).json<{ name: string }>()))
  expect(new Set((await Promise.all(asked)).map(({ name }) => name))).toEqual(new Set(['alice']))
}

/** The refresh token is where the application keeps it; over HTTP it is used without a browser. */
function rotating(host: OidcHost, area: 'localStorage' | 'sessionStorage'): Recipe {
  const { origin } = new URL(site.appUrl(host))
  const item = `oidc.user:${site.issuer}:${host}`
  interface Tokens {
    readonly refresh_token: string
    readonly expires_in: number
  }
  return oidcRecipe(site, host, {
    async rotate({ http, getItem, setItem }) {
      const user = JSON.parse(getItem(origin, item, area) ?? '{}') as Tokens
      const { expires_in, ...tokens } = await http
        .post(site.tokenUrl, {
          form: { grant_type: 'refresh_token', refresh_token: user.refresh_token, client_id: host },
        })
        .json<Tokens>()
      const expires_at = Math.floor(Date.now() / 1000) + expires_in
      setItem(origin, item, JSON.stringify({ ...user, ...tokens, expires_at }), area)
      return 'issued'
    },
    async signOut({ http, getItem }) {
      const { refresh_token } = JSON.parse(getItem(origin, item, area) ?? '{}') as Tokens
      await http.post(site.revocationUrl, { form: { token: refresh_token, client_id: host } })
    },
  })
}

describe.each([
  ['app.test', 'sessionStorage'],
  ['kept.test', 'localStorage'],
] as const)('a single-page application of OpenID Connect: %s, tokens in %s', (host, area) => {
  let store: Store
  beforeAll(async () => {
    store = newStore()
    await using session = await vaultOn(store).open(oidcRecipe(site, host))
    expect(session.headerRules.map(({ header, source }) => [header, source.from])).toEqual([
      ['Authorization', area],
    ])
    expect(await counted(site, () => askMuch(session))).toEqual({ codes: 0, refreshes: 0, revoked: 0 })
  })

  test('its page renews the tokens, once for all callers, and another vault goes on', async () => {
    await using session = await vaultOn(store).open(oidcRecipe(site, host), { login: 'never' })
    site.expireAccessTokens()
    expect(await counted(site, () => askMuch(session))).toEqual({ codes: 0, refreshes: 1, revoked: 0 })
    await session.save()

    // It knows of the first one only what stands in the store: the refresh token of the login is spent.
    await using other = await vaultOn(store).open(oidcRecipe(site, host), { login: 'never' })
    site.expireAccessTokens()
    expect(await counted(site, () => askMuch(other, session))).toEqual({ codes: 0, refreshes: 1, revoked: 0 })
    expect([other.epoch, session.epoch]).toEqual([3, 3])
  })

  test('its refresh token is rotated over HTTP, taken back by the page, and given up at the end', async () => {
    const recipe = rotating(host, area)
    const noBrowser = { executablePath: '/nowhere/chromium' }
    await using other = await vaultOn(store, noBrowser).open(recipe, { login: 'never' })
    await using session = await vaultOn(store).open(recipe, { login: 'never' })
    const { epoch } = session
    for (let turn = 1; turn <= 2; turn++) {
      site.expireAccessTokens()
      expect(await counted(site, () => askMuch(other, session))).toEqual({
        codes: 0,
        refreshes: 1,
        revoked: 0,
      })
    }
    expect(session.epoch).toBe(epoch + 2)

    // The page wears what was rotated without it: it goes on from there, too, and so do the clients after it.
    site.expireAccessTokens()
    const byPage = await counted(site, () =>
      session.browse(async (page) => {
        await page.goto(site.appUrl(host))
        await page.getByText('Signed in as alice').waitFor()
      }),
    )
    expect(byPage).toEqual({ codes: 0, refreshes: 1, revoked: 0 })
    expect(await counted(site, () => askMuch(session))).toEqual({ codes: 0, refreshes: 0, revoked: 0 })

    expect(await counted(site, () => session.signOut())).toMatchObject({ revoked: 1 })
    await expect(vaultOn(store).open(recipe, { login: 'never' })).rejects.toThrow(NotSignedInError)
  })
})

test('tokens that the page renews every second, also while its login is being proven, are never out of date at home', async () => {
  // Strangers are asked for after the capture: one is refused only when the page has renewed its tokens once more.
  const atOnce = site.api.beforeRefusal
  site.api.beforeRefusal = () => {
    site.api.beforeRefusal = atOnce
    return site.nextRefresh()
  }
  const store = newStore()
  const inLogin = await counted(site, () =>
    vaultOn(store)
      .open(oidcRecipe(site, 'busy.test'))
      .then((session) => session.close()),
  )
  expect(inLogin.refreshes).toBeGreaterThan(0)
  await using session = await vaultOn(store).open(oidcRecipe(site, 'busy.test'), { login: 'never' })
  for (let turn = 1; turn <= 2; turn++) {
    site.expireAccessTokens()
    // The refresh token that was saved is not spent: shown twice, it would have ended the grant.
    const { codes, revoked } = await counted(site, () => askMuch(session))
    expect({ codes, revoked }).toEqual({ codes: 0, revoked: 0 })
  }
})
