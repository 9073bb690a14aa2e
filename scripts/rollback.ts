import type { Call } from './terminal/call.ts'
import { exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { fullName, openVault } from './vault/open-vault.ts'

/** Makes an earlier generation the newest again; every process that has the session open takes it over. */
export async function rollback(call: Call, text: string, version: string | undefined): Promise<number> {
  const vault = await openVault(call)
  const { name, to, epoch } = await vault.rollback(fullName(text), version)
  await call.screen.data({ name, to, epoch })
  await call.screen.result(
    `${printable(name)}  generation ${String(to.generation)} of epoch ${String(to.epoch)} is the newest again, ` +
      `as epoch ${String(epoch)}; "sessionbridge check ${printable(name)}" asks the server whether it takes it`,
  )
  return exitCodes.ok
}
