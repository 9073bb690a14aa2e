import { forecast, sanitize } from '../src/index.ts'
import { readState, sayReport, type ReadingOptions } from './formats/format-options.ts'
import { readInputFile } from './formats/input-file.ts'
import type { Call } from './terminal/call.ts'
import { CommandError, exitCodes } from './terminal/exit-codes.ts'
import { countKept, deathInWords, droppedInWords, isoTime, keptInWords } from './vault/facts.ts'
import { fullName, openVault } from './vault/open-vault.ts'
import type { CommonOptions } from './vault/settings.ts'

export interface ImportOptions extends CommonOptions, ReadingOptions {
  readonly force?: boolean
  readonly trackers: 'drop' | 'keep'
}

/** Puts the state of a file into the vault, through the gate as a login's, under a name that is free. */
export async function importSession(call: Call<ImportOptions>, path: string, text: string): Promise<number> {
  const { options, screen } = call
  const name = fullName(text)
  const file = await readInputFile(path, call.signal)
  const { state: read, report, from } = readState(file, options)
  const { state, dropped } = sanitize(read, { trackers: options.trackers })
  sayReport(screen, file.place, report)
  const kept = countKept(state)
  if (kept.cookies + kept.storageKeys === 0) {
    throw new CommandError(
      'state-invalid',
      exitCodes.other,
      `Nothing was imported: ${file.place} (${from}) holds nothing that could be kept; dropped ${droppedInWords(dropped)}.`,
    )
  }
  const vault = await openVault(call, { createKey: true })
  if (options.force !== true && (await vault.list()).includes(name)) {
    throw new CommandError(
      'refused',
      exitCodes.refused,
      `There is a session ${name} already: give this one another name, or replace that one with --force.`,
    )
  }
  await vault.put(name, { state })
  const { diesAt, because } = forecast(state)
  const life = { diesAt: isoTime(diesAt), because }
  await screen.data({ name, from, kept, dropped, report, ...life })
  await screen.result(
    `${name}  imported from ${from} · kept ${keptInWords(kept)} · dropped ${droppedInWords(dropped)} · ${deathInWords(life)}`,
  )
  return exitCodes.ok
}
