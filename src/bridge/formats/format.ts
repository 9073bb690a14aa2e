import type { Report } from '../../state/report.ts'
import type { SessionState } from '../../state/state.ts'
import type { Input } from './input.ts'
import type { ReportSink } from '../parse/report-sink.ts'

export type FormatName =
  | 'sessionbridge'
  | 'playwright'
  | 'netscape'
  | 'cookie-editor'
  | 'puppeteer'
  | 'selenium'
  | 'tough-cookie'
  | 'cdp'
  | 'har'
  | 'cookie-header'
  | 'curl'
  | 'wget'
  | 'document-cookie'

/** One way in which others write down what a session is. */
export interface Format {
  readonly name: FormatName
  /** As people call it, for reports. */
  readonly title: string
  /** The text does not say to which site it belongs: reading it needs a URL. */
  readonly readsWithUrl: boolean
  /** It holds what is sent to one URL: writing it needs a URL. */
  readonly writesForUrl: boolean
  /** Whether the input looks like this format; asked in the order of the table. */
  detect(input: Input): boolean
  /** Throws `StateInvalidError` when the input is nothing of the kind; the rest is reported. */
  parse(input: Input, reading: Reading): SessionState
  /** Reports each thing that the format cannot express. */
  format(state: SessionState, writing: Writing): Formatted
}

export interface Reading {
  readonly url: URL | undefined
  readonly report: ReportSink
}

export interface Writing {
  readonly url: URL | undefined
}

export interface Formatted {
  readonly text: string
  readonly report: Report
}

export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
