import type { Report } from '../../state/report.ts'
import type { SessionState } from '../../state/state.ts'
import { maxStateBytes } from '../parse/bounded-json.ts'
import type { FormatName } from './format.ts'
import { detectIn, formatNamed, formatNames, formats } from './formats.ts'
import { readInput } from './input.ts'
import { readTarget } from './target.ts'

export interface FormatOptions {
  readonly to: FormatName
  /** For formats that hold what is sent to one URL (`cookie-header`, `curl`, `wget`, `document-cookie`); a host means https. */
  readonly url?: string | URL
}

/**
 * Writes a state in a format, secrets and all. The report names each thing that the format cannot express: reason
 * `unsupported`, and in `rule` the fields that are lost, or why it was not written at all.
 *
 * @throws TypeError for an unknown format, an unusable URL, or a missing one.
 */
export function formatState(state: SessionState, options: FormatOptions): { text: string; report: Report } {
  const format = formatNamed(options.to)
  const url = readTarget(options.url)
  if (format.writesForUrl && url === undefined)
    throw new TypeError(`${format.name} holds what is sent to one URL: the option url says to which`)
  return format.format(state, { url })
}

/** What can be said of a format beforehand. */
export interface FormatFacts {
  readonly name: FormatName
  readonly title: string
  readonly readsWithUrl: boolean
  readonly writesForUrl: boolean
}

/** The formats that `parseState` reads and `formatState` writes, our own first. */
export function listFormats(): FormatFacts[] {
  return formatNames.map((name) => {
    const { title, readsWithUrl, writesForUrl } =
      formats.find((one) => one.name === name) ?? formatNamed(name)
    return { name, title, readsWithUrl, writesForUrl }
  })
}

/**
 * Which format an input is in, as `parseState` finds it.
 *
 * @throws StateInvalidError when it is none.
 */
export function detectFormat(input: unknown, options: { readonly maxBytes?: number } = {}): FormatName {
  return detectIn(readInput(input, options.maxBytes ?? maxStateBytes)).name
}
