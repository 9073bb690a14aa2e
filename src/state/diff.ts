import type { OriginState, SessionState, StateCookie, StorageItem } from './state.ts'
import { cookieKey } from './state.ts'

/** What must be done to one state to make it another. */
export interface StateDiff {
  /** Cookies to add or overwrite, in the order of the newer state. */
  readonly set: readonly StateCookie[]
  /** Cookies to delete, as they were. */
  readonly removed: readonly StateCookie[]
  /** Origins whose storage changed, whole. */
  readonly origins: readonly OriginState[]
  readonly removedOrigins: readonly string[]
}

/**
 * What differs, cookie by cookie and origin by origin. Order alone is no difference: a cookie that was deleted and set
 * again with the value it had stands elsewhere and is not told (the cell, which sees both steps, has it in its new
 * place). To carry it, a merge would have to set what the other side may have deleted: a place in the Cookie header
 * is not worth a logout undone.
 */
export function diffStates(before: SessionState, after: SessionState): StateDiff {
  const old = new Map(before.cookies.map((cookie) => [cookieKey(cookie), cookie]))
  const now = new Set(after.cookies.map(cookieKey))
  const oldOrigins = new Map(before.origins.map((origin) => [origin.origin, origin]))
  const nowOrigins = new Set(after.origins.map((origin) => origin.origin))
  return {
    set: after.cookies.filter((cookie) => !deepEqual(old.get(cookieKey(cookie)), cookie)),
    removed: before.cookies.filter((cookie) => !now.has(cookieKey(cookie))),
    origins: after.origins.filter((origin) => !deepEqual(oldOrigins.get(origin.origin), origin)),
    removedOrigins: before.origins.map((origin) => origin.origin).filter((origin) => !nowOrigins.has(origin)),
  }
}

export function isEmptyDiff(diff: StateDiff): boolean {
  return diff.set.length + diff.removed.length + diff.origins.length + diff.removedOrigins.length === 0
}

/** Applies a difference to a state without changing either. */
export function applyDiff(state: SessionState, diff: StateDiff): SessionState {
  const cookies = new Map(state.cookies.map((cookie) => [cookieKey(cookie), cookie]))
  for (const cookie of diff.removed) cookies.delete(cookieKey(cookie))
  for (const cookie of diff.set) {
    const key = cookieKey(cookie)
    if (cookies.get(key)?.value !== cookie.value) cookies.delete(key) // a new value moves to the end, as in Chromium
    cookies.set(key, cookie)
  }
  const origins = new Map(state.origins.map((origin) => [origin.origin, origin]))
  for (const origin of diff.origins) origins.set(origin.origin, origin)
  for (const origin of diff.removedOrigins) origins.delete(origin)
  return { cookies: [...cookies.values()], origins: [...origins.values()] }
}

/**
 * Three-way merge: what I changed since `base`, laid over theirs, by cookie identity and storage key, deletions
 * included. Where both changed the same thing, mine wins: I am the one who knows both.
 */
export function mergeStates(base: SessionState, mine: SessionState, theirs: SessionState): SessionState {
  const diff = diffStates(base, mine)
  const baseOrigins = new Map(base.origins.map((origin) => [origin.origin, origin]))
  const theirOrigins = new Map(theirs.origins.map((origin) => [origin.origin, origin]))
  const origins = diff.origins.map((origin) =>
    mergeOrigin(baseOrigins.get(origin.origin), origin, theirOrigins.get(origin.origin)),
  )
  // An origin that I emptied but they have filled since keeps what they wrote.
  const emptied = diff.removedOrigins.map((name) => {
    const nothing: OriginState = { origin: name, localStorage: [] }
    return mergeOrigin(baseOrigins.get(name), nothing, theirOrigins.get(name))
  })
  const merged = [...origins, ...emptied]
  // One that I hold although it is empty stays; one that only the merge has emptied goes.
  const heldEmpty = new Set(mine.origins.filter(isEmptyOrigin).map((origin) => origin.origin))
  const stays = (origin: OriginState): boolean => !isEmptyOrigin(origin) || heldEmpty.has(origin.origin)
  return applyDiff(theirs, {
    ...diff,
    origins: merged.filter(stays),
    removedOrigins: merged.filter((origin) => !stays(origin)).map((origin) => origin.origin),
  })
}

export function isEmptyOrigin(origin: OriginState): boolean {
  return (
    origin.localStorage.length === 0 &&
    (origin.sessionStorage?.length ?? 0) === 0 &&
    (origin.indexedDB?.length ?? 0) === 0
  )
}

function mergeOrigin(
  base: OriginState | undefined,
  mine: OriginState,
  found: OriginState | undefined,
): OriginState {
  if (found === undefined && base === undefined) return mine
  // What they removed is empty, not unknown: the items that I left alone go with it.
  const theirs = found ?? { origin: mine.origin, localStorage: [] }
  const session = mergeItems(
    base?.sessionStorage ?? [],
    mine.sessionStorage ?? [],
    theirs.sessionStorage ?? [],
  )
  const databases = deepEqual(base?.indexedDB ?? [], mine.indexedDB ?? []) ? theirs.indexedDB : mine.indexedDB
  const { sessionStorage: _theirs, indexedDB: _databases, ...rest } = { ...theirs, ...mine }
  return {
    ...rest,
    localStorage: mergeItems(base?.localStorage ?? [], mine.localStorage, theirs.localStorage),
    ...(session.length > 0 && { sessionStorage: session }),
    ...(databases !== undefined && { indexedDB: databases }),
  }
}

function mergeItems(
  base: readonly StorageItem[],
  mine: readonly StorageItem[],
  theirs: readonly StorageItem[],
): StorageItem[] {
  const before = new Map(base.map((item) => [item.name, item.value]))
  const now = new Map(mine.map((item) => [item.name, item.value]))
  const merged = new Map(theirs.map((item) => [item.name, item.value]))
  for (const name of before.keys()) if (!now.has(name)) merged.delete(name)
  for (const [name, value] of now) if (before.get(name) !== value) merged.set(name, value)
  return [...merged].map(([name, value]) => ({ name, value }))
}

/** Structural equality of plain JSON; key order does not matter. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every(
    (key) =>
      Object.hasOwn(b, key) &&
      deepEqual((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  )
}
