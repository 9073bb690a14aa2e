import type { RuleSource } from '../../state/header-rule.ts'
import { keptOrigin } from '../../state/kept-values.ts'
import { recordKey, recordValue } from '../../state/record-value.ts'
import type { IndexedDatabase, OriginState, SessionState, StateCookie } from '../../state/state.ts'

/** One text of the state that a page could have put into a header. */
export interface StateValue {
  readonly value: string
  readonly source: RuleSource
  readonly encoding?: 'decoded'
}

export type StateIndex = ReadonlyMap<string, readonly StateValue[]>

const deepest = 8
const mostLeaves = 5_000
const longestItem = 2_000_000
const mostRecords = 1_000

/**
 * All texts that scripts can read, by text: cookies (not httpOnly) as they are and percent-decoded, storage and JSON inside,
 * records of databases.
 */
export function indexValues(states: readonly SessionState[]): StateIndex {
  const index = new Map<string, StateValue[]>()
  const add = (found: StateValue): void => {
    const known = index.get(found.value)
    if (known === undefined) index.set(found.value, [found])
    else if (!known.some((other) => sourceKey(other.source) === sourceKey(found.source))) known.push(found)
  }
  for (const state of states) {
    for (const cookie of state.cookies) for (const found of cookieValues(cookie)) add(found)
    for (const origin of state.origins) {
      if (origin.origin === keptOrigin) continue // ours: no page can read it
      for (const found of storageValues(origin)) add(found)
      for (const database of origin.indexedDB ?? [])
        for (const found of recordValues(origin.origin, database)) add(found)
    }
  }
  return index
}

/** Text that is equal exactly for the same source. */
export function sourceKey(source: RuleSource): string {
  return JSON.stringify(Object.entries(source).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** A cookie's value, plain and percent-decoded where that differs. Nothing for what scripts cannot read. */
export function cookieValues(cookie: StateCookie, value = cookie.value): StateValue[] {
  if (cookie.httpOnly) return []
  const source: RuleSource = { from: 'cookie', name: cookie.name, domain: cookie.domain }
  const decoded = percentDecoded(value)
  return [
    { value, source },
    ...(decoded !== undefined && decoded !== value
      ? [{ value: decoded, source, encoding: 'decoded' as const }]
      : []),
  ]
}

function storageValues(state: OriginState): StateValue[] {
  const { origin } = state
  const found: StateValue[] = []
  for (const from of ['localStorage', 'sessionStorage'] as const) {
    for (const { name: key, value } of state[from] ?? []) {
      found.push({ value, source: { from, origin, key, path: [] } })
      for (const leaf of textsInJson(value)) {
        found.push({ value: leaf.value, source: { from, origin, key, path: leaf.path } })
      }
    }
  }
  return found
}

function recordValues(origin: string, { name: database, stores }: IndexedDatabase): StateValue[] {
  return stores.flatMap((store) =>
    store.records.slice(-mostRecords).flatMap((record) => {
      const key = recordKey(store, record)
      const place = { from: 'indexedDB', origin, database, store: store.name } as const
      return textsIn(recordValue(record)).map(({ path, value }) => ({
        value,
        source: { ...place, path, ...(key !== undefined && key.length <= 200 && { key }) },
      }))
    }),
  )
}

export interface Leaf {
  readonly path: readonly string[]
  readonly value: string
}

/** The texts inside a JSON object or list, with the way to them. */
export function textsInJson(text: string): Leaf[] {
  if (text.length > longestItem || !/^\s*[{[]/.test(text)) return []
  try {
    return textsIn(JSON.parse(text))
  } catch {
    return []
  }
}

/** Bounded in depth and number. */
function textsIn(root: unknown): Leaf[] {
  const leaves: Leaf[] = []
  const walk = (value: unknown, path: readonly string[]): void => {
    if (leaves.length >= mostLeaves) return
    if (typeof value === 'string') leaves.push({ path, value })
    else if (typeof value === 'object' && value !== null && path.length < deepest) {
      for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key])
    }
  }
  walk(root, [])
  return leaves
}

function percentDecoded(value: string): string | undefined {
  if (!value.includes('%')) return undefined
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}
