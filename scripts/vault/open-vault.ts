import { createVault, generateKey, type Snapshot, type Vault, type VaultOptions } from '../../src/index.ts'
import type { Call } from '../terminal/call.ts'
import { CommandError, exitCodes } from '../terminal/exit-codes.ts'
import { openLog } from '../terminal/log.ts'
import { createKeyFile, findKeys } from './sealing-key.ts'
import { storePlace, type StorePlace } from './store-place.ts'

export interface VaultWishes extends Pick<VaultOptions, 'browser' | 'http' | 'policy' | 'screenshots'> {
  /** Make a key file beside the store when there is neither a key nor anything sealed with one; default false. */
  readonly createKey?: boolean
  /** Show the steps of a login as progress; default false. */
  readonly steps?: boolean
}

/** The vault that the common options name. Throws `CommandError` with exit code 5 when its key is not at hand. */
export async function openVault(call: Call, wishes: VaultWishes = {}): Promise<Vault> {
  const { createKey = false, steps = false, ...options } = wishes
  const place = storePlace(call.options)
  const store = place.open()
  const { keyFile } = call.options
  const keys =
    (await findKeys({ keyFile, ownKeyFile: place.ownKeyFile, env: process.env })) ??
    (await newKeys(call, place, await store.list(), createKey))
  return createVault({
    ...options,
    store,
    key: keys,
    logger: await openLog(call.screen, { verbose: call.options.verbose === true, steps }),
  })
}

async function newKeys(
  call: Call,
  { shown, ownKeyFile }: StorePlace,
  stored: readonly string[],
  create: boolean,
): Promise<string[]> {
  if (stored.length > 0) {
    // A new key would open none of them, and the next capture would look as if they had been lost.
    throw new CommandError(
      'key-invalid',
      exitCodes.store,
      `The store ${shown} holds ${String(stored.length)} sealed sessions, and their key is not at hand: set ` +
        `SESSIONBRIDGE_KEY or give --key-file${ownKeyFile === undefined ? '' : ` (looked for ${ownKeyFile} too)`}.`,
    )
  }
  const key = generateKey()
  if (!create) return [key] // nothing is stored: any key opens it
  if (ownKeyFile === undefined) {
    throw new CommandError(
      'key-invalid',
      exitCodes.store,
      'Sessions in Redis are sealed with a key that all share: make one with "sessionbridge keygen" and set SESSIONBRIDGE_KEY.',
    )
  }
  const keys = await createKeyFile(ownKeyFile, key)
  call.screen.note(`New sealing key in ${ownKeyFile} (keep it: without it nothing opens)`)
  return keys
}

/** A session's full name: `shop` means `shop/default`. Throws `CommandError` for nonsense. */
export function fullName(text: string): string {
  if (!/^[^\p{Cc}]{1,200}$/u.test(text) || text.startsWith('/') || text.endsWith('/')) {
    throw new CommandError('usage', exitCodes.other, 'A session is named recipe/account, such as shop/alice.')
  }
  return text.includes('/') ? text : `${text}/default`
}

/** A stored session as it stands. Throws `CommandError` that lists what there is, when it is not there. */
export async function readSession(
  vault: Vault,
  name: string,
): Promise<{ snapshot: Snapshot; bytes: number }> {
  return (await vault.peek(name)) ?? unknownSession(name, await vault.list())
}

export function unknownSession(name: string, stored: readonly string[]): never {
  const known = stored.length === 0 ? 'nothing is stored yet' : `stored are ${stored.slice(0, 20).join(', ')}`
  throw new CommandError(
    'not-signed-in',
    exitCodes.other,
    `There is no stored session ${name}; ${known}. Make one with "sessionbridge capture".`,
  )
}
