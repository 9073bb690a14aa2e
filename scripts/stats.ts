import type { VaultStats } from '../src/index.ts'
import type { Call } from './terminal/call.ts'
import { exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { counted, isoTime, localTime } from './vault/facts.ts'
import { openVault } from './vault/open-vault.ts'

/** What stands in the store, counted. One that does not open makes the exit code 5, as in `list`. */
export async function stats(call: Call): Promise<number> {
  const found = await (await openVault(call)).stats({ signal: call.signal })
  const { oldest, nextToDie, ...counts } = found
  await call.screen.data({
    ...counts,
    oldest: oldest === undefined ? null : { name: oldest.name, savedAt: isoTime(oldest.savedAt) },
    nextToDie: nextToDie === undefined ? null : { ...nextToDie, diesAt: isoTime(nextToDie.diesAt) },
  })
  await call.screen.result(inWords(found).join('\n'))
  return found.unreadable.length > 0 ? exitCodes.store : exitCodes.ok
}

function inWords({ byStanding, oldest, nextToDie, ...counts }: VaultStats): string[] {
  const { verified, candidate, suspect, dead } = byStanding
  const time = (ms: number): string => localTime(isoTime(ms) ?? '')
  return [
    `${counted(counts.sessions, 'session')}, ${counted(counts.bytes, 'byte')} sealed`,
    `  stand        ${String(verified)} verified, ${String(candidate)} candidate, ${String(suspect)} suspect, ${String(dead)} dead`,
    `  ended        ${String(counts.expired)}`,
    `  quarantined  ${String(counts.quarantined)}`,
    ...(oldest === undefined
      ? []
      : [`  oldest       ${printable(oldest.name)}, saved ${time(oldest.savedAt)}`]),
    ...(nextToDie === undefined
      ? []
      : [
          `  next to die  ${printable(nextToDie.name)}, ${time(nextToDie.diesAt)} (${printable(nextToDie.because)})`,
        ]),
    ...counts.unreadable.map(({ name, defect }) => `  ${printable(name)} does not open (${defect})`),
  ]
}
