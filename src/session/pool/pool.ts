import { ClosedError } from '../../errors.ts'
import { orAbort } from '../../login/quiet.ts'
import { codeOf, type Logger } from '../../observe/events.ts'
import { AccountLostError, NoAccountError } from '../account-errors.ts'
import type { AttemptLimit } from '../renewal/attempt-budget.ts'
import { changeLedger, withEvent, type LedgerPage } from '../ledger.ts'
import type { LiveSession } from '../live-session.ts'
import type { Shelf } from '../stored.ts'
import { Accounts, type PoolAccount } from './accounts.ts'
import { Claims, type Held } from './claims.ts'
import { OpenSessions } from './open-sessions.ts'
import type { PoolOptions, PoolStats, Use, UseOptions } from './pool-options.ts'
import { Proxies } from './proxies.ts'
import { faultOf, isProxyFault, quarantineFor, type AccountFault } from './quarantine.ts'

export interface PoolHost {
  /** Of the recipe, for messages. */
  readonly pool: string
  readonly shelf: Shelf
  readonly logger: Logger
  readonly attempts: AttemptLimit | undefined
  readonly accounts: readonly Pick<PoolAccount, 'account' | 'name'>[]
  open(account: string, proxyUrl: string | undefined, signal: AbortSignal): Promise<LiveSession>
}

const defaultTimeout = 60_000
/** The time of the last use is written down no more often than this, ms. */
const noteUseEvery = 1_000

/** See `Pool`. */
export class SessionPool {
  readonly #host: PoolHost
  readonly #options: Required<Pick<PoolOptions, 'ttl' | 'closeWithin'>>
  readonly #accounts: Accounts
  readonly #proxies: Proxies
  readonly #sessions: OpenSessions
  readonly #claims: Claims
  readonly #closed = new AbortController()
  readonly #ended = new AbortController()
  readonly #uses = new Set<Promise<unknown>>()

