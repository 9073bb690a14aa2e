import type { Browser } from 'playwright'
import { ClosedError } from '../../errors.ts'
import type { BrowserOptions, OpenedBrowser } from '../../login/browser.ts'

/** One browser for all visits of a vault: opened at the first, closed when the last session that used it closes. */
export class SharedBrowser {
  readonly #options: BrowserOptions
  readonly #users = new Set<object>()
  #opening: Promise<OpenedBrowser> | undefined

  constructor(options: BrowserOptions) {
    this.#options = options
  }

  /** A browser that died is replaced. Throws `BrowserMissingError`, and `ClosedError` to who has left meanwhile. */
  async use(user: object): Promise<Browser> {
    this.#users.add(user)
    const before = this.#opening
    if (before === undefined) return (await this.#open()).browser
    const opened = await before.catch(() => undefined)
    if (opened?.browser.isConnected() === true) return opened.browser
    if (!this.#users.has(user)) throw new ClosedError('The browser of the visits')
    // All who waited with us have seen it dead: the first opens another, and the others take that one.
    const another = this.#opening === before ? undefined : this.#opening
    return (await (another ?? this.#open())).browser
  }

  /** Known to those who come next before anything is waited for: else each would open one, and all but one stay open. */
  #open(): Promise<OpenedBrowser> {
    this.#opening = import('../../login/browser.ts').then(({ openBrowser }) => openBrowser(this.#options))
    return this.#opening
  }

  async leave(user: object): Promise<void> {
    if (!this.#users.delete(user) || this.#users.size > 0) return
    const opening = this.#opening
    this.#opening = undefined
    const opened = await opening?.catch(() => undefined)
    await opened?.close()
  }
}
