import { ClosedError, TimedOutError } from '../errors.ts'
import { Cancellation } from './wire.ts'

/** The end of one exchange: its time, its caller's signal, or the client's close. */
export class Deadline extends Cancellation {
  readonly #operation: () => string
  readonly #after: number
  readonly signal: AbortSignal | undefined
  #timer: NodeJS.Timeout | undefined

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
    this.#timer = setTimeout(() => {
      this.cancel(new TimedOutError(this.#operation(), this.#after))
    }, this.#after)
  }

  /** Nothing can be cancelled any more. */
  end(): void {
    clearTimeout(this.#timer)
    this.signal?.removeEventListener('abort', this.#abort)
  }

  close(what: string): void {
    this.cancel(new ClosedError(what))
  }
}
