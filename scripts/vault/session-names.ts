import type { Call } from '../terminal/call.ts'
import { openVault } from './open-vault.ts'
import { storePlace } from './store-place.ts'

/** Names of the stored sessions, sorted; without a key where the store tells them without one. */
export async function storedNames(call: Call): Promise<string[]> {
  const place = storePlace(call.options)
  if (place.needsKeyForNames) return [...(await (await openVault(call)).list())].sort()
  const names = await place.open().list()
  return names.filter((name) => !name.startsWith('~')).sort() // those stand beside the sessions
}
