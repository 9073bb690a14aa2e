import type { RuleSource } from '../state/identity.ts'
import type { OriginState, SessionState, StateCookie } from '../state/state.ts'

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

/** All texts that scripts can read, by text: cookies (not httpOnly) as they are and percent-decoded, storage, and JSON inside. */
export function indexValues(states: readonly SessionState[]): StateIndex {
  const index = new Map<string, StateValue[]>()
  const add = (found: StateValue): void => {
    const known = index.get(found.value)
    if (known === undefined) index.set(found.value, [found])
    else if (!known.some((other) => sourceKey(other.source) === sourceKey(found.source))) known.push(found)
  }
  for (const state of states) {
    for (const cookie of state.cookies) for (const found of cookieValues(cookie)) add(found)
    for (const origin of state.origins) for (const found of storageValues(origin)) add(found)
  }
  return index
}

/** Text that is equal exactly for the same source. */
export function sourceKey(source: RuleSource): string {
  if (source.from === 'cookie') return JSON.stringify([source.from, source.domain, source.name])
  return JSON.stringify([source.from, source.origin, source.key, ...source.path])
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
      for (const leaf of jsonLeaves(value)) {
        found.push({ value: leaf.value, source: { from, origin, key, path: leaf.path } })
      }
    }
  }
  return found
}

interface Leaf {
  readonly path: readonly string[]
  readonly value: string
}

/** The texts inside a JSON value, with the way to them; bounded in depth and number. */
function jsonLeaves(text: string): Leaf[] {
  if (text.length > longestItem || !/^\s*[{["]/.test(text)) return []
  let root: unknown
  try {
    root = JSON.parse(text)
  } catch {
    return []
  }
  const leaves: Leaf[] = []
  const walk = (value: unknown, path: readonly string[]): void => {
    if (leaves.length >= mostLeaves) return
    if (typeof value === 'string') leaves.push({ path, value })
    else if (typeof value === 'object' && value !== null && path.length < deepest) {
      for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key])
    }
  }
  // A JSON string at the top has no path: only objects and arrays are looked into.
  if (typeof root === 'object') walk(root, [])
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
