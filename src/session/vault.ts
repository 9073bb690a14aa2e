import { createHttp, type SessionHttp } from '../http/client.ts'
import type { Recipe } from '../login/recipe.ts'
import { silentLogger } from '../observe/events.ts'
import type { Snapshot } from '../snapshot/envelope.ts'
import { parseKeys } from '../snapshot/keys.ts'
import { Cell } from '../state/cell.ts'
import { LivingPages } from './visits/living-pages.ts'
import type { LiveSession, SessionHost } from './live-session.ts'
import { openSession, sessionName } from './open-session.ts'
import { checkOpenOptions, checkVaultOptions, type OpenOptions, type VaultOptions } from './options.ts'
import { openPool, type OpenVia, type Pool } from './pool/open-pool.ts'
import type { PoolOptions } from './pool/pool-options.ts'
import type { Renewed } from './renewal/renew-once.ts'
import { withoutPatience } from './patience.ts'
import type { RenewalPlace } from './renewal/renew-session.ts'
import type { RenewWish } from './renewal/renewing.ts'
import type { Session } from './session.ts'
import { SingleFlight } from './single-flight.ts'
import { SharedBrowser } from './visits/shared-browser.ts'
import type { RemoveOptions } from './operations/removing.ts'
import { listNames } from './session-names.ts'
import { readStored, type Shelf } from './stored.ts'
import { vaultOperations, type VaultOperations } from './vault-operations.ts'

/** Store, keys and policy: opens sessions by recipe and account. */
export interface Vault extends VaultOperations {
  /**
   * Resumes the stored session, or logs in, once for all processes that share the store.
   *
   * A stored session whose proof of life is older than `policy.freshFor` is asked for by its probe first. Throws
   * `NotSignedInError` and `SessionDeadError` with `login: 'never'`, `LoginFailedError`, `NeedsPersonError`,
   * `BrowserMissingError`, `SecretMissingError`, `SecretOriginError` from the login, `SnapshotUnreadableError` when
   * what is stored does not open, `EgressChangedError` when it would go by another proxy than its login (or by none),
   * `StoreFailedError`, and the signal's reason.
   */
  open(recipe: Recipe, options?: OpenOptions): Promise<Session>
  /** Many accounts of one recipe, each used by one at a time in all processes. Throws `TypeError` for misuse. */
  pool(recipe: Recipe, accounts: readonly string[], options?: PoolOptions): Pool
  /** Names of the stored sessions, sorted. */
  list(): Promise<string[]>
  /** A stored session as it stands, without opening it or asking the server. */
  peek(name: string): Promise<{ readonly snapshot: Snapshot; readonly bytes: number } | undefined>
  /** Writes a session that was made elsewhere (an import, a capture); replaces what stands there. */
  put(name: string, content: Pick<Snapshot, 'state'> & Partial<Snapshot>): Promise<void>
  /**
   * Forgets a stored session, all its generations; the server is not told. `everywhere`: its events and failed logins, too.
   * A process that has it open still uses it until it closes, and neither saves it nor signs in again.
   */
  remove(name: string, options?: RemoveOptions): Promise<void>
  /** Our clients without a session, with a jar of their own: what a stranger gets to see. */
  anonymous(): Visitor
}

export interface Visitor extends AsyncDisposable {
  readonly http: SessionHttp
}

/** Throws `TypeError` for misuse and `KeyInvalidError`. Opens nothing: the store is read at the first `open`. */
export function createVault(options: VaultOptions): Vault {
  checkVaultOptions(options)
  const goesOn = options.policy?.storeDown === 'continue'
  const store = goesOn ? withoutPatience(options.store) : options.store
  const shelf: Shelf = { store, keys: parseKeys(options.key ?? []) }
  const logger = options.logger ?? silentLogger
  const place: RenewalPlace = {
    options,
    shelf,
    logger,
    browser: new SharedBrowser(options.browser ?? {}),
    living: new LivingPages(),
  }
  const renewals = new SingleFlight<Renewed>()
  const host = hostAt(place)

  /** Opens sessions by the options of the place; renewals are shared by all places of the vault. */
  function hostAt(at: RenewalPlace): SessionHost {
    return { ...at, vault: at.options, renew: (recipe, account, wish) => renew(at, recipe, account, wish) }
  }

  /** One renewal for all: single flight within this process, and by `renewOnce` over all processes. */
  function renew(at: RenewalPlace, recipe: Recipe, account: string, wish: RenewWish): Promise<Renewed> {
    const name = sessionName(recipe, account)
    return renewals.run(name, wish.signal, async (signal) => {
      // What a login needs is loaded with the first: resuming does not wait for it.
      const [{ renewSession }, { aboveRemoved }] = await Promise.all([
        import('./renewal/renew-session.ts'),
        import('./operations/removing.ts'),
      ])
      const isOpen = wish.deadEpoch > 0
      const above = await aboveRemoved(shelf, name, wish)
      return renewSession(at, { name, recipe, account, wish: above, isOpen, signal })
    })
  }

  return {
    ...vaultOperations(place),

    async open(recipe, openOptions = {}) {
      checkOpenOptions(openOptions)
      return openSession(host, recipe, openOptions)
    },

    pool(recipe, accounts, poolOptions = {}) {
      const open = (
        through: Recipe,
        account: string,
        { proxyUrl, signal }: OpenVia,
      ): Promise<LiveSession> => {
        const http = { ...options.http, ...(proxyUrl !== undefined && { proxyUrl }) }
        const policy = proxyUrl === undefined ? options.policy : { egress: 'any' as const, ...options.policy }
        const here = { ...options, http, ...(policy !== undefined && { policy }) }
        return openSession(hostAt({ ...place, options: here }), through, { account, signal })
      }
      return openPool({ shelf, logger, recipe, open }, accounts, poolOptions)
    },

    async list() {
      return [...(await listNames(shelf)).sessions]
    },

    async peek(name) {
      const stored = await readStored(shelf, name)
      return stored && { snapshot: stored.snapshot, bytes: stored.size }
    },

    put: async (name, content) =>
      (await import('./operations/put-session.ts')).putSession(shelf, name, content),

    remove: async (name, how) => (await import('./operations/removing.ts')).removeSession(shelf, name, how),

    anonymous() {
      const carrier = { name: 'anonymous', cell: new Cell(), identity: undefined, headerRules: [] }
      const http = createHttp(carrier, options.http)
      return { http, [Symbol.asyncDispose]: () => http.close() }
    },
  }
}
