import type { OriginState, SessionState, StateCookie } from './state.ts'
import { cookieKey, emptyState } from './state.ts'
import type { StateDiff } from './diff.ts'
import { diffStates } from './diff.ts'

/** Who made a change. A listener that made it itself can tell its own echo. */
export type Origin = string

export interface CellChange {
  readonly by: Origin
  readonly epoch: number
  readonly revision: number
  readonly diff: StateDiff
}

/**
 * The one mutable thing of a session: the current state, its epoch, its listeners. The jar, the clients and the
 * visits are windows on it. Writes are synchronous; listeners are told after the write, in order, and an exception
 * in one does not keep the others from hearing.
 *
 * Order: a cookie that is overwritten with another value moves to the end, with an equal value it keeps its place
 * (Chromium keeps the creation time only then; RFC 6265bis would keep it always).
 */
export class Cell {
  #cookies = new Map<string, StateCookie>()
  #byHost = new Map<string, Map<string, StateCookie>>()
  #origins = new Map<string, OriginState>()
  #state: SessionState | undefined
  #epoch: number
  #revision = 0
  #listeners = new Set<(change: CellChange) => void>()

  constructor(state: SessionState = emptyState, epoch = 0) {
    this.#epoch = epoch
    this.#load(state)
    // A state that holds an identity twice is not what the cell holds.
    if (this.#cookies.size === state.cookies.length && this.#origins.size === state.origins.length)
      this.#state = state
  }

  /** The current state. The same object is returned until something changes. */
  get state(): SessionState {
    this.#state ??= { cookies: [...this.#cookies.values()], origins: [...this.#origins.values()] }
    return this.#state
  }

  /** Grows by one with every login or renewal. */
  get epoch(): number {
    return this.#epoch
  }

  /** Grows by one with every change. */
  get revision(): number {
    return this.#revision
  }

  /** How many cookies there are; cheaper than asking the state. */
  get size(): number {
    return this.#cookies.size
  }

  cookie(key: string): StateCookie | undefined {
    return this.#cookies.get(key)
  }

  origin(origin: string): OriginState | undefined {
    return this.#origins.get(origin)
  }

  /**
   * Cookies that may belong in a request to `host` as far as the domain goes: its own and its parents' domain
   * cookies, in order of creation per domain. Path, scheme, expiry and partition are the caller's to check.
   */
  *cookiesFor(host: string): Generator<StateCookie> {
    const own = this.#byHost.get(host)
    if (own !== undefined) yield* own.values()
    for (let suffix = host, dot: number; ; suffix = suffix.slice(dot + 1)) {
      const domain = this.#byHost.get(`.${suffix}`)
      if (domain !== undefined) yield* domain.values()
      dot = suffix.indexOf('.')
      if (dot === -1) return
    }
  }

  /** Position of a cookie in the order of creation, for sorting what `cookiesFor` gives from several domains. */
  #sequence = new WeakMap<StateCookie, number>()
  #next = 0

  sequence(cookie: StateCookie): number {
    return this.#sequence.get(cookie) ?? 0
  }

  setCookie(cookie: StateCookie, by: Origin): void {
    this.merge({ set: [cookie], removed: [], origins: [], removedOrigins: [] }, by)
  }

  removeCookie(cookie: StateCookie, by: Origin): void {
    this.merge({ set: [], removed: [cookie], origins: [], removedOrigins: [] }, by)
  }

  /** Folds a difference into the state. What changes nothing tells nobody. */
  merge(diff: StateDiff, by: Origin): void {
    const removed = diff.removed.filter((cookie) => this.#cookies.has(cookieKey(cookie)))
    // What is removed and set again by one difference goes to the end, even with the value it had.
    const gone = new Set(removed.map(cookieKey))
    const set = diff.set.filter((cookie) => {
      const key = cookieKey(cookie)
      return !sameCookie(this.#cookies.get(key), cookie) || gone.has(key)
    })
    const origins = diff.origins.filter((origin) => this.#origins.get(origin.origin) !== origin)
    const removedOrigins = diff.removedOrigins.filter((origin) => this.#origins.has(origin))
    if (set.length + removed.length + origins.length + removedOrigins.length === 0) return
    for (const cookie of removed) this.#drop(cookieKey(cookie))
    for (const cookie of set) this.#put(cookie)
    for (const origin of origins) this.#origins.set(origin.origin, origin)
    for (const origin of removedOrigins) this.#origins.delete(origin)
    this.#changed({ set, removed, origins, removedOrigins }, by)
  }

  /** Puts another state in the place of the current one, as a login or renewal does. `epoch` may not go back. */
  replace(state: SessionState, epoch: number, by: Origin): void {
    if (epoch < this.#epoch)
      throw new RangeError(`epoch ${String(epoch)} is older than ${String(this.#epoch)}`)
    const diff = diffStates(this.state, state)
    this.#epoch = epoch
    this.#cookies.clear()
    this.#byHost.clear()
    this.#origins.clear()
    this.#load(state)
    this.#changed(diff, by)
  }

  /** Returns a function that ends the subscription. */
  subscribe(listener: (change: CellChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #load(state: SessionState): void {
    for (const cookie of state.cookies) this.#put(cookie)
    for (const origin of state.origins) this.#origins.set(origin.origin, origin)
  }

  #put(cookie: StateCookie): void {
    const key = cookieKey(cookie)
    const existing = this.#cookies.get(key)
    if (existing !== undefined && existing.value !== cookie.value) this.#drop(key)
    this.#cookies.set(key, cookie)
    const sequence = existing?.value === cookie.value ? this.sequence(existing) : this.#next++
    this.#sequence.set(cookie, sequence)
    let host = this.#byHost.get(cookie.domain)
    if (host === undefined) this.#byHost.set(cookie.domain, (host = new Map<string, StateCookie>()))
    host.set(key, cookie)
  }

  #drop(key: string): void {
    const cookie = this.#cookies.get(key)
    if (cookie === undefined) return
    this.#cookies.delete(key)
    const host = this.#byHost.get(cookie.domain)
    host?.delete(key)
    if (host?.size === 0) this.#byHost.delete(cookie.domain)
  }

  #changed(diff: StateDiff, by: Origin): void {
    this.#state = undefined
    this.#revision += 1
    const change: CellChange = { by, epoch: this.#epoch, revision: this.#revision, diff }
    const failures: unknown[] = []
    for (const listener of [...this.#listeners]) {
      try {
        listener(change)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}

function sameCookie(a: StateCookie | undefined, b: StateCookie): boolean {
  if (a === undefined || a.value !== b.value) return false
  if (a === b) return true
  const fields = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof StateCookie>
  for (const field of fields) if (a[field] !== b[field]) return false
  return true
}
