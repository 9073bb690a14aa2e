import type { KeptGeneration } from '../src/index.ts'
import type { Call } from './terminal/call.ts'
import { exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { table } from './terminal/table.ts'
import { isoTime, localTime } from './vault/facts.ts'
import { fullName, openVault, unknownSession } from './vault/open-vault.ts'

/** The generations that are kept of a session, newest first: what `rollback` can go back to. */
export async function history(call: Call, text: string): Promise<number> {
  const name = fullName(text)
  const vault = await openVault(call)
  const generations = await vault.history(name)
  if (generations.length === 0) unknownSession(name, await vault.list())
  await call.screen.data({ name, generations: generations.map(factsOf) })
  await call.screen.result([printable(name), ...table('generations', generations.map(row))].join('\n'))
  return exitCodes.ok
}

function factsOf(one: KeptGeneration): object {
  return {
    version: one.version,
    newest: one.newest,
    epoch: one.epoch ?? null,
    generation: one.generation ?? null,
    standing: one.standing ?? null,
    savedAt: isoTime(one.savedAt ?? one.writtenAt),
    bytes: one.size,
    defect: one.defect ?? null,
  }
}

function row(one: KeptGeneration): string[] {
  const savedAt = isoTime(one.savedAt ?? one.writtenAt)
  const what =
    one.epoch === undefined
      ? `does not open (${one.defect ?? 'unknown'})`
      : `epoch ${String(one.epoch)}, generation ${String(one.generation)}, ${one.standing ?? ''}`
  return [
    one.version,
    savedAt === null ? '' : localTime(savedAt),
    `${String(one.size)} bytes`,
    one.newest ? `${what} · newest` : what,
  ]
}
