import { StateInvalidError } from '../../errors.ts'
import { assertSize, parseJson } from '../parse/bounded-json.ts'

/** What is to be read: a text, or the value that was made from one. */
export interface Input {
  /** Without byte order mark; empty when a value was given. */
  readonly text: string
  /** Whether it is a value, or a text that begins as a JSON document does. */
  readonly isJson: boolean
  /** Parsed at first use. Throws `StateInvalidError`, without a word of the text. */
  json(): unknown
}

/** Size is looked at before anything else; `maxBytes` is counted in UTF-8. */
export function readInput(input: unknown, maxBytes: number): Input {
  if (typeof input !== 'string') return { text: '', isJson: true, json: () => input }
  assertSize(input, maxBytes)
  const text = input.startsWith('\ufeff') ? input.slice(1) : input
  let parsed: { value: unknown } | undefined
  return {
    text,
    // A line of a cookies.txt begins with a bracket when its host is an IPv6 address.
    isJson: /^\s*[[{]/.test(text) && !/^\s*\[[\da-f:.]+\]\t/i.test(text),
    json: () => (parsed ??= { value: parseJson(text) }).value,
  }
}

/** The text of a format that is no JSON. */
export function textOf(input: Input, title: string): string {
  if (input.text.trim() === '') throw new StateInvalidError(`there is no text that could be ${title}.`)
  return input.text
}

/** Lines without their ends, whatever system wrote them. */
export function linesOf(text: string): string[] {
  return text.split(/\r\n|\n|\r/)
}

/** Space and tab only, as cookies are trimmed, and in one pass over each end. */
export function trimBlanks(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** The first list that is one: the value itself, or one of its fields. */
export function firstList(...values: readonly unknown[]): readonly unknown[] | undefined {
  return values.find((value): value is unknown[] => Array.isArray(value))
}
