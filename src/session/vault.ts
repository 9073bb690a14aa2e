import { NotSignedInError, SessionDeadError } from '../errors.ts'
import { createHttp, type SessionHttp } from '../http/client.ts'
import type { Harvest } from '../login/run-login.ts'
import type { Recipe } from '../login/recipe.ts'
import { silentLogger, type Logger } from '../observe/events.ts'
import type { Snapshot } from '../snapshot/envelope.ts'
import { parseKeys } from '../snapshot/keys.ts'
import { Cell } from '../state/cell.ts'
import { loginOnce } from './login-once.ts'
import { checkOpenOptions, checkVaultOptions, type OpenOptions, type VaultOptions } from './options.ts'
import { LiveSession, type LoginResult, type SessionHost } from './live-session.ts'
import type { Session } from './session.ts'
import { SingleFlight } from './single-flight.ts'
import { SharedBrowser } from './shared-browser.ts'
import { readStored, writeStored, type Shelf } from './stored.ts'

/** Store, keys and policy: opens sessions by recipe and account. */
export interface Vault {
  /**
   * Resumes the stored session, or logs in, once for all processes that share the store.
   *
   * A stored session whose proof of life is older than `policy.freshFor` is asked for by its probe first. Throws
   * `NotSignedInError` and `SessionDeadError` with `login: 'never'`, `LoginFailedError`, `NeedsPersonError`,
   * `BrowserMissingError`, `SecretMissingError`, `SecretOriginError` from the login, `SnapshotUnreadableError` when
   * what is stored does not open, `StoreFailedError`, and the signal's reason.
   */
  open(recipe: Recipe, options?: OpenOptions): Promise<Session>
  /** Names of the stored sessions, sorted. */
  list(): Promise<string[]>
  /** A stored session as it stands, without opening it or asking the server. */
  peek(name: string): Promise<{ readonly snapshot: Snapshot; readonly bytes: number } | undefined>
  /** Writes a session that was made elsewhere (an import, a capture); replaces what stands there. */
  put(name: string, content: Pick<Snapshot, 'state'> & Partial<Snapshot>): Promise<void>
  /** Forgets a stored session; the server is not told. */
  remove(name: string): Promise<void>
  /** Our clients without a session, with a jar of their own: what a stranger gets to see. */
  anonymous(): Visitor
}

export interface Visitor extends AsyncDisposable {
  readonly http: SessionHttp
}

/** Throws `TypeError` for misuse and `KeyInvalidError`. Opens nothing: the store is read at the first `open`. */
export function createVault(options: VaultOptions): Vault {
  checkVaultOptions(options)
  const shelf: Shelf = { store: options.store, keys: parseKeys(options.key ?? []) }
  const logger = options.logger ?? silentLogger
  const logins = new SingleFlight<LoginResult>()
  const host: SessionHost = {
    vault: options,
    shelf,
    logger,
    browser: new SharedBrowser(options.browser ?? {}),
    login,
  }

  /** One login for all: single flight within this process, and by `loginOnce` over all processes. */
  function login(
    recipe: Recipe,
    account: string,
    deadEpoch: number,
    signal?: AbortSignal,
  ): Promise<LoginResult> {
    const name = sessionName(recipe, account)
    return logins.run(name, signal, async (flight) => {
      let harvest: Harvest | undefined
      const stored = await loginOnce(shelf, {
        name,
        deadEpoch,
        patience: (recipe.timeout ?? (recipe.login === undefined ? 600_000 : 60_000)) + 30_000,
        signal: flight,
        login: async () => (harvest = await runRecipe(options, logger, recipe, account, flight)),
      })
      return { stored, report: harvest?.report }
    })
  }

  return {
    async open(recipe, openOptions = {}) {
      checkOpenOptions(openOptions)
      const { account = 'default', login: when = 'if-needed', signal } = openOptions
      signal?.throwIfAborted()
      const name = sessionName(recipe, account)
      const stored = await readStored(shelf, name)
      if (stored !== undefined && when !== 'always') {
        const session = new LiveSession(host, recipe, account, stored)
        if (isFresh(stored.snapshot, options) || (await session.check()) !== 'dead') return session
        await session.close()
        if (when === 'never') throw new SessionDeadError(name, 'the server no longer takes it')
      }
      if (when === 'never') throw new NotSignedInError(name)
      const result = await login(recipe, account, stored?.snapshot.epoch ?? 0, signal)
      return new LiveSession(host, recipe, account, result.stored, result.report)
    },

    async list() {
      return (await shelf.store.list()).sort()
    },

    async peek(name) {
      const stored = await readStored(shelf, name)
      return stored && { snapshot: stored.snapshot, bytes: stored.size }
    },

    async put(name, content) {
      const current = await readStored(shelf, name)
      const { epoch = 0, generation = 0 } = current?.snapshot ?? {}
      const facts = { headerRules: [], savedAt: Date.now(), ...content }
      await writeStored(
        shelf,
        { ...facts, name, epoch: epoch + 1, generation: generation + 1 },
        current?.version,
      )
    },

    remove: (name) => shelf.store.remove(name),

    anonymous() {
      const carrier = { name: 'anonymous', cell: new Cell(), identity: undefined, headerRules: [] }
      const http = createHttp(carrier, options.http)
      return { http, [Symbol.asyncDispose]: () => http.close() }
    },
  }
}

/** The name under which a session is stored: `recipe/account`. */
export function sessionName(recipe: Pick<Recipe, 'name'>, account = 'default'): string {
  return `${recipe.name}/${account}`
}

function isFresh(snapshot: Snapshot, options: VaultOptions): boolean {
  const { freshFor = 300_000 } = options.policy ?? {}
  return snapshot.probe === undefined || Date.now() - (snapshot.verifiedAt ?? 0) <= freshFor
}

/** What a login needs is loaded with the first: resuming does not wait for it. */
async function runRecipe(
  options: VaultOptions,
  logger: Logger,
  recipe: Recipe,
  account: string,
  signal: AbortSignal,
): Promise<Harvest> {
  const { runLogin } = await import('../login/run-login.ts')
  return runLogin(recipe, {
    account,
    browser: options.browser ?? {},
    // A window was asked for, and nobody else will sign in: so a person will.
    interactive: recipe.login === undefined && options.browser?.headless === false,
    logger,
    ...(options.policy !== undefined && { policy: options.policy }),
    ...(options.secrets !== undefined && { secrets: options.secrets }),
    ...(options.http !== undefined && { http: options.http }),
    ...(options.screenshots !== undefined && { screenshots: options.screenshots }),
    signal,
  })
}
