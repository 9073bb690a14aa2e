import type { OriginState, SessionState, StateCookie } from '../../src/index.ts'

/** How two states differ, item by item: names, places and fields, never a value. The shape of `diff --json`. */
export interface Difference {
  readonly change: 'added' | 'removed' | 'changed'
  readonly kind: 'cookie' | 'localStorage' | 'sessionStorage' | 'indexedDB'
  readonly name: string
  readonly where: string
  /** Which fields of a changed item are not equal. */
  readonly fields: readonly string[]
}

export interface Comparison {
  readonly equal: number
  readonly differences: readonly Difference[]
}

interface Item {
  readonly kind: Difference['kind']
  readonly name: string
  readonly where: string
  readonly fields: Readonly<Record<string, unknown>>
}

export function compareStates(before: SessionState, after: SessionState): Comparison {
  const old = itemsOf(before)
  const now = itemsOf(after)
  let equal = 0
  const differences: Difference[] = []
  const say = (change: Difference['change'], { kind, name, where }: Item, fields: string[] = []): void => {
    differences.push({ change, kind, name, where, fields })
  }
  for (const [key, item] of old) {
    const twin = now.get(key)
    if (twin === undefined) {
      say('removed', item)
      continue
    }
    const fields = unequalFields(item.fields, twin.fields)
    if (fields.length === 0) equal += 1
    else say('changed', item, fields)
  }
  for (const [key, item] of now) if (!old.has(key)) say('added', item)
  return { equal, differences }
}

/** By identity: a cookie's is name, domain with its dot, path and partition; a storage item's its key and origin. */
function itemsOf(state: SessionState): Map<string, Item> {
  const items = [...state.cookies.map(cookieItem), ...state.origins.flatMap(storageItems)]
  return new Map(
    items.map(({ key, ...item }) => [JSON.stringify([item.kind, item.name, item.where, key]), item]),
  )
}

function cookieItem(cookie: StateCookie): Item & { key: string } {
  const { name, domain, path, partitionKey, _crHasCrossSiteAncestor = true, ...fields } = cookie
  const partition = partitionKey === undefined ? '' : `${partitionKey} ${String(_crHasCrossSiteAncestor)}`
  const where = `${domain}${path}${partitionKey === undefined ? '' : ` in ${partitionKey}`}`
  return { kind: 'cookie', name, where, key: `${domain} ${partition}`, fields: { ...fields } }
}

function storageItems({
  origin,
  localStorage,
  sessionStorage,
  indexedDB,
}: OriginState): (Item & { key: string })[] {
  const areas = { localStorage, sessionStorage, indexedDB }
  return (['localStorage', 'sessionStorage', 'indexedDB'] as const).flatMap((kind) =>
    (areas[kind] ?? []).map(({ name, ...fields }) => ({ kind, name, where: origin, key: '', fields })),
  )
}

function unequalFields(a: Item['fields'], b: Item['fields']): string[] {
  const fields = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
  return fields.filter((field) => canonical(a[field]) !== canonical(b[field]))
}

/** Text that is equal when two values are, whatever the order of their keys. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
