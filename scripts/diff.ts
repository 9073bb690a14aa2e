import { existsSync } from 'node:fs'
import type { SessionState } from '../src/index.ts'
import { compareStates, type Difference } from './formats/compare.ts'
import { readState, sayReport, type ReadingOptions } from './formats/format-options.ts'
import { readInputFile } from './formats/input-file.ts'
import type { Call } from './terminal/call.ts'
import { CommandError, exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { counted } from './vault/facts.ts'
import { fullName, openVault, readSession } from './vault/open-vault.ts'
import type { CommonOptions } from './vault/settings.ts'

export interface DiffOptions extends CommonOptions, ReadingOptions {}

const signs = { added: '+', removed: '-', changed: '~' } as const

/** What is in one state and not, or not so, in the other. A value is only ever equal or not. */
export async function diff(call: Call<DiffOptions>, a: string, b: string): Promise<number> {
  if (a === '-' && b === '-')
    throw new CommandError('usage', exitCodes.other, 'Only one of the two can be read from stdin.')
  const { equal, differences } = compareStates(await stateOf(call, a), await stateOf(call, b))
  await call.screen.data({ equal, differences })
  await call.screen.result([...differences.map(lineOf), summary(equal, differences)].join('\n'))
  return exitCodes.ok
}

/** A file where there is one of that name, else a stored session. */
async function stateOf(call: Call<DiffOptions>, text: string): Promise<SessionState> {
  if (text !== '-' && !existsSync(text))
    return (await readSession(await openVault(call), fullName(text))).snapshot.state
  const file = await readInputFile(text, call.signal)
  const { state, report } = readState(file, call.options)
  sayReport(call.screen, file.place, report)
  return state
}

function lineOf({ change, kind, name, where, fields }: Difference): string {
  const how = fields.length === 0 ? '' : `  (${printable(fields.join(', '))})`
  return `${signs[change]} ${kind} ${printable(name, 60)}  ${printable(where)}${how}`
}

function summary(equal: number, differences: readonly Difference[]): string {
  if (differences.length === 0) return `${counted(equal, 'item')} equal, nothing differs`
  const count = (change: Difference['change']): string =>
    `${String(differences.filter((one) => one.change === change).length)} ${change}`
  return `${count('added')}, ${count('removed')}, ${count('changed')}, ${String(equal)} equal`
}
