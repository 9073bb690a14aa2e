import type { Liveness } from '../login/probe.ts'
import { steadyNow } from '../observe/clock.ts'
import type { Store } from '../store/contract.ts'

export interface UpkeepHost {
  readonly name: string
  readonly store: Store
  /** Unix ms of the forecast end; `undefined` when nothing says when, or nothing could be done about it. */
  diesAt(): number | undefined
  /** `steadyNow()` of the last request or visit. */
  lastUse(): number
  /** ms; `undefined` for never. */
  readonly keepAlive: number | undefined
  refresh(): Promise<void>
  renew(): Promise<unknown>
  ask(): Promise<Liveness>
  failed(what: string, error: unknown): void
}

/** A short script that opens, asks and closes pays nothing for what only a long life needs, ms. */
const watchAfter = 100
/** Renewed this much before the end, at most a fifth of what is left, ms. */
const ahead = 60_000
const longestTimer = 3_600_000
const shortestTimer = 1_000

/**
 * What a living session does by itself: takes in what other processes save, renews itself shortly before it dies if
 * somebody uses it, and keeps a site from signing it out for idleness. No timer or watch keeps a process alive.
 */
export class Upkeep {
  readonly #host: UpkeepHost
  readonly #timers = new Map<string, NodeJS.Timeout>()
  #unwatch: (() => void) | undefined
  #refreshing: Promise<void> | undefined
  #again = false
  #stopped = false

  constructor(host: UpkeepHost) {
    this.#host = host
    this.#after('watch', watchAfter, () => {
      this.#watch()
    })
    if (host.keepAlive !== undefined) this.#planKeepAlive(host.keepAlive)
  }

  /** To be called when the forecast may have changed: after a renewal, and when the session is opened. */
  plan(): void {
    const diesAt = this.#host.diesAt()
    if (diesAt === undefined) return
    const left = diesAt - Date.now()
    if (left <= 0) return // the next request finds out
    const wait = left - Math.min(ahead, left / 5)
    this.#after('renew', Math.min(Math.max(wait, shortestTimer), longestTimer), () => {
      this.#renewAhead(diesAt)
    })
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    this.#unwatch?.()
  }

  #after(what: string, delay: number, work: () => void): void {
    if (this.#stopped) return
    clearTimeout(this.#timers.get(what))
    this.#timers.set(what, setTimeout(work, delay).unref())
  }

  #watch(): void {
    const { store, name } = this.#host
    try {
      this.#unwatch = store.watch(name, () => {
        this.#refresh()
      })
      this.#refresh() // what came between the opening and now
    } catch (error) {
      this.#host.failed('watch the store', error)
    }
  }

  /** A burst of changes costs one reading that is under way and one more. */
  #refresh(): void {
    if (this.#stopped) return
    if (this.#refreshing !== undefined) {
      this.#again = true
      return
    }
    this.#refreshing = this.#host
      .refresh()
      .catch((error: unknown) => {
        this.#host.failed('take in what others have saved', error)
      })
      .finally(() => {
        this.#refreshing = undefined
        if (!this.#again) return
        this.#again = false
        this.#refresh()
      })
  }

  /** One of all processes gets the lease; the others find the result. Requests go on meanwhile. */
  #renewAhead(planned: number): void {
    const host = this.#host
    const diesAt = host.diesAt()
    if (diesAt === undefined) return
    const isDue = diesAt <= planned && planned - Date.now() <= ahead * 1.25
    // Nobody uses it: it may die, and be renewed when somebody does.
    const isUsed = steadyNow() - host.lastUse() < Math.max(longestTimer / 4, ahead)
    if (!isDue || !isUsed) {
      this.plan()
      return
    }
    host.renew().catch((error: unknown) => {
      host.failed('renew ahead of time', error)
    })
  }

  #planKeepAlive(every: number, wait = every): void {
    this.#after('keep-alive', Math.max(wait, shortestTimer), () => {
      const idle = steadyNow() - this.#host.lastUse()
      if (idle < every) this.#planKeepAlive(every, every - idle)
      else
        void this.#keepAlive(every).finally(() => {
          this.#planKeepAlive(every)
        })
    })
  }

  /** One of all processes does it: the lease ends by itself when it is due again. */
  async #keepAlive(every: number): Promise<void> {
    try {
      const lease = await this.#host.store.lease(`~alive/${this.#host.name}`, Math.ceil(every * 0.9))
      if (lease !== undefined) await this.#host.ask()
    } catch (error) {
      this.#host.failed('keep alive', error)
    }
  }
}
