import { createVault, generateKey, memoryStore, type Vault, type VaultOptions } from '../../../src/index.ts'
import type { Shop } from '../../site/shop.ts'

/** A vault that reaches the site; no browser is there to be launched unless a test lends one. */
export function vaultAt(shop: Shop, options: Partial<VaultOptions> = {}): Vault {
  return createVault({
    store: memoryStore(),
    key: generateKey(),
    browser: { executablePath: '/no/browser/is/needed' },
    http: { lookup: shop.lookup, ca: shop.ca },
    ...options,
  })
}

/** An error with all that it holds, as a log would print it. */
export async function failureOf(work: Promise<unknown>): Promise<Error> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (outcome instanceof Error) return outcome
  throw new Error('it did not fail')
}
