import { StateInvalidError } from '../../errors.ts'

export const maxStateBytes = 64 * 1024 * 1024
/** IndexedDB records nest as deep as their page made them; nobody's go further than this. */
export const maxDepth = 200

/** An object of unknown content, without a prototype's say. */
export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A field of the object's own: `__proto__` in a file is no prototype. */
export function own(object: JsonObject, field: string): unknown {
  return Object.hasOwn(object, field) ? object[field] : undefined
}

/**
 * A deep copy of plain JSON. Throws `NotPlainJson` on anything else (functions, cycles, dates …) and on keys that would
 * change a prototype when somebody copies them naively.
 */
export function copyJson(value: unknown, depth = 0): unknown {
  if (depth > maxDepth) throw new NotPlainJson('nested too deep')
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (Array.isArray(value)) return value.map((entry) => copyJson(entry, depth + 1))
  if (!isObject(value)) throw new NotPlainJson('not JSON')
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw new NotPlainJson('a key named __proto__')
    if (value[key] !== undefined) copy[key] = copyJson(value[key], depth + 1)
  }
  return copy
}

export class NotPlainJson extends Error {}

/** Before anything looks at the text. Throws `StateInvalidError`. */
export function assertSize(text: string, maxBytes: number): void {
  if (text.length > maxBytes || (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes))
    throw new StateInvalidError(`it is larger than ${String(maxBytes)} bytes.`)
}

/** Depth is looked at before anything is parsed, and no error quotes the text. Throws `StateInvalidError`. */
export function parseJson(text: string): unknown {
  if (depthOf(text) > maxDepth)
    throw new StateInvalidError(`it is nested deeper than ${String(maxDepth)} levels.`)
  try {
    return JSON.parse(text)
  } catch {
    // JSON.parse quotes the text around the fault, which may be a cookie.
    throw new StateInvalidError('it is not JSON.')
  }
}

/** The deepest nesting of brackets outside strings, found without recursion. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // a string: on to its end
        at = stringEnd(text, at)
        break
      case 0x5b:
      case 0x7b:
        deepest = Math.max(deepest, ++depth)
        break
      case 0x5d:
      case 0x7d:
        depth--
        break
      default:
    }
  }
  return deepest
}

function stringEnd(text: string, quote: number): number {
  for (let at = quote + 1; ; at++) {
    at = text.indexOf('"', at)
    if (at === -1) return text.length
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++
    if (slashes % 2 === 0) return at
  }
}
