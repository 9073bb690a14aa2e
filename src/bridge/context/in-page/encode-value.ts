/**
 * Writes a value read out of IndexedDB as JSON in the form that Playwright's storage state uses, so that Playwright
 * can load it: plain JSON stays as it is, everything else is written with the tags that `decodeValue` lists.
 * Runs in a page.
 * @throws Error, whose message names the type, for what the form has no tag for (Blob, CryptoKey, DataView …).
 */
export function encodeValue(root: unknown): { plain: boolean; encoded: unknown } {
  const found = { special: false }
  const seen = new Map<object, number>()
  const maxDepth = 100
  const arrays: Record<string, string> = {
    Int8Array: 'i8',
    Uint8Array: 'ui8',
    Uint8ClampedArray: 'ui8c',
    Int16Array: 'i16',
    Uint16Array: 'ui16',
    Int32Array: 'i32',
    Uint32Array: 'ui32',
    Float32Array: 'f32',
    Float64Array: 'f64',
    BigInt64Array: 'bi64',
    BigUint64Array: 'bui64',
  }
  const base64 = (bytes: Uint8Array): string => {
    let binary = ''
    for (let at = 0; at < bytes.length; at += 0x8000)
      binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
    return btoa(binary)
  }
  const special = (encoded: unknown): unknown => {
    found.special = true
    return encoded
  }
  const container = (value: object, write: (id: number) => unknown): unknown => {
    const known = seen.get(value)
    if (known !== undefined) return special({ ref: known }) // shared or cyclic
    const id = seen.size + 1
    seen.set(value, id)
    return write(id)
  }
  const encode = (value: unknown, depth: number): unknown => {
    if (depth > maxDepth) throw new Error(`nesting deeper than ${String(maxDepth)}`)
    if (value === null) return { v: 'null' }
    if (typeof value === 'string' || typeof value === 'boolean') return value
    if (typeof value === 'undefined') return special({ v: 'undefined' })
    if (typeof value === 'bigint') return special({ bi: String(value) })
    if (typeof value === 'number') {
      if (Number.isFinite(value) && !Object.is(value, -0)) return value
      return special({ v: value === 0 ? '-0' : String(value) })
    }
    if (typeof value === 'object') return encodeObject(value, depth + 1)
    throw new Error(typeof value)
  }
  const encodeObject = (value: object, depth: number): unknown => {
    const tag = Object.prototype.toString.call(value).slice(8, -1)
    if (ArrayBuffer.isView(value)) {
      const kind = arrays[tag]
      if (kind === undefined) throw new Error(tag)
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      return special({ ta: { b: base64(bytes), k: kind } })
    }
    switch (tag) {
      case 'Array': {
        const list = value as unknown[]
        if (Object.keys(list).some((key) => !/^\d+$/.test(key)))
          throw new Error('Array with named properties')
        return container(value, (id) => ({ a: Array.from(list, (item) => encode(item, depth)), id }))
      }
      case 'Object':
        return container(value, (id) => ({
          o: Object.entries(value as Record<string, unknown>).map(([k, item]) => ({
            k,
            v: encode(item, depth),
          })),
          id,
        }))
      case 'Map': {
        const entries = [...(value as Map<unknown, unknown>)]
        return container(value, (id) =>
          special({ m: entries.map(([k, v]) => ({ k: encode(k, depth), v: encode(v, depth) })), id }),
        )
      }
      case 'Set': {
        const items = [...(value as Set<unknown>)]
        return container(value, (id) => special({ s: items.map((item) => encode(item, depth)), id }))
      }
      case 'Date': {
        const date = value as Date
        if (Number.isNaN(date.getTime())) throw new Error('invalid Date')
        return special({ d: date.toJSON() })
      }
      case 'RegExp': {
        const { source, flags } = value as RegExp
        return special({ r: { p: source, f: flags } })
      }
      case 'ArrayBuffer':
        return special({ ab: { b: base64(new Uint8Array(value as ArrayBuffer)) } })
      case 'Error': {
        const { name, message, stack = '' } = value as Error
        return special({ e: { n: name, m: message, s: stack } })
      }
      default:
        throw new Error(tag)
    }
  }
  const encoded = encode(root, 0)
  return { plain: !found.special, encoded }
}
