import { createHttp, type SessionHttp } from '../http/client.ts'
import type { Recipe } from '../login/recipe.ts'
import { silentLogger } from '../observe/events.ts'
import type { Snapshot } from '../snapshot/envelope.ts'
import { parseKeys } from '../snapshot/keys.ts'
import { openName } from '../snapshot/record.ts'
import { Cell } from '../state/cell.ts'
import { changeLedger, isRecordName, withEvent } from './ledger.ts'
import type { SessionHost } from './live-session.ts'
import { openSession, sessionName } from './open-session.ts'
import { checkOpenOptions, checkVaultOptions, type OpenOptions, type VaultOptions } from './options.ts'
import type { Renewed } from './renew-once.ts'
import type { RenewalPlace } from './renew-session.ts'
import type { RenewWish } from './renewing.ts'
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
  const place: RenewalPlace = {
    options,
    shelf,
    logger,
    browser: new SharedBrowser(options.browser ?? {}),
  }
  const renewals = new SingleFlight<Renewed>()
  const host: SessionHost = { ...place, vault: options, renew }

  /** One renewal for all: single flight within this process, and by `renewOnce` over all processes. */
  function renew(recipe: Recipe, account: string, wish: RenewWish): Promise<Renewed> {
    const name = sessionName(recipe, account)
    return renewals.run(name, wish.signal, async (signal) => {
      // What a login needs is loaded with the first: resuming does not wait for it.
      const { renewSession } = await import('./renew-session.ts')
      return renewSession(place, { name, recipe, account, wish, signal })
    })
  }

  return {
    async open(recipe, openOptions = {}) {
      checkOpenOptions(openOptions)
      return openSession(host, recipe, openOptions)
    },

    async list() {
      const names = (await shelf.store.list()).map((listed) => openName(listed, shelf.keys))
      return names.filter((name) => name !== undefined && !isRecordName(name)).sort() as string[]
    },

    async peek(name) {
      const stored = await readStored(shelf, name)
      return stored && { snapshot: stored.snapshot, bytes: stored.size }
    },

    async put(name, content) {
      const current = await readStored(shelf, name)
      const { epoch = 0, generation = 0 } = current?.snapshot ?? {}
      const facts = { headerRules: [], savedAt: Date.now(), ...content }
      const snapshot = { ...facts, name, epoch: epoch + 1, generation: generation + 1 }
      await writeStored(shelf, snapshot, current?.version, { milestone: true })
    },

    remove: (name) => removeSession(shelf, name),

    anonymous() {
      const carrier = { name: 'anonymous', cell: new Cell(), identity: undefined, headerRules: [] }
      const http = createHttp(carrier, options.http)
      return { http, [Symbol.asyncDispose]: () => http.close() }
    },
  }
}

/** The tombstone goes first: a process that saves in between must find either the session or the word that it is gone. */
async function removeSession(shelf: Shelf, name: string): Promise<void> {
  if ((await shelf.store.read(name)) === undefined) return
  await changeLedger(shelf, name, (page) =>
    withEvent({ ...page, removedAt: Date.now() }, { kind: 'destroyed' }),
  )
  await shelf.store.remove(name)
}
