import type { BrowserContext, Page } from 'playwright'
import { untilSettled } from '../../login/quiet.ts'
import { watchRequests } from '../../login/learn/watch-requests.ts'

/**
 * A page of the session that stays open. Any number of fetches at a time run in it; a visit, which may lead it elsewhere,
 * has it alone.
 */
export class KeptPage {
  readonly page: Page
  readonly context: BrowserContext
  /** Of the session when the page was signed in. */
  readonly epoch: number
  readonly #home: string
  readonly #fetches = new Set<Promise<unknown>>()
  #visit: Promise<unknown> = Promise.resolve()

  constructor(page: Page, home: string, epoch: number) {
    this.page = page
    this.context = page.context()
    this.epoch = epoch
    this.#home = home
  }

  get isOpen(): boolean {
    return !this.page.isClosed()
  }

  /** Runs beside other fetches, after the visits before it, at the application's own origin. */
  async fetching<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#visit
    const running = this.#stand(signal).then(work)
    const entry = running.catch(() => undefined).finally(() => this.#fetches.delete(entry))
    this.#fetches.add(entry)
    return running
  }

  /** Runs alone, after what was begun before. */
  async visiting<T>(work: () => Promise<T>): Promise<T> {
    const before = Promise.all([this.#visit, ...this.#fetches])
    const running = before.then(work)
    this.#visit = running.catch(() => undefined)
    return running
  }

  /** Loads the application anew, and lets it do what it does at its start. */
  async reload(signal: AbortSignal): Promise<void> {
    const watch = watchRequests(this.context)
    try {
      await this.page.goto(this.#home, { waitUntil: 'domcontentloaded', timeout: 0 })
      await untilSettled(watch, this.page, signal)
    } finally {
      watch.stop()
    }
  }

  #standing: Promise<void> | undefined

  async #stand(signal: AbortSignal): Promise<void> {
    const url = this.page.url()
    if (URL.canParse(url) && new URL(url).origin === new URL(this.#home).origin) return
    this.#standing ??= this.reload(signal).finally(() => (this.#standing = undefined))
    await this.#standing
  }
}
