import type { Browser } from 'playwright'
import {
  createVault,
  defineRecipe,
  generateKey,
  memoryStore,
  type Recipe,
  type Session,
  type Vault,
  type VaultOptions,
} from '../../src/index.ts'
import { launchChromium } from './chromium.ts'
import { rulesApp, type Design, type RulesApp } from './rules-app.ts'
import { startShop, type Shop } from './shop.ts'

/** One shop and one browser for the small applications of a test file, and a vault for their sessions. */
export interface RulesStage {
  readonly shop: Shop
  readonly browser: Browser
  readonly vault: Vault
  /** Another one, with a store of its own. */
  vaultWith(options: Partial<VaultOptions>): Vault
  app(host: string, design: Design): RulesApp
  /** Presses the login page's only button. */
  recipe(app: RulesApp, fields?: Partial<Recipe>): Recipe
  /** Lets the application run in a page that wears the session, until it says that it is done. */
  visit(app: RulesApp, session: Session): Promise<void>
  close(): Promise<void>
}

export async function rulesStage(): Promise<RulesStage> {
  const shop = await startShop()
  const browser = await launchChromium(shop)
  const vaultWith = (options: Partial<VaultOptions>): Vault =>
    createVault({
      ...{ store: memoryStore(), key: generateKey(), browser: { browser } },
      http: { lookup: shop.lookup, ca: shop.ca },
      ...options,
    })
  return {
    ...{ shop, browser, vaultWith, vault: vaultWith({}) },
    app: (host, design) => rulesApp(shop, host, design),
    recipe: (app, fields) =>
      defineRecipe({
        name: new URL(app.origin).hostname,
        url: app.url('/login'),
        async login(page) {
          await page.getByRole('button', { name: 'Sign in' }).click()
        },
        ...fields,
      }),
    visit: (app, session) =>
      session.browse(async (page) => {
        await page.goto(app.url('/app'))
        await page.waitForFunction(() => document.title === 'ready')
      }),
    async close() {
      await browser.close()
      await shop.close()
    },
  }
}
