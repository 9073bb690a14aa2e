import type { LivingPage } from '../../login/run-login.ts'

/** How long a page waits for the session that it belongs to, ms. */
const unclaimed = 10_000

/**
 * Pages of logins whose sessions cannot leave the browser, by the session's name: one each, the newest. Closed when
 * no session of that name is open any more.
 */
export class LivingPages {
  readonly #pages = new Map<string, LivingPage>()
  readonly #users = new Map<string, Set<object>>()

  /** Takes the place of an older one, which is closed. */
  keep(name: string, page: LivingPage): void {
    void this.#pages.get(name)?.close()
    this.#pages.set(name, page)
    const look = setTimeout(() => {
      if (this.#pages.get(name) === page && !this.#users.has(name)) void this.#close(name)
    }, unclaimed)
    look.unref()
  }

  of(name: string): LivingPage | undefined {
    const living = this.#pages.get(name)
    return living?.page.isClosed() === false ? living : undefined
  }

  join(name: string, user: object): void {
    const users = this.#users.get(name) ?? new Set()
    this.#users.set(name, users.add(user))
  }

  async leave(name: string, user: object): Promise<void> {
    const users = this.#users.get(name)
    if (users?.delete(user) !== true || users.size > 0) return
    this.#users.delete(name)
    await this.#close(name)
  }

  async #close(name: string): Promise<void> {
    const living = this.#pages.get(name)
    this.#pages.delete(name)
    await living?.close()
  }
}
