import type { Deadline } from '../deadline.ts'
import type { PerOriginLimits, ResilienceOptions } from '../options.ts'
import type { OriginTraffic } from './origin-traffic.ts'
import type { Places } from './places.ts'
import type { Blocker } from './traffic-errors.ts'
import type { Connections } from '../wire/wire.ts'

/** How an origin stands with a session's clients. */
export interface OriginStanding {
  readonly origin: string
  /** `half-open`: one request is trying whether the origin is back. */
  readonly circuit: 'closed' | 'open' | 'half-open'
  /** Failures in a row. */
  readonly failures: number
  /** Unix milliseconds; `undefined` when it may be asked now. */
  readonly heldUntil: number | undefined
  readonly heldBy: Blocker | undefined
}

/** How a session's clients stand with the sites they ask, as of now. */
export interface TrafficFigures {
  /** Origins with trouble now or lately; the others are closed, free and without failures. */
  readonly origins: readonly OriginStanding[]
  /** Of the clients that were used. */
  readonly connections: { readonly http?: Connections; readonly fetch?: Connections }
}

/** Who asks, for messages. */
export interface Asker {
  readonly session: string
  readonly url: URL
}

/**
 * What all clients of a session share about the origins they ask: one that says "later" is left alone by all of them, and
 * one that fails again and again by all. Knows only origins with trouble: while there is none, a request costs one look
 * at an empty map, and the code that deals with trouble is not loaded.
 */
export class Traffic {
  readonly options: ResilienceOptions
  readonly #origins = new Map<string, OriginTraffic>()
  #places: Promise<Places> | undefined

  constructor(options: ResilienceOptions = {}) {
    this.options = options
  }

  /** `undefined`: go on. Else resolves when the request may be sent; rejects with `BlockedError` or `CircuitOpenError`. */
  admission(asker: Asker, deadline: Deadline): Promise<void> | undefined {
    if (this.#origins.size === 0) return undefined
    return this.#origins.get(asker.url.origin)?.admit(asker, deadline)
  }

  succeeded(url: URL): void {
    if (this.#origins.size === 0) return
    const traffic = this.#origins.get(url.origin)
    if (traffic === undefined) return
    traffic.succeeded()
    if (traffic.isIdle) this.#origins.delete(url.origin)
  }

  /** The one that tried whether the origin is back has ended without an answer to that. */
  gaveUp(url: URL): void {
    this.#origins.get(url.origin)?.gaveUp()
  }

  async failed(url: URL): Promise<void> {
    if (this.options.circuit === false) return
    ;(await this.of(url)).failed()
  }

  /** Loads the code for trouble. */
  async of(url: URL): Promise<OriginTraffic> {
    const { OriginTraffic: Class } = await import('./origin-traffic.ts')
    let traffic = this.#origins.get(url.origin)
    if (traffic === undefined) this.#origins.set(url.origin, (traffic = new Class(url.origin, this.options)))
    return traffic
  }

  /** Waits for a place among the requests to that origin; resolves with what gives it back. */
  async place(limits: PerOriginLimits, url: URL, deadline: Deadline): Promise<() => void> {
    this.#places ??= import('./places.ts').then(({ Places: Class }) => new Class(limits))
    return (await this.#places).take(url.origin, deadline)
  }

  standings(): OriginStanding[] {
    return [...this.#origins.values()].map((traffic) => traffic.standing())
  }
}
