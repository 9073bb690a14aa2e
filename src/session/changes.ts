import type { Store } from '../store/contract.ts'

/** Tells of changes to one name in a store: what changes between two questions is told at the second. */
export class Changes {
  readonly #stop: () => void
  #changed = false
  #wake: (() => void) | undefined

  constructor(store: Store, name: string) {
    this.#stop = store.watch(name, () => {
      this.#changed = true
      this.#wake?.()
    })
  }

  /** Resolves after a change since the last call, or after `timeout` ms. Rejects with the signal's reason. */
  next(timeout: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', aborted)
        this.#wake = undefined
        this.#changed = false
      }
      const aborted = (): void => {
        done()
        reject(signal.reason instanceof Error ? signal.reason : new DOMException('aborted', 'AbortError'))
      }
      const finish = (): void => {
        done()
        resolve()
      }
      const timer = setTimeout(finish, timeout)
      signal.addEventListener('abort', aborted, { once: true })
      this.#wake = finish
      if (signal.aborted) aborted()
      else if (this.#changed) finish()
    })
  }

  stop(): void {
    this.#stop()
  }
}
