import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKey } from '../../src/index.ts'
import { outfit } from '../site/outfit.ts'
import { startShop } from '../site/shop.ts'

/**
 * One shop, one key and one folder for all workers of a run. At the end it counts: however many workers and projects
 * there were, alice signed in once, and bob, who signs out in a test, twice.
 */
export default async function shopForDoors(): Promise<() => Promise<void>> {
  const shop = await startShop()
  const directory = await mkdtemp(join(tmpdir(), 'doors-'))
  const { alice, bob } = shop.accounts
  Object.assign(process.env, await outfit(shop, join(directory, 'outfit')), {
    SESSIONBRIDGE_KEY: generateKey(),
    SESSIONBRIDGE_STORE: join(directory, 'sessions'),
    SESSIONBRIDGE_SHOP_ALICE_EMAIL: alice.email,
    SESSIONBRIDGE_SHOP_ALICE_PASSWORD: alice.password,
    SESSIONBRIDGE_SHOP_BOB_EMAIL: bob.email,
    SESSIONBRIDGE_SHOP_BOB_PASSWORD: bob.password,
  })
  return async () => {
    const { logins } = shop.counters
    await shop.close()
    await rm(directory, { recursive: true, force: true })
    console.log(`logins in the whole run: ${String(logins)}`)
    if (logins !== 3) throw new Error(`there were ${String(logins)} logins instead of 3`)
  }
}
