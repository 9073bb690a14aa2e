/**
 * The value that `encodeValue` or Playwright wrote. Tags: `v` undefined, null, NaN, ±Infinity, -0; `bi` bigint; `d`
 * Date; `u` URL (a string here: no database can hold a URL); `r` RegExp; `e` Error; `a` Array; `o` object; `m` Map;
 * `s` Set; `ta` typed array; `ab` ArrayBuffer; `ref` a container met before, by its `id`. Runs in a page.
 */
export function decodeValue(root: unknown): unknown {
  interface Tagged {
    ref?: number
    id?: number
    v?: string
    d?: string
    u?: string
    bi?: string
    e?: { n: string; m: string; s: string }
    r?: { p: string; f: string }
    a?: unknown[]
    o?: { k: string; v: unknown }[]
    m?: { k: unknown; v: unknown }[]
    s?: unknown[]
    ta?: { b: string; k: string }
    ab?: { b: string }
  }
  const constants: Record<string, unknown> = {
    null: null,
    NaN: NaN,
    Infinity: Infinity,
    '-Infinity': -Infinity,
    '-0': -0,
  }
  const arrays: Record<string, new (buffer: ArrayBuffer) => unknown> = {
    i8: Int8Array,
    ui8: Uint8Array,
    ui8c: Uint8ClampedArray,
    i16: Int16Array,
    ui16: Uint16Array,
    i32: Int32Array,
    ui32: Uint32Array,
    f32: Float32Array,
    f64: Float64Array,
    bi64: BigInt64Array,
    bui64: BigUint64Array,
  }
  const buffer = (base64: string): ArrayBuffer => {
    const binary = atob(base64)
    const bytes = new Uint8Array(binary.length)
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = binary.charCodeAt(at)
    return bytes.buffer
  }
  const met = new Map<number, unknown>()
  const decode = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    const tagged = value as Tagged
    const keep = <T>(container: T): T => {
      if (tagged.id !== undefined) met.set(tagged.id, container)
      return container
    }
    if (tagged.ref !== undefined) return met.get(tagged.ref)
    if (tagged.v !== undefined) return constants[tagged.v]
    if (tagged.d !== undefined) return new Date(tagged.d)
    if (tagged.u !== undefined) return tagged.u
    if (tagged.bi !== undefined) return BigInt(tagged.bi)
    if (tagged.r !== undefined) return new RegExp(tagged.r.p, tagged.r.f)
    if (tagged.ab !== undefined) return buffer(tagged.ab.b)
    if (tagged.ta !== undefined) {
      const TypedArray = arrays[tagged.ta.k]
      if (TypedArray === undefined) throw new Error(`typed array ${tagged.ta.k}`)
      return new TypedArray(buffer(tagged.ta.b))
    }
    if (tagged.e !== undefined) {
      const error = new Error(tagged.e.m)
      error.name = tagged.e.n
      error.stack = tagged.e.s
      return error
    }
    if (tagged.a !== undefined) {
      const list: unknown[] = keep([])
      for (const item of tagged.a) list.push(decode(item))
      return list
    }
    if (tagged.m !== undefined) {
      const map = keep(new Map<unknown, unknown>())
      for (const { k, v } of tagged.m) map.set(decode(k), decode(v))
      return map
    }
    if (tagged.s !== undefined) {
      const set = keep(new Set<unknown>())
      for (const item of tagged.s) set.add(decode(item))
      return set
    }
    if (tagged.o !== undefined) {
      const object = keep({})
      // Not assigned: a key named `__proto__` is a key.
      for (const { k, v } of tagged.o)
        Object.defineProperty(object, k, {
          value: decode(v),
          enumerable: true,
          configurable: true,
          writable: true,
        })
      return object
    }
    throw new Error('unknown tag')
  }
  return decode(root)
}
