import { readState, sayReport, targetFormat, type ReadingOptions } from './formats/format-options.ts'
import { readInputFile } from './formats/input-file.ts'
import { assertOther, writePrivate } from './formats/output-file.ts'
import { writeFormat, type WritingOptions } from './formats/write-format.ts'
import type { Call } from './terminal/call.ts'
import { exitCodes } from './terminal/exit-codes.ts'
import { printable } from './terminal/screen.ts'
import { countKept, keptInWords } from './vault/facts.ts'
import type { CommonOptions } from './vault/settings.ts'

export interface ConvertOptions extends CommonOptions, ReadingOptions, WritingOptions {
  readonly out?: string
}

/** From one format to another; no store and no key. What is not read or not written is said on stderr. */
export async function convert(call: Call<ConvertOptions>, path: string): Promise<number> {
  const { options, screen } = call
  targetFormat(options.to, options.url)
  const file = await readInputFile(path, call.signal)
  await assertOther(options.out, file)
  const { state, report, from } = readState(file, options)
  sayReport(screen, file.place, report)
  const text = writeFormat(screen, state, options)
  if (options.out === undefined) {
    // The same under --json: what comes out is a document of its own.
    await screen.bytes(text)
    return exitCodes.ok
  }
  await writePrivate(options.out, text)
  const kept = countKept(state)
  await screen.data({ from, to: options.to, out: options.out, read: kept, report })
  await screen.result(
    `${printable(options.out)}  ${options.to}, from ${from} · read ${keptInWords(kept)} · readable by you alone`,
  )
  return exitCodes.ok
}
