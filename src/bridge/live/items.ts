import type { Report } from '../../state/report.ts'
import type { OriginState, StorageItem } from '../../state/state.ts'
import type { StorageKind } from './traffic.ts'

/** The items of one web storage. */
export type Items = Map<string, string>

/** Items as somebody found them; undefined: not there. What is not named was not looked at. */
export type Reading = ReadonlyMap<string, string | undefined>

/** What a first document finds, and per name what it may find instead, because the seed was changed while it started. */
export interface Seeded {
  readonly items: Items
  readonly former: FormerSeeds
}

export type FormerSeeds = Map<string, Set<string | undefined>>

/** Changes what first documents find. */
export function reseed({ items, former }: Seeded, next: Items): void {
  for (const name of new Set([...items.keys(), ...next.keys()])) {
    const before = items.get(name)
    const value = next.get(name)
    if (before === value) continue
    former.set(name, (former.get(name) ?? new Set()).add(before))
    if (value === undefined) items.delete(name)
    else items.set(name, value)
  }
}

export function itemsOf(items: readonly StorageItem[] = []): Items {
  return new Map(items.map(({ name, value }) => [name, value]))
}

/** The items with these changed; those that stay keep their place. */
export function withItems(items: readonly StorageItem[], changes: Reading): StorageItem[] {
  const next = itemsOf(items)
  for (const [name, value] of changes)
    if (value === undefined) next.delete(name)
    else next.set(name, value)
  return [...next].map(([name, value]) => ({ name, value }))
}

/** An origin's items, without those that could not be put on. */
export function wornItems(state: OriginState, kind: StorageKind, report: Report): Items {
  const items = itemsOf(state[kind])
  for (const item of report) {
    if (item.where !== state.origin) continue
    if (item.kind === 'origin' || (item.kind === kind && item.name === '*')) return new Map()
    if (item.kind === kind) items.delete(item.name)
  }
  return items
}

/** Everything there is, beside everything there was. */
export function whole(base: Items, found: Items): Map<string, string | undefined> {
  const reading = new Map<string, string | undefined>(found)
  for (const name of base.keys()) if (!reading.has(name)) reading.set(name, undefined)
  return reading
}

export function changedNames(
  before: OriginState | undefined,
  now: OriginState | undefined,
  kind: StorageKind,
): string[] {
  if (before?.[kind] === now?.[kind]) return []
  const old = itemsOf(before?.[kind])
  const items = itemsOf(now?.[kind])
  return [...new Set([...old.keys(), ...items.keys()])].filter((name) => old.get(name) !== items.get(name))
}

export function listOf(items: Items = new Map()): { name: string; value: string }[] {
  return [...items].map(([name, value]) => ({ name, value }))
}
