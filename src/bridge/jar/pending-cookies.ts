import { limitGroup } from '../../policy/cookie-limits.ts'
import type { Cell } from '../../state/cell.ts'
import type { StateCookie } from '../../state/state.ts'
import { cookieKey } from '../../state/state.ts'
import { inheritUse } from './cookie-times.ts'

/** Cookie changes on their way into a cell: later lines of one response see the earlier ones, listeners hear once. */
export class PendingCookies {
  readonly #cell: Cell
  readonly #set = new Map<string, StateCookie>()
  readonly #removed = new Map<string, StateCookie>()
  #size: number

  constructor(cell: Cell) {
    this.#cell = cell
    this.#size = cell.size
  }

  /** How many cookies there are with the changes. */
  get size(): number {
    return this.#size
  }

  get(key: string): StateCookie | undefined {
    return this.#set.get(key) ?? (this.#removed.has(key) ? undefined : this.#cell.cookie(key))
  }

  /** In order of creation, as far as the changes are concerned behind all others. */
  all(): StateCookie[] {
    const untouched = this.#cell.state.cookies.filter((cookie) => {
      const key = cookieKey(cookie)
      return !this.#set.has(key) && !this.#removed.has(key)
    })
    return [...untouched, ...this.#set.values()]
  }

  /** Cookies under one limit; asked only when there are many, since it looks at each of them once. */
  countOf(group: string): number {
    let count = countsOf(this.#cell).counts.get(group) ?? 0
    for (const [key, cookie] of this.#set)
      if (this.#cell.cookie(key) === undefined && limitGroup(cookie) === group) count += 1
    for (const [key, cookie] of this.#removed)
      if (!this.#set.has(key) && limitGroup(cookie) === group) count -= 1
    return count
  }

  /** `key` is the cookie's own. */
  set(key: string, cookie: StateCookie): void {
    if (this.get(key) === undefined) this.#size += 1
    const previous = this.#set.get(key)
    // Changed twice in one response: the place at the end must survive a return to the old value.
    if (previous !== undefined && previous.value !== cookie.value) {
      this.remove(previous)
      this.#size += 1
    }
    this.#set.set(key, cookie)
  }

  remove(cookie: StateCookie): void {
    const key = cookieKey(cookie)
    if (this.get(key) !== undefined) this.#size -= 1
    this.#set.delete(key)
    const stored = this.#cell.cookie(key)
    if (stored !== undefined) this.#removed.set(key, stored)
  }

  commit(by: string): void {
    const set = [...this.#set.values()]
    const removed = [...this.#removed.values()]
    if (set.length + removed.length === 0) return
    for (const [key, cookie] of this.#set) {
      const kept = this.#cell.cookie(key)
      if (kept?.value === cookie.value) inheritUse(kept, cookie)
    }
    const before = this.#cell.revision
    const known = counted.get(this.#cell)
    if (known?.revision === before) this.#recount(known)
    try {
      this.#cell.merge({ set, removed, origins: [], removedOrigins: [] }, by)
    } finally {
      // Nothing has changed, or only this; otherwise a listener has changed the cell once more, and is not counted.
      const { revision } = this.#cell
      if (known?.revision === before) known.revision = revision <= before + 1 ? revision : -1
    }
  }

  /** Carries the counts over the change. */
  #recount(known: Counts): void {
    for (const [key, cookie] of this.#set) if (this.#cell.cookie(key) === undefined) add(known, cookie, 1)
    for (const [key, cookie] of this.#removed) if (!this.#set.has(key)) add(known, cookie, -1)
  }
}

interface Counts {
  revision: number
  readonly counts: Map<string, number>
}

/** Numbers of cookies by group, counted at the first question and carried on. */
const counted = new WeakMap<Cell, Counts>()

function countsOf(cell: Cell): Counts {
  const known = counted.get(cell)
  if (known?.revision === cell.revision) return known
  const fresh: Counts = { revision: cell.revision, counts: new Map() }
  for (const cookie of cell.state.cookies) add(fresh, cookie, 1)
  counted.set(cell, fresh)
  return fresh
}

function add({ counts }: Counts, cookie: StateCookie, by: number): void {
  const group = limitGroup(cookie)
  counts.set(group, (counts.get(group) ?? 0) + by)
}
