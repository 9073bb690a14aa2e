import { hasControlCharacter, maxAttributeBytes, maxNameValueBytes } from '../../policy/cookie-rules.ts'
import type { Reason } from '../../state/report.ts'
import { bytesOfLine, textOfBytes } from './byte-text.ts'

/** A Set-Cookie line, taken apart but not yet judged against the response it came with. */
export interface CookieLine {
  readonly name: string
  readonly value: string
  readonly domain?: string
  readonly path?: string
  readonly expires?: string
  readonly maxAge?: string
  readonly sameSite?: string
  readonly priority?: string
  readonly secure: boolean
  readonly httpOnly: boolean
  readonly partitioned: boolean
}

/** A line that is no cookie to Chromium. */
export interface LineDefect {
  readonly name: string
  readonly reason: Reason
  readonly rule: string
}

/**
 * Takes a Set-Cookie line apart as Chromium's `ParsedCookie` does: the first `=` before the first `;` ends the name, a
 * line without it is a value without name, spaces and tabs around tokens go, of several equal attributes the last
 * counts, an attribute over 1,024 bytes is not there, and a control character anywhere spoils the line.
 */
export function parseCookieLine(line: string): CookieLine | LineDefect {
  const bytes = bytesOfLine(line)
  const end = endOfPart(bytes, 0)
  const equals = bytes.indexOf('=')
  const hasName = equals !== -1 && equals < end
  const name = hasName ? trimmed(bytes, 0, equals) : ''
  const value = trimmed(bytes, hasName ? equals + 1 : 0, end)
  const defect = lineDefect(bytes, name, value)
  if (defect !== undefined) return { name: textOfBytes(name), ...defect }
  const parsed: { -readonly [K in keyof CookieLine]: CookieLine[K] } = {
    name: textOfBytes(name),
    value: textOfBytes(value),
    secure: false,
    httpOnly: false,
    partitioned: false,
  }
  for (let from = end + 1; from <= bytes.length;) {
    const to = endOfPart(bytes, from)
    takeAttribute(parsed, bytes, from, to)
    from = to + 1
  }
  return parsed
}

/** One pass over the octets: attributes are read where they stand, of equal ones the last counts. */
function takeAttribute(
  parsed: { -readonly [K in keyof CookieLine]: CookieLine[K] },
  bytes: string,
  from: number,
  to: number,
): void {
  const [key, text] = attributeOf(bytes, from, to)
  if (text.length > maxAttributeBytes) return
  switch (key) {
    case 'secure':
      parsed.secure = true
      return
    case 'httponly':
      parsed.httpOnly = true
      return
    case 'partitioned':
      parsed.partitioned = true
      return
    case 'domain':
    case 'path':
    case 'expires':
    case 'priority':
      parsed[key] = textOfBytes(text)
      return
    case 'max-age':
      parsed.maxAge = textOfBytes(text)
      return
    case 'samesite':
      parsed.sameSite = textOfBytes(text)
      return
    default:
  }
}

function attributeOf(bytes: string, from: number, to: number): readonly [key: string, text: string] {
  const equals = bytes.indexOf('=', from)
  if (equals === -1 || equals >= to) return [trimmed(bytes, from, to).toLowerCase(), '']
  return [trimmed(bytes, from, equals).toLowerCase(), trimmed(bytes, equals + 1, to)]
}

function lineDefect(line: string, name: string, value: string): Omit<LineDefect, 'name'> | undefined {
  if (name === '' && value === '') return { reason: 'malformed', rule: 'neither name nor value' }
  if (name.length + value.length > maxNameValueBytes)
    return { reason: 'too-big', rule: `name and value over ${String(maxNameValueBytes)} bytes` }
  // Tabs around a token are none of it; most lines have no control character in the first place.
  if (hasControlCharacter(line) && tokensOf(line, name, value).some(hasControlCharacter))
    return { reason: 'malformed', rule: 'control character' }
  if (name === '' && value.includes('='))
    return { reason: 'malformed', rule: 'no name, and a value that would read as name=value' }
  return undefined
}

function tokensOf(line: string, name: string, value: string): string[] {
  const parts = line.split(';').slice(1)
  return [name, value, ...parts.flatMap((part) => attributeOf(part, 0, part.length))]
}

function endOfPart(bytes: string, from: number): number {
  const end = bytes.indexOf(';', from)
  return end === -1 ? bytes.length : end
}

/** Space and tab only: JavaScript's own trim would eat octet A0, which is a part of many UTF-8 characters. */
function trimmed(bytes: string, start: number, end: number): string {
  let [from, to] = [start, end]
  while (from < to && isBlank(bytes.charCodeAt(from))) from++
  while (to > from && isBlank(bytes.charCodeAt(to - 1))) to--
  return bytes.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
