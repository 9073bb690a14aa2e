import type { Call } from './terminal/call.ts'
import { exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { table } from './terminal/table.ts'
import { isoTime, localTime } from './vault/facts.ts'
import { fullName, openVault, unknownSession } from './vault/open-vault.ts'

/** What has happened to a session, oldest first; also when it is gone. */
export async function events(call: Call, text: string): Promise<number> {
  const name = fullName(text)
  const vault = await openVault(call)
  const found = await vault.events(name)
  if (found.length === 0 && (await vault.peek(name)) === undefined) unknownSession(name, await vault.list())
  await call.screen.data({
    name,
    events: found.map(({ at, kind, epoch, why }) => ({
      at: isoTime(at),
      kind,
      epoch: epoch ?? null,
      why: why ?? null,
    })),
  })
  const rows = found.map(({ at, kind, epoch, why }) => [
    localTime(isoTime(at) ?? ''),
    kind,
    epoch === undefined ? '' : `epoch ${String(epoch)}`,
    why === undefined ? '' : printable(why, 160),
  ])
  await call.screen.result([printable(name), ...table('events', rows)].join('\n'))
  return exitCodes.ok
}
