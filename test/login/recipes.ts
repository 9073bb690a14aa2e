import type { LoginOptions } from '../../src/login/run-login.ts'
import { defineRecipe, type Recipe } from '../../src/login/recipe.ts'
import { chromiumPath } from '../site/chromium.ts'
import type { Shop } from '../site/shop.ts'

/** The login of the test shop, as a user would write it. */
export function passwordRecipe(shop: Shop, more: Partial<Recipe> = {}): Recipe {
  return defineRecipe({
    name: 'shop',
    url: shop.url('shop.test', '/login'),
    async login(page, { secret }) {
      await page.getByLabel('Email').fill(await secret('email'))
      await page.getByLabel('Password').fill(await secret('password'))
      await page.getByRole('button', { name: 'Sign in' }).click()
    },
    ...more,
  })
}

export function ssoRecipe(shop: Shop, more: Partial<Recipe> = {}): Recipe {
  return passwordRecipe(shop, {
    name: 'sso',
    url: shop.url('shop.test', '/sso'),
    domains: ['id.test'],
    ...more,
  })
}

/** What `runLogin` needs to reach the shop as `alice`. */
export async function atShop(shop: Shop, more: Partial<LoginOptions> = {}): Promise<LoginOptions> {
  return {
    account: 'alice',
    secrets: { ...shop.accounts.alice },
    browser: { executablePath: await chromiumPath(), args: shop.browserArgs },
    http: { lookup: shop.lookup, ca: shop.ca },
    ...more,
  }
}
