import {
  detectFormat,
  listFormats,
  parseState,
  type FormatName,
  type Report,
  type SessionState,
} from '../../src/index.ts'
import { CommandError, exitCodes } from '../terminal/exit-codes.ts'
import { printable, type Screen } from '../terminal/screen.ts'
import type { InputFile } from './input-file.ts'

/** Options of the sub-commands that read a file of any format. */
export interface ReadingOptions {
  readonly from?: string
  readonly url?: string
}

export interface ReadState {
  readonly state: SessionState
  readonly report: Report
  readonly from: FormatName
}

/** The state in a file. Throws `CommandError` for options that are wrong, `StateInvalidError` when there is none. */
export function readState(file: InputFile, options: ReadingOptions): ReadState {
  const url = webTarget(options.url)
  const from =
    options.from === undefined || options.from === 'auto'
      ? detectFormat(file.text)
      : formatOption('--from', options.from)
  const facts = listFormats().find(({ name }) => name === from)
  if (facts?.readsWithUrl === true && url === undefined) {
    throw new CommandError(
      'usage',
      exitCodes.other,
      `${file.place} looks like ${facts.title}, which does not say for which site it is: add --url https://….`,
    )
  }
  return { from, ...parseState(file.text, { from, ...(url !== undefined && { url }) }) }
}

/** What is written with `--to` and `--url`. */
export function targetFormat(to: string, url: string | undefined): { to: FormatName; url?: URL } {
  const name = formatOption('--to', to)
  const target = webTarget(url)
  const facts = listFormats().find((format) => format.name === name)
  if (facts?.writesForUrl === true && target === undefined) {
    throw new CommandError(
      'usage',
      exitCodes.other,
      `--to ${name} writes what is sent to one URL: say to which with --url https://….`,
    )
  }
  return { to: name, ...(target !== undefined && { url: target }) }
}

function formatOption(option: string, text: string): FormatName {
  const names = listFormats().map(({ name }) => name)
  const found = names.find((name) => name === text)
  if (found !== undefined) return found
  throw new CommandError(
    'usage',
    exitCodes.other,
    `There is no format "${printable(text)}"; ${option} takes ${names.join(', ')}.`,
  )
}

/** Never quoted: a query may hold a token. */
function webTarget(text: string | undefined): URL | undefined {
  if (text === undefined) return undefined
  const full = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `https://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url
  throw new CommandError('usage', exitCodes.other, '--url takes an http or https URL, or a host.')
}

/** What a file did not say well, line by line; the rest of many is counted. */
export function sayReport(screen: Screen, place: string, report: Report): void {
  const shown = 20
  for (const { where, name, reason, rule } of report.slice(0, shown)) {
    const what = name === '' ? '' : ` ${printable(name, 40)}`
    screen.note(
      `${place}: ${printable(where, 80)}${what}: ${reason}${rule === undefined ? '' : ` (${rule})`}`,
    )
  }
  if (report.length > shown) screen.note(`${place}: … and ${String(report.length - shown)} more`)
}
