import { StateInvalidError } from '../../errors.ts'
import type { SessionState } from '../../state/state.ts'
import type { Format, Formatted, Reading, Writing } from './format.ts'
import type { Input } from './input.ts'
import { fromPairs, targetOf, toPairs, urlOf } from './request-cookies.ts'
import { shellWords } from './shell-words.ts'

/** Options as one writes them in a row. */
export const options = (text: string): string[] => text.split(' ')

/** A program that asks a URL, as far as its options matter to cookies. */
export interface Program {
  readonly name: 'curl' | 'wget'
  readonly title: string
  /** Options that take a value, without those below. */
  readonly valued: readonly string[]
  readonly header: readonly string[]
  readonly cookie: readonly string[]
  readonly url: readonly string[]
  /** Options that carry credentials which are no cookies, or name a file that holds cookies. */
  readonly elsewhere: Readonly<Record<string, string>>
}

/** Longest command that is taken apart, in UTF-16 units; shells themselves take no more than 2 MiB. */
const longestCommand = 2 * 1024 * 1024

/** The format of a program's commands; `write` makes one of a header line (or of none, '') and a URL. */
export function commandFormat(program: Program, write: (header: string, url: string) => string): Format {
  return {
    name: program.name,
    title: program.title,
    readsWithUrl: false,
    writesForUrl: true,
    detect: (input) => startsWith(input, program),
    parse: (input, reading) => fromCommand(input, program, reading),
    format: (state, writing) => toCommand(state, writing, program, write),
  }
}

function startsWith(input: Input, { name }: Program): boolean {
  return !input.isJson && new RegExp(`^\\s*(?:\\$\\s+)?(?:\\S*/)?${name}(?:\\.exe)?\\s`, 'i').test(input.text)
}

/** Cookies of a command line, with the URL that it asks. */
function fromCommand(input: Input, program: Program, reading: Reading): SessionState {
  const { title } = program
  if (input.text.length > longestCommand) throw new StateInvalidError(`it is too long to be ${title}.`)
  const words = shellWords(input.text.trim().replace(/^\$\s+/, '')).slice(1)
  const { urls, cookies, elsewhere } = readOptions(words, program)
  for (const rule of elsewhere)
    reading.report.push({ kind: 'cookie', name: '', where: title, reason: 'unsupported', rule })
  const url = urls.map(webUrl).find((found) => found !== undefined)
  return fromPairs(cookies, url ?? urlOf(reading, `${title} without a URL`), title, reading)
}

function toCommand(
  state: SessionState,
  { url }: Writing,
  { title }: Program,
  write: (header: string, url: string) => string,
): Formatted {
  const target = targetOf(url)
  const { text, report } = toPairs(state, target, title)
  return { text: `${write(text === '' ? '' : `Cookie: ${text}`, target.href)}\n`, report }
}

interface Said {
  readonly urls: string[]
  readonly cookies: string[]
  readonly elsewhere: string[]
}

function readOptions(words: readonly string[], program: Program): Said {
  const said: Said = { urls: [], cookies: [], elsewhere: [] }
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (!word.startsWith('-') || word === '-') {
      said.urls.push(word)
      continue
    }
    const { option, value } = optionOf(word, program)
    if (option === undefined) continue
    takeOption(option, value ?? words[++at] ?? '', program, said)
  }
  return said
}

/** The option in a word that takes a value, and the value if it is in the same word: `-b…`, `-sb …`, `--header=…`. */
function optionOf(word: string, program: Program): { option?: string; value?: string } {
  const takesValue = (option: string): boolean =>
    [program.valued, program.header, program.cookie, program.url].some((list) => list.includes(option)) ||
    Object.hasOwn(program.elsewhere, option)
  if (word.startsWith('--')) {
    const equals = word.indexOf('=')
    const option = equals === -1 ? word : word.slice(0, equals)
    if (!takesValue(option)) return {}
    return { option, ...(equals !== -1 && { value: word.slice(equals + 1) }) }
  }
  for (let at = 1; at < word.length; at++) {
    const option = `-${word[at] ?? ''}`
    if (takesValue(option)) return { option, ...(at + 1 < word.length && { value: word.slice(at + 1) }) }
  }
  return {}
}

function takeOption(option: string, value: string, program: Program, said: Said): void {
  const elsewhere = Object.hasOwn(program.elsewhere, option) ? program.elsewhere[option] : undefined
  if (elsewhere !== undefined) said.elsewhere.push(elsewhere)
  else if (program.url.includes(option)) said.urls.push(value)
  else if (program.cookie.includes(option)) {
    if (value.includes('=')) said.cookies.push(value)
    else said.elsewhere.push(`${option} names a file of cookies; read that file itself`)
  } else if (program.header.includes(option)) takeHeader(value, said)
}

function takeHeader(line: string, said: Said): void {
  const colon = line.indexOf(':')
  const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase()
  if (name === 'cookie') said.cookies.push(line.slice(colon + 1))
  else if (name === 'authorization' || name === 'proxy-authorization')
    said.elsewhere.push(`the header ${name} was left out: a state has no headers`)
}

/** curl and wget take an address without a scheme for http. */
function webUrl(text: string): URL | undefined {
  const full = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`
  if (!URL.canParse(full)) return undefined
  const url = new URL(full)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined
}
