import type { Lease, Store } from '../../store/contract.ts'

/**
 * A lease that says by itself that its holder lives, three times as often as it must. A holder that was frozen, or that
 * the store has not answered in time, learns that it is over from `signal`.
 */
export class BeatingLease {
  readonly #lease: Lease
  readonly #ttl: number
  readonly #over = new AbortController()
  readonly #beat: NodeJS.Timeout
  /** On the monotonic clock, before it was asked for. */
  #renewedAt: number
  #asking = false

  private constructor(lease: Lease, ttl: number, askedAt: number) {
    this.#lease = lease
    this.#ttl = ttl
    this.#renewedAt = askedAt
    this.#beat = setInterval(() => {
      void this.#renew()
    }, ttl / 3).unref() // what the holder does keeps the process alive, if anything shall
  }

  /** `undefined` when somebody else has it. `ttl` in ms. */
  static async take(store: Store, name: string, ttl: number): Promise<BeatingLease | undefined> {
    const askedAt = performance.now()
    const lease = await store.lease(name, ttl)
    return lease && new BeatingLease(lease, ttl, askedAt)
  }

  /** Aborted once it is no longer ours. */
  get signal(): AbortSignal {
    return this.#over.signal
  }

  get fence(): number {
    return this.#lease.fence
  }

  /** By the clock, too: a process that has just woken up has not been told yet. */
  get isHeld(): boolean {
    return !this.signal.aborted && performance.now() - this.#renewedAt < this.#ttl
  }

  async release(): Promise<void> {
    clearInterval(this.#beat)
    if (!this.signal.aborted) await this.#lease.release().catch(() => undefined) // it ends by itself
  }

  async #renew(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    const askedAt = performance.now()
    // A store that does not answer says nothing about the lease; the clock does.
    const held = await this.#lease.renew().catch(() => askedAt - this.#renewedAt < this.#ttl && undefined)
    this.#asking = false
    if (held === true) this.#renewedAt = askedAt
    if (held === false) this.#lost()
  }

  #lost(): void {
    clearInterval(this.#beat)
    this.#over.abort()
  }
}
