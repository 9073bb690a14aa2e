/**
 * One run of a piece of work per key, shared by all who ask while it runs. Each caller waits under its own signal; the
 * work itself is aborted only when nobody waits for it any more, so that one impatient caller does not end the login
 * of the others.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>()

  run(key: string, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    let flight = this.#flights.get(key)
    if (flight === undefined) {
      const controller = new AbortController()
      const result = work(controller.signal).finally(() => this.#flights.delete(key))
      flight = { result, controller, waiting: 0 }
      this.#flights.set(key, flight)
    }
    return join(flight, signal)
  }
}

interface Flight<T> {
  readonly result: Promise<T>
  readonly controller: AbortController
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
    if (flight.waiting === 0) flight.controller.abort(signal?.reason)
  }
}
