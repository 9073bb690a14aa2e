import type { Call } from './terminal/call.ts'
import { exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { fullName, openVault } from './vault/open-vault.ts'

/** A copy of a session under another account's name: the same session of the same server. */
export async function clone(call: Call, text: string, account: string): Promise<number> {
  const from = fullName(text)
  const name = await (await openVault(call)).clone(from, account)
  await call.screen.data({ name, from })
  await call.screen.result(
    `${printable(name)}  a copy of ${printable(from)}, and the same session of the server`,
  )
  return exitCodes.ok
}
