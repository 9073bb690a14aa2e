import type { Report } from '../state/report.ts'
import type { SessionState } from '../state/state.ts'
import type { FormatName } from './formats/format.ts'
import { detectIn, formatNamed } from './formats/formats.ts'
import { readInput } from './formats/input.ts'
import { readTarget } from './formats/target.ts'
import { maxStateBytes } from './parse/bounded-json.ts'
import { BoundedReport } from './parse/report-sink.ts'

export interface ParseOptions {
  /** Longest text that is read, in UTF-8 bytes; default 64 MiB. */
  readonly maxBytes?: number
  /** Default `auto`: found out by looking. */
  readonly from?: FormatName | 'auto'
  /** The site of a text that does not say it (`cookie-header`, `document-cookie`); a host means https. */
  readonly url?: string | URL
}

/**
 * Reads a session state in any form that we know, as text or as the value of its JSON: Playwright's storage state and
 * our own superset, cookies.txt, lists of cookies of other tools, HAR, and what a command or a header says. What is not
 * as it must be is left out or put right, and reported item by item; unknown fields of a cookie or an origin are kept. The
 * input is not changed and nothing of it is shared. Whether the cookies are any good is the gate's to say.
 *
 * @throws StateInvalidError when nothing of it is a state: of no known form, too large, too deep, or of an unknown site.
 * @throws TypeError for an unknown format or an unusable URL.
 */
export function parseState(
  input: unknown,
  options: ParseOptions = {},
): { state: SessionState; report: Report } {
  const { from = 'auto', maxBytes = maxStateBytes } = options
  const chosen = from === 'auto' ? undefined : formatNamed(from)
  const url = readTarget(options.url)
  const read = readInput(input, maxBytes)
  const report = new BoundedReport()
  const state = (chosen ?? detectIn(read)).parse(read, { url, report })
  return { state, report: report.items() }
}
