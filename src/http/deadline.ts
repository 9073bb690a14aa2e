import { ClosedError, TimedOutError } from '../errors.ts'
import { Cancellation } from './wire/wire.ts'

/** Node takes more, such as `Infinity`, for one millisecond. */
const longestTimer = 2 ** 31 - 1

/** The end of one exchange: its time, its caller's signal, or the client's close. */
export class Deadline extends Cancellation {
  readonly #operation: () => string
  readonly #after: number
  readonly signal: AbortSignal | undefined
  #timer: NodeJS.Timeout | undefined
  #phaseTimer: NodeJS.Timeout | undefined
  #atEnd: (() => void) | undefined
  /** Milliseconds spent waiting for origins that are held. */
  waited = 0

  /** `after` in milliseconds; 0 for no limit. `operation` is asked only when it is needed for a message. */
  constructor(after: number, operation: () => string, signal?: AbortSignal) {
    super()
    this.#after = after
    this.#operation = operation
    this.signal = signal
    this.restart()
    if (signal === undefined) return
    if (signal.aborted) this.#abort()
    else signal.addEventListener('abort', this.#abort, { once: true })
  }

  readonly #abort = (): void => {
    const reason: unknown = this.signal?.reason
    this.cancel(reason instanceof Error ? reason : new DOMException('The request was aborted', 'AbortError'))
  }

  /** Stops the clock: what follows has a deadline of its own. */
  pause(): void {
    clearTimeout(this.#timer)
  }

  /** Starts the clock anew with the whole time. */
  restart(): void {
    clearTimeout(this.#timer)
    if (this.#after === 0) return
    this.#timer = setTimeout(
      () => {
        this.cancel(new TimedOutError(this.#operation(), this.#after))
      },
      Math.min(this.#after, longestTimer),
    )
  }

  /** Stops the clock and waits; rejects when cancelled. */
  async wait(ms: number): Promise<void> {
    this.waited += ms
    let timer: NodeJS.Timeout | undefined
    try {
      await this.waitFor(new Promise<void>((done) => (timer = setTimeout(done, ms))))
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * Waits for work with deadlines of its own, or for `atMost` ms; the clock stands still and begins anew. Rejects when
   * cancelled, with `late()` when out of time, or with what the work rejects with.
   */
  async waitFor<T>(work: Promise<T>, atMost?: number, late?: () => Error): Promise<T> {
    this.pause()
    clearTimeout(this.#phaseTimer) // both of the attempt before
    this.interruption = undefined
    let timer: NodeJS.Timeout | undefined
    const ended = new Promise<never>((_resolve, reject) => {
      this.onCancel(reject)
      if (atMost === undefined || late === undefined) return
      timer = setTimeout(() => {
        reject(late())
      }, atMost)
    })
    try {
      return await Promise.race([work, ended])
    } finally {
      clearTimeout(timer)
      this.onCancel(undefined)
      this.restart()
    }
  }

  /** Begins a part of the exchange that has `ms` of its own; being late ends this attempt, not the whole. */
  phase(name: 'connect' | 'headers' | 'body', ms: number | undefined): void {
    clearTimeout(this.#phaseTimer)
    this.#phaseTimer = undefined
    if (ms === undefined) return
    this.#phaseTimer = setTimeout(
      () => {
        this.interrupt(new TimedOutError(`${this.#operation()} (${name})`, ms))
      },
      Math.min(ms, longestTimer),
    )
  }

  /** Done when the exchange is over; at most one at a time. */
  atEnd(work: (() => void) | undefined): void {
    this.#atEnd = work
  }

  /** Nothing can be cancelled any more. */
  end(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#phaseTimer)
    this.#atEnd?.()
    this.signal?.removeEventListener('abort', this.#abort)
  }

  close(what: string): void {
    this.cancel(new ClosedError(what))
  }
}