  constructor(host: PoolHost, options: PoolOptions) {
    const { keepOpen = 10, idle = 300_000, ttl = 30_000, closeWithin = 30_000, proxies = [] } = options
    this.#host = host
    this.#options = { ttl, closeWithin }
    this.#accounts = new Accounts(host.shelf, host.accounts, host.attempts)
    this.#proxies = new Proxies(proxies)
    this.#sessions = new OpenSessions({
      ...{ keepOpen, idle },
      failed: (session, error) => {
        host.logger.warn({ session, error: codeOf(error) }, 'not closed in good order')
      },
    })
    this.#claims = new Claims({
      ...{ pool: host.pool, store: host.shelf.store, ttl, closed: this.#closed.signal },
      ...{ accounts: this.#accounts, proxies: this.#proxies },
    })
  }

  async use<T>(use: Use<T>, options: UseOptions = {}): Promise<T> {
    this.#assertOpen()
    const running = this.#useAny(use, options)
    this.#uses.add(running)
    try {
      return await running
    } finally {
      this.#uses.delete(running)
    }
  }

  async setProxies(proxies: readonly string[]): Promise<void> {
    this.#proxies.replace(proxies)
    await this.#sessions.dropUnfit((id) => this.#proxies.has(id))
  }

  async stats(): Promise<PoolStats> {
    await this.#accounts.refresh()
    const { all } = this.#accounts
    const now = Date.now()
    const busy = all.filter((account) => account.busy)
    const idle = all.filter((account) => !account.busy)
    const quarantined = idle.filter((account) => this.#accounts.unfitUntil(account) !== undefined)
    const fit = idle.filter((account) => !quarantined.includes(account))
    const elsewhere = fit.filter(({ elsewhereAt }) => now - elsewhereAt < this.#options.ttl)
    return {
      accounts: all.length,
      free: fit.length - elsewhere.length,
      busy: busy.length,
      elsewhere: elsewhere.length,
      quarantined: quarantined.length,
      open: this.#sessions.size,
      waiting: this.#claims.waiting,
    }
  }

  /** Lets nobody in any more, waits for what is under way, ends it when it takes too long, and closes all sessions. */
  async close(): Promise<void> {
    this.#closed.abort(new ClosedError(`The pool of ${this.#host.pool}`))
    const overdue = setTimeout(() => {
      this.#ended.abort(new ClosedError(`The pool of ${this.#host.pool}`))
    }, this.#options.closeWithin)
    await Promise.allSettled(this.#uses)
    clearTimeout(overdue)
    await this.#sessions.closeAll()
  }

  async #useAny<T>(use: Use<T>, options: UseOptions): Promise<T> {
    const { retries = 0, timeout = defaultTimeout } = options
    const deadline = performance.now() + timeout
    const tried = new Set<PoolAccount>()
    let last: unknown
    for (;;) {
      const wish = { timeout, deadline, signal: options.signal }
      const held = await this.#claims.claim(tried, wish).catch((error: unknown) => {
        // That no other account is left is no news to who has seen why.
        throw error instanceof NoAccountError && tried.size > 0 ? last : error
      })
      try {
        return await this.#useHeld(held, use, options.signal)
      } catch (error) {
        const isAnothersTurn = isProxyFault(error) || faultOf(error, held.account.name) !== undefined
        tried.add(held.account)
        last = error
        if (!isAnothersTurn || tried.size > retries) throw error
      }
    }
  }

  async #useHeld<T>(held: Held, use: Use<T>, signal: AbortSignal | undefined): Promise<T> {
    const { account, lease, proxy } = held
    const given = [lease.signal, this.#ended.signal, ...(signal === undefined ? [] : [signal])]
    const using = { signal: AbortSignal.any(given) }
    let outcome: 'good' | 'failed' | 'unknown' = 'unknown'
    let keep = true
    try {
      const session = await this.#open(held, using.signal)
      // A function that ignores the signal loses the account all the same: it is no longer ours to use.
      const gone = AbortSignal.any([lease.signal, this.#ended.signal])
      const result = await orAbort(use(session, using), gone)
      outcome = 'good'
      await this.#noteGoodUse(held)
      return result
    } catch (error) {
      keep = false
      if (lease.signal.aborted) throw new AccountLostError(account.name, this.#options.ttl)
      if (isProxyFault(error)) outcome = 'failed'
      const fault = faultOf(error, account.name)
      if (fault !== undefined) await this.#quarantine(account, fault)
      else keep = true
      throw error
    } finally {
      if (proxy !== undefined) this.#proxies.ended(proxy, outcome)
      await this.#giveBack(held, keep)
    }
  }

  async #open({ account, page, proxy }: Held, signal: AbortSignal): Promise<LiveSession> {
    if (proxy !== undefined && page.proxy !== proxy.id)
      await changeLedger(this.#host.shelf, account.name, (before) => ({ ...before, proxy: proxy.id }))
    return this.#sessions.take(account.name, { proxy, anew: page.removedAt !== undefined }, () =>
      this.#host.open(account.account, proxy?.url, signal),
    )
  }

  /** What a use has changed is safe before anybody else gets the account. */
  async #giveBack({ account, lease, proxy }: Held, keep: boolean): Promise<void> {
    const stays =
      keep && !lease.signal.aborted && !this.#closed.signal.aborted && this.#proxies.has(proxy?.id)
    await this.#sessions.giveBack(account.name, stays)
    await lease.release()
    account.usedAt = Date.now()
    account.busy = false
    this.#claims.look()
  }

  /** The ledger tells and does not decide: that it cannot be written must not lose what the use has brought. */
  async #noteGoodUse({ account, page }: Held): Promise<void> {
    const now = Date.now()
    if (page.quarantine === undefined && now - (page.usedAt ?? 0) < noteUseEvery) return
    await this.#change(account, ({ quarantine: _, ...before }) => ({ ...before, usedAt: now }))
  }

  async #quarantine(account: PoolAccount, fault: AccountFault): Promise<void> {
    await this.#change(account, (page) => {
      const quarantine = quarantineFor(fault, page.quarantine)
      const why = `${fault.why}, until ${new Date(quarantine.until).toISOString()}`
      return withEvent({ ...page, quarantine }, { kind: 'quarantined', why })
    })
    this.#host.logger.warn({ session: account.name, why: fault.why }, 'quarantined')
  }

  async #change(account: PoolAccount, change: (page: LedgerPage) => LedgerPage): Promise<void> {
    try {
      this.#accounts.learn(account, await changeLedger(this.#host.shelf, account.name, change))
    } catch (error) {
      this.#host.logger.warn({ session: account.name, error: codeOf(error) }, 'not written down')
    }
  }

  #assertOpen(): void {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason
  }
}
