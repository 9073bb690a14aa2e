import type { LiveSession } from '../live-session.ts'
import type { Proxy } from './proxies.ts'

interface Entry {
  readonly session: LiveSession
  readonly proxyId: string | undefined
  /** Runs while nobody uses it. */
  timer: NodeJS.Timeout | undefined
}

export interface OpenSessionsOptions {
  readonly keepOpen: number
  /** ms */
  readonly idle: number
  /** Told when a session could not be saved or closed in good order. */
  failed(name: string, error: unknown): void
}

/** The sessions that a pool has open: those in use, and of the others the last used, for a while. */
export class OpenSessions {
  readonly #options: OpenSessionsOptions
  readonly #used = new Map<string, Entry>()
  /** Used longest ago first. */
  readonly #kept = new Map<string, Entry>()
  readonly #closing = new Set<Promise<void>>()

  constructor(options: OpenSessionsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#used.size + this.#kept.size
  }

  /** The one that is kept open, brought up to date, or what `open` gives. `anew`: what is kept is history. */
  async take(
    name: string,
    { proxy, anew }: { readonly proxy: Proxy | undefined; readonly anew: boolean },
    open: () => Promise<LiveSession>,
  ): Promise<LiveSession> {
    const session = (await this.#reuse(name, anew ? null : proxy)) ?? (await open())
    this.#used.set(name, { session, proxyId: proxy?.id, timer: undefined })
    return session
  }

  /** After a use. `keep`: false closes it at once. Resolves when the session is closed or safe to be left open. */
  async giveBack(name: string, keep: boolean): Promise<void> {
    const entry = this.#used.get(name)
    if (entry === undefined) return
    this.#used.delete(name)
    if (!keep || this.#options.keepOpen === 0 || !entry.session.isOpen) {
      await this.#close(name, entry)
      return
    }
    // Before anybody else gets the account. A store that is away gets it later: the session goes on trying.
    await entry.session.save().catch((error: unknown) => {
      this.#options.failed(name, error)
    })
    entry.timer = setTimeout(() => {
      this.#kept.delete(name)
      void this.#close(name, entry)
    }, this.#options.idle).unref()
    this.#kept.set(name, entry)
    const [oldest] = this.#kept
    if (oldest !== undefined && this.#kept.size > this.#options.keepOpen) this.#drop(...oldest)
  }

  /** Closes those that are not in use and do not fit. */
  async dropUnfit(fits: (proxyId: string | undefined) => boolean): Promise<void> {
    for (const [name, entry] of [...this.#kept]) if (!fits(entry.proxyId)) this.#drop(name, entry)
    await this.#closed()
  }

  /** What is still in use is closed, too. */
  async closeAll(): Promise<void> {
    for (const [name, entry] of [...this.#kept]) this.#drop(name, entry)
    for (const [name, entry] of [...this.#used]) void this.#close(name, entry)
    this.#used.clear()
    await this.#closed()
  }

  async #reuse(name: string, proxy: Proxy | undefined | null): Promise<LiveSession | undefined> {
    const entry = this.#kept.get(name)
    if (entry === undefined) return undefined
    this.#kept.delete(name)
    clearTimeout(entry.timer)
    if (proxy !== null && entry.proxyId === proxy?.id && entry.session.isOpen) {
      // Who has used it elsewhere may have rotated what we hold.
      const isFresh = await entry.session.refresh().then(
        () => true,
        () => false,
      )
      if (isFresh) return entry.session
    }
    await this.#close(name, entry)
    return undefined
  }

  #drop(name: string, entry: Entry): void {
    this.#kept.delete(name)
    clearTimeout(entry.timer)
    void this.#close(name, entry)
  }

  #close(name: string, { session }: Entry): Promise<void> {
    const closing = session
      .close()
      .catch((error: unknown) => {
        this.#options.failed(name, error)
      })
      .finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
    return closing
  }

  async #closed(): Promise<void> {
    await Promise.all(this.#closing)
  }
}
