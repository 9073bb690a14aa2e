import type { Cell } from './cell.ts'
import type { OriginState, SessionState, StorageItem } from './state.ts'

/**
 * Where values are kept that a page holds in memory only: localStorage of an origin that cannot exist (RFC 2606,
 * `.invalid`). So they are sealed, saved, merged and renewed like everything else of the state, while no page of a visit
 * can read them and no request carries them but by a header rule. (Cookies, as sign-ins keep them, would do for short
 * values only: 4,096 bytes, and no semicolon.)
 */
export const keptOrigin = 'https://kept.sessionbridge.invalid'

export function keptValue(cell: Cell, name: string): string | undefined {
  return cell.origin(keptOrigin)?.localStorage.find((item) => item.name === name)?.value
}

/** All that is kept, by name. */
export function keptIn(state: SessionState): ReadonlyMap<string, string> {
  const items = state.origins.find(({ origin }) => origin === keptOrigin)?.localStorage ?? []
  return new Map(items.map(({ name, value }) => [name, value]))
}

/** Writes what is new, and nothing when nothing is. */
export function keepValues(cell: Cell, values: ReadonlyMap<string, string>, by: string): void {
  const before = cell.origin(keptOrigin)
  const after = withValues(before, values)
  if (after === before || after === undefined) return
  cell.merge({ set: [], removed: [], origins: [after], removedOrigins: [] }, by)
}

/** The state with these values kept. */
export function withKept(state: SessionState, values: ReadonlyMap<string, string>): SessionState {
  if (values.size === 0) return state
  const before = state.origins.find(({ origin }) => origin === keptOrigin)
  const after = withValues(before, values)
  if (after === undefined || after === before) return state
  return { ...state, origins: [...state.origins.filter((origin) => origin !== before), after] }
}

function withValues(
  before: OriginState | undefined,
  values: ReadonlyMap<string, string>,
): OriginState | undefined {
  const items = before?.localStorage ?? []
  const isNew = [...values].some(
    ([name, value]) => !items.some((item) => item.name === name && item.value === value),
  )
  if (!isNew) return before
  const others = items.filter(({ name }) => !values.has(name))
  const written = [...values].map(([name, value]): StorageItem => ({ name, value }))
  return { origin: keptOrigin, localStorage: [...others, ...written] }
}
