import type { Browser } from 'playwright'
import type { BrowserOptions } from '../../login/browser.ts'

/** One browser for all visits of a vault: opened at the first, closed when the last session that used it closes. */
export class SharedBrowser {
  readonly #options: BrowserOptions
  readonly #users = new Set<object>()
  #opening: Promise<{ browser: Browser; close(): Promise<void> }> | undefined

  constructor(options: BrowserOptions) {
    this.#options = options
  }

  /** A browser that died is replaced. Throws `BrowserMissingError`. */
  async use(user: object): Promise<Browser> {
    this.#users.add(user)
    const opened = await this.#opening?.catch(() => undefined)
    if (opened?.browser.isConnected() === true) return opened.browser
    this.#opening = import('../../login/browser.ts').then(({ openBrowser }) => openBrowser(this.#options))
    return (await this.#opening).browser
  }

  async leave(user: object): Promise<void> {
    if (!this.#users.delete(user) || this.#users.size > 0) return
    const opening = this.#opening
    this.#opening = undefined
    const opened = await opening?.catch(() => undefined)
    await opened?.close()
  }
}
