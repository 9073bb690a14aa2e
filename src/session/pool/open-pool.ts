import type { Recipe } from '../../login/recipe.ts'
import type { Logger } from '../../observe/events.ts'
import type { LiveSession } from '../live-session.ts'
import { sessionName } from '../open-session.ts'
import type { Shelf } from '../stored.ts'
import type { SessionPool } from './pool.ts'
import {
  checkPool,
  checkProxies,
  type PoolOptions,
  type PoolStats,
  type Use,
  type UseOptions,
} from './pool-options.ts'

/** Many accounts of one recipe, each used by one at a time over all processes that share the store. */
export interface Pool extends AsyncDisposable {
  /**
   * Runs `use` with the session of an account that nobody else has, in any process, until it ends: the fit account that
   * has been idle longest. When all are taken it waits, first come first served within this process and by turns over
   * all. The session stays open for the next use; what it changed is saved before the account is given back.
   *
   * Rejects with what `use` threw. `SessionDeadError`, `LoginFailedError` (`rejected`), `HeldOffError`, `NeedsPersonError` and
   * `AccountBlockedError` of the account's session put it in quarantine, longer each time in a row, for all processes; only
   * with `retries` another account is tried then. Rejects with `TimedOutError` when no account comes free in time, `NoAccountError` when
   * all are in quarantine, `AccountLostError` when this process was silent for longer than `ttl`, `ClosedError`,
   * `StoreFailedError`, what opening a session throws, and the signal's reason.
   */
  use<T>(use: Use<T>, options?: UseOptions): Promise<T>
  /**
   * Puts another list in the place of `proxies`. Sessions on a proxy that is gone finish what they do on it, and then
   * move; resolves when those that are not in use are closed.
   */
  setProxies(proxies: readonly string[]): Promise<void>
  stats(): Promise<PoolStats>
  /** Lets nobody in any more, waits for the uses that are under way, and closes the sessions. A second call does nothing. */
  close(): Promise<void>
}

export interface OpenPoolHost {
  readonly shelf: Shelf
  readonly logger: Logger
  readonly recipe: Recipe
  /** Opens a session whose requests, logins and visits all go through the proxy. */
  open(recipe: Recipe, account: string, how: OpenVia): Promise<LiveSession>
}

export interface OpenVia {
  readonly proxyUrl: string | undefined
  readonly signal: AbortSignal
}

/** Throws `TypeError` for misuse. Opens nothing; what a pool needs is loaded at its first use. */
export function openPool(host: OpenPoolHost, accounts: readonly string[], options: PoolOptions): Pool {
  checkPool(accounts, options)
  const { recipe, shelf, logger } = host
  const { tenant } = options
  const named = accounts
    .map((account) => (tenant === undefined ? account : `${tenant}~${account}`))
    .map((account) => ({ account, name: sessionName(recipe, account) }))
  let made: Promise<SessionPool> | undefined
  const pool = (): Promise<SessionPool> => {
    made ??= import('./pool.ts').then(
      ({ SessionPool }) =>
        new SessionPool(
          {
            ...{ shelf, logger, pool: recipe.name, attempts: recipe.attempts, accounts: named },
            open: (account, proxyUrl, signal) => host.open(recipe, account, { proxyUrl, signal }),
          },
          options,
        ),
    )
    return made
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= pool().then((open) => open.close()))
  return {
    use: async (use, how) => (await pool()).use(use, how),
    async setProxies(proxies) {
      checkProxies(proxies)
      await (await pool()).setProxies(proxies)
    },
    stats: async () => (await pool()).stats(),
    close,
    [Symbol.asyncDispose]: close,
  }
}
