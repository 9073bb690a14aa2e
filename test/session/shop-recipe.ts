import { defineRecipe, type LoginTools, type Recipe } from '../../src/index.ts'
import type { Page } from 'playwright'
import type { ShopFront } from '../site/address.ts'

/** How a user signs in to the shop, for recipes of tests that are not about the login. */
export async function fillLogin(page: Page, { secret }: Pick<LoginTools, 'secret'>): Promise<void> {
  await page.getByLabel('Email').fill(await secret('email'))
  await page.getByLabel('Password').fill(await secret('password'))
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** A recipe of the shop; `fields` win. */
export function shopRecipe(shop: Pick<ShopFront, 'url'>, fields: Partial<Recipe> = {}): Recipe {
  return defineRecipe({ name: 'shop', url: shop.url('shop.test', '/login'), login: fillLogin, ...fields })
}
