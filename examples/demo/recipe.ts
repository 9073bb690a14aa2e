import { createVault, defineRecipe, fileStore, type Recipe, type Vault } from 'sessionbridge'
import { shopAt } from '../../test/site/address.ts'
import type { Task } from './messages.ts'

/** How to sign in to the shop. Nothing here is about cookies, tokens or headers. */
export function shopRecipe(loginUrl: string): Recipe {
  return defineRecipe({
    name: 'shop',
    url: loginUrl,
    async login(page, { secret }) {
      await page.getByLabel('Email').fill(await secret('email'))
      await page.getByLabel('Password').fill(await secret('password'))
      await page.getByRole('button', { name: 'Sign in' }).click()
    },
  })
}

/** For a site on the internet, `store` and `key` are enough; the rest tells both clients where the test shop is. */
export function demoVault(task: Task): Vault {
  const shop = shopAt(task.shop)
  const { email, password } = shop.accounts.alice
  return createVault({
    store: fileStore(task.directory),
    key: task.key,
    secrets: { email, password },
    http: { lookup: shop.lookup, ca: shop.ca },
    browser: { args: shop.browserArgs },
  })
}
