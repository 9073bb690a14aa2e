import { keptOrigin } from '../../state/kept-values.ts'
import type { Report, ReportItem } from '../../state/report.ts'
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
  if (format.name === 'sessionbridge') return format.format(state, { url })
  const { open, report } = withoutKept(state)
  const written = format.format(open, { url })
  return report.length === 0 ? written : { ...written, report: [...written.report, ...report] }
}

/** What header rules keep stands under an origin that does not exist: other programs would only have a secret more. */
function withoutKept(state: SessionState): { readonly open: SessionState; readonly report: Report } {
  const kept = state.origins.find(({ origin }) => origin === keptOrigin)
  if (kept === undefined) return { open: state, report: [] }
  const report = kept.localStorage.map(({ name }): ReportItem => ({
    ...{ kind: 'localStorage', name, where: keptOrigin, reason: 'unsupported' },
    rule: 'not written: kept for header rules, which only sessionbridge has',
  }))
  return { open: { ...state, origins: state.origins.filter((origin) => origin !== kept) }, report }
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
