import { steadyNow } from '../../observe/clock.ts'
import type { Deadline } from '../deadline.ts'
import { defaultMaxWait, type ResilienceOptions } from '../options.ts'
import { longestWait } from './retry-after.ts'
import type { Asker, OriginStanding } from './traffic.ts'
import { BlockedError, CircuitOpenError, type Blocker } from './traffic-errors.ts'
import { plainUrl } from '../../errors.ts'

/** Those who have waited together come back spread over so many ms. */
const spread = 250
/** First pause after a challenge or a limit that names no time, ms; twice as long after each further one in a row. */
const firstPause = 1_000
const defaultFailures = 20
const defaultCooldown = 5_000

/**
 * One origin, as one session knows it. All on a clock that is never set (a kept circuit breaker, cockatiel's, reads the wall
 * clock and cannot be asked without a promise per request, and none of them knows one wait for all; see
 * docs/decisions/0007-resilience.md).
 */
export class OriginTraffic {
  readonly #origin: string
  readonly #failuresToOpen: number
  readonly #cooldown: number
  readonly #maxWait: number
  #heldUntil = 0
  #heldBy: Blocker | undefined
  #blocks = 0
  #failures = 0
  #openUntil: number | undefined
  #trying = false

  constructor(origin: string, { circuit, retry }: ResilienceOptions) {
    this.#origin = origin
    this.#failuresToOpen = circuit === false ? Infinity : (circuit?.failures ?? defaultFailures)
    this.#cooldown = circuit === false ? 0 : (circuit?.cooldown ?? defaultCooldown)
    this.#maxWait = retry === false ? 0 : (retry?.maxWait ?? defaultMaxWait)
  }

  /** Nothing to be remembered. */
  get isIdle(): boolean {
    return steadyNow() >= this.#heldUntil && this.#failures === 0 && this.#openUntil === undefined
  }

  /** `undefined`: send. */
  admit(asker: Asker, deadline: Deadline): Promise<void> | undefined {
    if (this.#openUntil === undefined && steadyNow() >= this.#heldUntil) return undefined
    return this.#admit(asker, deadline)
  }

  async #admit(asker: Asker, deadline: Deadline): Promise<void> {
    for (;;) {
      const wait = this.#heldUntil - steadyNow()
      if (wait <= 0) break
      // Who would have to wait too long is told so at once, and does not hold a place in the meantime.
      if (deadline.waited + wait > this.#maxWait)
        throw this.blocked(asker.session, asker.url, undefined, this.#heldBy ?? 'rate limit')
      await deadline.wait(wait + Math.random() * Math.min(spread, wait))
    }
    if (this.#openUntil === undefined) return
    if (this.#trying || steadyNow() < this.#openUntil)
      throw new CircuitOpenError(asker.session, this.#origin, this.#failures, unix(this.#openUntil))
    this.#trying = true
  }

  succeeded(): void {
    this.#failures = 0
    this.#openUntil = undefined
    this.#trying = false
    if (steadyNow() >= this.#heldUntil) this.#blocks = 0
  }

  failed(): void {
    this.#failures += 1
    this.#trying = false
    if (this.#failures >= this.#failuresToOpen) this.#openUntil = steadyNow() + this.#cooldown
  }

  gaveUp(): void {
    this.#trying = false
  }

  /**
   * Nobody asks for `wait` ms (default: longer with each one in a row). True when it is the first in a row: those that were
   * under way when the first no came say nothing new.
   */
  hold(by: Blocker, wait: number | undefined): boolean {
    const now = steadyNow()
    const isNew = now >= this.#heldUntil
    if (isNew) this.#blocks += 1
    const pause = wait ?? Math.min(longestWait, firstPause * 2 ** (this.#blocks - 1))
    this.#heldUntil = Math.max(this.#heldUntil, now + pause)
    this.#heldBy = by
    return isNew && this.#blocks === 1
  }

  blocked(session: string, url: URL, statusCode: number | undefined, by: Blocker): BlockedError {
    return new BlockedError({ session, url: plainUrl(url), statusCode, by, until: unix(this.#heldUntil) })
  }

  standing(): OriginStanding {
    const held = steadyNow() < this.#heldUntil
    return {
      origin: this.#origin,
      circuit: this.#trying ? 'half-open' : this.#openUntil === undefined ? 'closed' : 'open',
      failures: this.#failures,
      heldUntil: held ? unix(this.#heldUntil) : undefined,
      heldBy: held ? this.#heldBy : undefined,
    }
  }
}

function unix(steady: number): number {
  return Math.ceil(Date.now() + steady - steadyNow())
}
