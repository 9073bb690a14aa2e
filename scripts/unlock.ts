import type { Call } from './terminal/call.ts'
import { exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { fullName, openVault } from './vault/open-vault.ts'

/** Lifts what failed logins have brought about; a session that was never signed in to has a budget, too. */
export async function unlock(call: Call, text: string): Promise<number> {
  const name = fullName(text)
  await (await openVault(call)).unlock(name)
  await call.screen.data({ name, unlocked: true })
  await call.screen.result(`${printable(name)}  may be signed in to again, and used by pools`)
  return exitCodes.ok
}
