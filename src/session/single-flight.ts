/**
 * One run of a piece of work per key, shared by all who ask while it runs. Each caller waits under its own signal; the
 * work itself is aborted only when nobody waits for it any more, so that one impatient caller does not end the login
 * of the others.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>()

  run(key: string, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return join(this.#flights.get(key) ?? this.#begin(key, work), signal)
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController()
    const over = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    }
    const flight: Flight<T> = { result: work(controller.signal).finally(over), controller, over, waiting: 0 }
    this.#flights.set(key, flight)
    return flight
  }
}

interface Flight<T> {
  readonly result: Promise<T>
  readonly controller: AbortController
  /** Nobody joins it any more. */
  over(): void
  waiting: number
}

async function join<T>(flight: Flight<T>, signal: AbortSignal | undefined): Promise<T> {
  flight.waiting += 1
  let leave: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    leave = () => {
      reject(signal?.reason as Error)
    }
    signal?.addEventListener('abort', leave, { once: true })
    if (signal?.aborted === true) leave()
  })
  try {
    return await Promise.race([flight.result, aborted])
  } finally {
    if (leave !== undefined) signal?.removeEventListener('abort', leave)
    flight.waiting -= 1
    if (flight.waiting === 0) {
      // Who comes while it cleans up (a browser takes its time to close) must not get the failure of those who gave up.
      flight.over()
      flight.controller.abort(signal?.reason)
    }
  }
}
