/** First come, first served: one at a time stands first and looks for an account, the others wait behind. */
export class WaitingLine {
  readonly #waiting: Waiter[] = []
  #isTaken = false

  /** How many have not got what they wait for, the first included. */
  get length(): number {
    return this.#waiting.length + (this.#isTaken ? 1 : 0)
  }

  /** Resolves when the caller is first, with the function that lets the next one in. Rejects with the signal's reason. */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#isTaken) await this.#wait(signal)
    this.#isTaken = true
    let left = false
    return () => {
      if (left) return
      left = true
      this.#leave()
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(signal.reason as Error)
      }
      const waiter = {
        go: () => {
          signal.removeEventListener('abort', giveUp)
          resolve()
        },
      }
      signal.addEventListener('abort', giveUp, { once: true })
      this.#waiting.push(waiter)
    })
  }

  #leave(): void {
    const next = this.#waiting.shift()
    // The place is handed over, never free in between: nobody who comes just now gets ahead.
    if (next === undefined) this.#isTaken = false
    else next.go()
  }
}

interface Waiter {
  go(): void
}
