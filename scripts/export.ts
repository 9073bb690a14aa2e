import { targetFormat } from './formats/format-options.ts'
import { writeFormat, type WritingOptions } from './formats/write-format.ts'
import type { Call } from './terminal/call.ts'
import { exitCodes } from './terminal/exit-codes.ts'
import { fullName, openVault, readSession } from './vault/open-vault.ts'
import type { CommonOptions } from './vault/settings.ts'

export interface ExportOptions extends CommonOptions, WritingOptions {}

/** The one sub-command whose result holds a session's secrets: it is asked for by name, and says so on a terminal. */
export async function exportSession(call: Call<ExportOptions>, text: string): Promise<number> {
  const { options, screen } = call
  const name = fullName(text)
  targetFormat(options.to, options.url)
  const { snapshot } = await readSession(await openVault(call), name)
  const written = writeFormat(screen, snapshot.state, options)
  if (process.stdout.isTTY)
    screen.note('These are the secrets of the session. Send them to a file: … > state.json')
  // The same under --json: an export is a document of its own.
  await screen.bytes(written)
  return exitCodes.ok
}
