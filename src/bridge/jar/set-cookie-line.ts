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
  const [first = '', ...rest] = bytes.split(';')
  const equals = first.indexOf('=')
  const name = trimBlanks(first.slice(0, Math.max(equals, 0)))
  const value = trimBlanks(first.slice(equals + 1))
  const pairs = rest.map(attributeOf)
  const defect = lineDefect(bytes, name, value, pairs)
  if (defect !== undefined) return { name: textOfBytes(name), ...defect }

  const attributes = new Map(pairs.filter(([, text]) => text.length <= maxAttributeBytes))
  return {
    name: textOfBytes(name),
    value: textOfBytes(value),
    ...textAttribute(attributes, 'domain', 'domain'),
    ...textAttribute(attributes, 'path', 'path'),
    ...textAttribute(attributes, 'expires', 'expires'),
    ...textAttribute(attributes, 'max-age', 'maxAge'),
    ...textAttribute(attributes, 'samesite', 'sameSite'),
    ...textAttribute(attributes, 'priority', 'priority'),
    secure: attributes.has('secure'),
    httpOnly: attributes.has('httponly'),
    partitioned: attributes.has('partitioned'),
  }
}

function lineDefect(
  line: string,
  name: string,
  value: string,
  attributes: readonly (readonly [key: string, text: string])[],
): Omit<LineDefect, 'name'> | undefined {
  if (name === '' && value === '') return { reason: 'malformed', rule: 'neither name nor value' }
  if (name.length + value.length > maxNameValueBytes)
    return { reason: 'too-big', rule: `name and value over ${String(maxNameValueBytes)} bytes` }
  // Tabs around a token are gone by now; most lines have none in the first place.
  if (hasControlCharacter(line) && [name, value, ...attributes.flat()].some(hasControlCharacter))
    return { reason: 'malformed', rule: 'control character' }
  if (name === '' && value.includes('='))
    return { reason: 'malformed', rule: 'no name, and a value that would read as name=value' }
  return undefined
}

function attributeOf(part: string): readonly [key: string, text: string] {
  const equals = part.indexOf('=')
  if (equals === -1) return [trimBlanks(part).toLowerCase(), '']
  return [trimBlanks(part.slice(0, equals)).toLowerCase(), trimBlanks(part.slice(equals + 1))]
}

function textAttribute<K extends string>(
  attributes: ReadonlyMap<string, string>,
  attribute: string,
  key: K,
): { readonly [key in K]?: string } {
  const text = attributes.get(attribute)
  return text === undefined ? {} : ({ [key]: textOfBytes(text) } as { readonly [key in K]: string })
}

/** Space and tab only: JavaScript's own trim would eat octet A0, which is a part of many UTF-8 characters. */
function trimBlanks(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
