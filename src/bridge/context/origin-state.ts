import { deepEqual } from '../../state/diff.ts'
import type { OriginState, StorageItem } from '../../state/state.ts'
import type { Items, StorageRead } from './in-page/read-storage.ts'

/** What was read of one origin: what its tabs share, once, and each tab's sessionStorage, oldest tab first. */
export interface OriginReads {
  readonly origin: string
  readonly shared: StorageRead | undefined
  readonly tabs: readonly Items[]
}

/**
 * The state of an origin from what was read of it. What was not read stays as it was before: nobody saw it deleted.
 * That holds for the sessionStorage of an origin without an open tab, too. `undefined` when there is nothing.
 */
export function originState(reads: OriginReads, previous: OriginState | undefined): OriginState | undefined {
  const { origin, shared, tabs } = reads
  const {
    sessionStorage: oldSession,
    indexedDB: oldDatabases,
    ...rest
  } = previous ?? { origin, localStorage: [] }
  const local = shared?.local === undefined ? rest.localStorage : inOrder(shared.local, rest.localStorage)
  const session = tabs.length === 0 ? (oldSession ?? []) : inOrder(mergeTabs(tabs, oldSession), oldSession)
  const databases = shared?.databases ?? oldDatabases ?? []
  const state: OriginState = {
    ...rest,
    localStorage: local,
    ...(session.length > 0 && { sessionStorage: session }),
    ...(databases.length > 0 && { indexedDB: databases }),
  }
  // The same object when nothing changed: a comparison of states then costs nothing.
  if (previous !== undefined && deepEqual(previous, state)) return previous
  return local.length + session.length + databases.length === 0 ? undefined : state
}

/**
 * One sessionStorage out of several tabs': a key that any tab holds is kept. Where tabs differ, a value that is not
 * what was there before (`previous`) wins over one that is: it is news. Among several news, the youngest tab's.
 */
export function mergeTabs(tabs: readonly Items[], previous: readonly StorageItem[] = []): Items {
  const before = new Map(previous.map(({ name, value }) => [name, value]))
  const merged = new Map<string, string>()
  for (const [name, value] of tabs.flat())
    if (!merged.has(name) || before.get(name) !== value) merged.set(name, value)
  return [...merged]
}

/**
 * Known names in their old order, then the new ones: the browser's own order is arbitrary and would look like a
 * change.
 */
function inOrder(items: Items, previous: readonly StorageItem[] = []): StorageItem[] {
  const place = new Map(previous.map(({ name }, index) => [name, index]))
  return items
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => (place.get(a.name) ?? place.size) - (place.get(b.name) ?? place.size))
}
