import type { IndexedDatabase } from './state.ts'

type Store = IndexedDatabase['stores'][number]
type StoredRecord = Store['records'][number]

/**
 * The value of an IndexedDB record as plain JSON, as far as it is texts, numbers, lists, objects and maps with text keys;
 * what else there is (dates, bytes, cycles) is left out. Records are never mutated, so each is read once.
 */
export function recordValue(record: StoredRecord): unknown {
  if (record.valueEncoded === undefined) return record.value
  if (!plain.has(record)) plain.set(record, plainOf(record.valueEncoded, 0))
  return plain.get(record)
}

const plain = new WeakMap<StoredRecord, unknown>()
const deepest = 20

/** The record's key as JSON; `undefined` for keys that are neither text nor number. */
export function recordKey(store: Store, record: StoredRecord): string | undefined {
  const key =
    store.keyPath === undefined ? record.key : valueAtPath(recordValue(record), store.keyPath.split('.'))
  return typeof key === 'string' || typeof key === 'number' ? JSON.stringify(key) : undefined
}

/** Own properties only. */
export function valueAtPath(root: unknown, path: readonly string[]): unknown {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

/** Undoes the tags of `bridge/context/in-page/encode-value.ts`. */
function plainOf(encoded: unknown, depth: number): unknown {
  if (depth > deepest) return undefined
  if (typeof encoded !== 'object' || encoded === null) return encoded
  const tagged = encoded as { o?: unknown; a?: unknown; m?: unknown }
  if (Array.isArray(tagged.a)) return tagged.a.map((item) => plainOf(item, depth + 1))
  const entries = Array.isArray(tagged.o) ? tagged.o : Array.isArray(tagged.m) ? tagged.m : undefined
  if (entries === undefined) return undefined
  const pairs = (entries as { k?: unknown; v?: unknown }[]).flatMap(({ k, v }): [string, unknown][] =>
    typeof k === 'string' ? [[k, plainOf(v, depth + 1)]] : [],
  )
  return Object.fromEntries(pairs)
}
