/**
 * Runs one piece of work again and again, never twice at once: soon after `poke`, and at the latest after `rhythm()`
 * milliseconds if there is a rhythm. Any number of pokes before or during a run make one more run: bursts are coalesced.
 */
export class Pump {
  readonly #work: () => Promise<void>
  readonly #rhythm: (() => number) | undefined
  #timer: NodeJS.Timeout | undefined
  #dueAt = Infinity
  #running: Promise<void> | undefined
  #again = false
  #stopped = false

  constructor(work: () => Promise<void>, rhythm?: () => number) {
    this.#work = work
    this.#rhythm = rhythm
  }

  /** Asks for a run after `ms` at the latest (default: as soon as the current turn of the event loop is over). */
  poke(ms = 0): void {
    if (this.#stopped) return
    if (this.#running !== undefined && ms === 0) {
      this.#again = true
      return
    }
    const dueAt = performance.now() + ms
    if (dueAt >= this.#dueAt) return
    clearTimeout(this.#timer)
    this.#dueAt = dueAt
    this.#timer = setTimeout(() => {
      this.#run()
    }, ms)
    // What lives is the browser; the beat of our own heart keeps no process awake.
    if (ms > 0) this.#timer.unref()
  }

  /** Resolves when everything that was asked for up to now has been worked off. */
  async settle(): Promise<void> {
    if (this.#running === undefined) this.#run()
    else this.#again = true
    while (this.#running !== undefined) await this.#running
  }

  /** No further run begins; resolves when the current one has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#clear()
    await this.#running
  }

  #run(): void {
    this.#clear()
    if (this.#stopped) return
    if (this.#running !== undefined) {
      this.#again = true
      return
    }
    this.#again = false
    const goOn = (): void => {
      this.#running = undefined
      if (this.#again) this.#run()
      else if (this.#rhythm !== undefined) this.poke(this.#rhythm())
    }
    // Work that fails has met a closing browser, or a listener of the cell that threw: it was told, that is all there is to do.
    this.#running = this.#work().then(goOn, goOn)
  }

  #clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#dueAt = Infinity
  }
}
