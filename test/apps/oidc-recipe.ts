import { defineRecipe, type Recipe } from '../../src/index.ts'
import type { OidcHost, OidcSite } from '../site/oidc.ts'

/** Presses, types, agrees: the rest is found out. */
export function oidcRecipe(site: OidcSite, host: OidcHost, fields: Partial<Recipe> = {}): Recipe {
  return defineRecipe({
    name: host,
    url: site.appUrl(host),
    domains: ['idp.test'],
    async login(page, { secret }) {
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByPlaceholder('Enter any login').fill(await secret('username'))
      await page.getByPlaceholder('and password').fill(await secret('password'))
      await page.getByRole('button', { name: 'Sign-in' }).click()
      await page.getByRole('button', { name: 'Continue' }).click()
    },
    ...fields,
  })
}

/** What the provider counts while something is done. */
export async function counted(site: OidcSite, work: () => Promise<unknown>): Promise<OidcSite['counters']> {
  const before = { ...site.counters }
  await work()
  const { codes, refreshes, revoked } = site.counters
  return {
    codes: codes - before.codes,
    refreshes: refreshes - before.refreshes,
    revoked: revoked - before.revoked,
  }
}
