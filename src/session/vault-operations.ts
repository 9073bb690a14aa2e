import type { Recipe } from '../login/recipe.ts'
import type { Letters } from '../store/letters/contract.ts'
import type { DeadLetter } from './letters/dead-letter.ts'
import { readLedger, type SessionEvent } from './ledger.ts'
import type { KeptGeneration, RolledBack } from './operations/history.ts'
import type { Purged, PurgeOptions } from './operations/purge.ts'
import type { Rekeyed, RekeyOptions } from './operations/rekey.ts'
import type { SignedOut } from './operations/sign-out.ts'
import type { VaultStats } from './operations/vault-stats.ts'
import type { RenewalPlace } from './renewal/renew-session.ts'
import { checkOpenOptions, type OpenOptions } from './options.ts'
import { listNames } from './session-names.ts'
import { sessionName } from './open-session.ts'

/** What a person or a job does to stored sessions, besides using them. All throw `StoreFailedError`. */
export interface VaultOperations {
  /** The generations that are kept, newest first. Empty when there are none. */
  history(name: string): Promise<KeptGeneration[]>
  /**
   * Makes an earlier generation the newest again, under a higher epoch, so that every process that has the session open
   * takes it over. Default: the last one before the newest that the server had taken. Throws `NotStoredError`.
   */
  rollback(name: string, version?: string): Promise<RolledBack>
  /**
   * Copies a session to another account of the same recipe and gives the copy's name. Both are the same session of the
   * same server. Throws `NotStoredError`, and `StoreConflictError` when there is one of that name.
   */
  clone(name: string, account: string): Promise<string>
  /**
   * Seals everything with the first key; what is sealed with it is passed over, so an interrupted run goes on where it
   * ended. Kept generations under other keys are forgotten and counted. Every process should have the new key first.
   */
  rekey(options?: RekeyOptions): Promise<Rekeyed>
  /** Removes what has ended and forgets what is old, as asked for; a `TypeError` when nothing is asked for. */
  purge(options: PurgeOptions): Promise<Purged>
  /**
   * Ends the session on the server by the recipe's `signOut`, proves by the probe that it has ended, and removes all
   * copies. Another process that has it open finds it dead, and neither saves it nor signs in again. Throws what telling the server
   * threw; then nothing is removed.
   */
  signOut(recipe: Recipe, options?: Pick<OpenOptions, 'account' | 'signal'>): Promise<SignedOut>
  /** What has happened to a session, oldest first, the last 200; also when it is gone. */
  events(name: string): Promise<readonly SessionEvent[]>
  /** Lifts what failed logins have brought about: the hold-off, the refusal of rejected secrets, the quarantine. */
  unlock(name: string): Promise<void>
  /** The dead letters of a shelf, oldest first, of all sessions; `unreadable`: how many do not open with the keys at hand. */
  readLetters(
    letters: Letters,
  ): Promise<{ readonly letters: readonly DeadLetter[]; readonly unreadable: number }>
  /** Names of the stored sessions of an account, of all recipes. */
  sessionsOf(account: string): Promise<string[]>
  /** Counts what is stored; opens every session once. */
  stats(options?: { readonly signal?: AbortSignal }): Promise<VaultStats>
}

/** What each needs is loaded when it is asked for: nobody waits for it who only resumes a session. */
export function vaultOperations({ shelf, options, logger }: RenewalPlace): VaultOperations {
  return {
    history: async (name) => (await import('./operations/history.ts')).readHistory(shelf, name),
    rollback: async (name, version) =>
      (await import('./operations/history.ts')).rollBack(shelf, name, version),
    async clone(name, account) {
      checkOpenOptions({ account })
      return (await import('./operations/put-session.ts')).cloneSession(shelf, name, account)
    },
    rekey: async (how) => (await import('./operations/rekey.ts')).rekeyAll(shelf, how),
    purge: async (how) => (await import('./operations/purge.ts')).purge(shelf, how),
    async signOut(recipe, { account, signal } = {}) {
      checkOpenOptions({ ...(account !== undefined && { account }), ...(signal !== undefined && { signal }) })
      const name = sessionName(recipe, account)
      const { signOutSession } = await import('./operations/sign-out.ts')
      const { http, secrets } = options
      const live = (): Promise<undefined> => Promise.resolve(undefined)
      return signOutSession({ shelf, logger, recipe, name, http, secrets, signal, live })
    },
    events: async (name) => (await readLedger(shelf, name)).events,
    unlock: async (name) => (await import('./renewal/attempt-budget.ts')).forgiveAttempts(shelf, name),
    readLetters: async (letters) =>
      (await import('./letters/dead-letter.ts')).readLetters(letters, shelf.keys),
    sessionsOf: async (account) =>
      (await listNames(shelf)).sessions.filter((name) => name.slice(name.indexOf('/') + 1) === account),
    stats: async (how) => (await import('./operations/vault-stats.ts')).countVault(shelf, how),
  }
}
