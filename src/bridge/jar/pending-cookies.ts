import type { Cell } from '../../state/cell.ts'
import type { StateCookie } from '../../state/state.ts'
import { cookieKey } from '../../state/state.ts'

/** Cookie changes on their way into a cell: later lines of one response see the earlier ones, listeners hear once. */
export class PendingCookies {
  readonly #cell: Cell
  readonly #set = new Map<string, StateCookie>()
  readonly #removed = new Map<string, StateCookie>()

  constructor(cell: Cell) {
    this.#cell = cell
  }

  get(key: string): StateCookie | undefined {
    return this.#set.get(key) ?? (this.#removed.has(key) ? undefined : this.#cell.cookie(key))
  }

  all(): StateCookie[] {
    const untouched = this.#cell.state.cookies.filter((cookie) => {
      const key = cookieKey(cookie)
      return !this.#set.has(key) && !this.#removed.has(key)
    })
    return [...untouched, ...this.#set.values()]
  }

  set(cookie: StateCookie): void {
    const key = cookieKey(cookie)
    const previous = this.#set.get(key)
    // Changed twice in one response: the place at the end must survive a return to the old value.
    if (previous !== undefined && previous.value !== cookie.value) this.remove(previous)
    this.#set.set(key, cookie)
  }

  remove(cookie: StateCookie): void {
    const key = cookieKey(cookie)
    this.#set.delete(key)
    const stored = this.#cell.cookie(key)
    if (stored !== undefined) this.#removed.set(key, stored)
  }

  commit(by: string): void {
    const set = [...this.#set.values()]
    const removed = [...this.#removed.values()]
    if (set.length + removed.length > 0)
      this.#cell.merge({ set, removed, origins: [], removedOrigins: [] }, by)
  }
}
