import { StoreConflictError } from '../errors.ts'
import { openRecord, sealName, sealRecord } from '../snapshot/record.ts'
import type { Shelf } from './stored.ts'

export type SessionEventKind =
  | 'created'
  | 'verified'
  | 'renewed'
  | 'saved'
  | 'refused'
  | 'fell-back'
  | 'failed'
  | 'blocked'
  | 'quarantined'
  | 'released'
  | 'rolled-back'
  | 'signed-out'
  | 'destroyed'

/** Something that happened to a session. Names, counts and codes only: no value ever. */
export interface SessionEvent {
  /** Unix milliseconds, by the clock of the machine that wrote it. */
  readonly at: number
  readonly kind: SessionEventKind
  readonly epoch?: number
  /** In words: the rung that renewed, the reason of a refusal, the code of a failure. */
  readonly why?: string
}

/**
 * A login that has handed out a secret. `failed` until it says otherwise: its process may die on the way. `called-off` is
 * no failure: somebody gave up waiting, or a person is needed.
 */
export interface LoginAttempt {
  readonly id: string
  readonly at: number
  readonly outcome: 'failed' | 'rejected' | 'signed-in' | 'called-off'
}

/** What is known of a session besides its state: kept when the state goes, shared by all who share the store. */
export interface LedgerPage {
  /** Oldest first; the last 200. */
  readonly events: readonly SessionEvent[]
  /** Oldest first; the last 50. */
  readonly attempts: readonly LoginAttempt[]
  /** The site has said no to these secrets: names, and a digest under the key `keyId` that tells whether they have changed. */
  readonly rejected?: {
    readonly at: number
    readonly names: readonly string[]
    readonly digest: string
    readonly keyId?: string
  }
  /** How each way to renew went when it was last tried. */
  readonly rungs?: Readonly<Partial<Record<string, string>>>
  /** Not to be used by a pool before this time, Unix ms; `times`: how often in a row. */
  readonly quarantine?: { readonly until: number; readonly why: string; readonly times?: number }
  /** When a pool has used it last, Unix ms. */
  readonly usedAt?: number
  /** Digest of the proxy that a pool's session goes through: it keeps it as long as there is one. */
  readonly proxy?: string
  /** Removed on purpose: whoever still holds the session must not write it back. Unix ms. */
  readonly removedAt?: number
  /** The epoch when it was last removed: what is signed in to under this name afterwards begins above it. */
  readonly lastEpoch?: number
}

const blank: LedgerPage = { events: [], attempts: [] }
const keptEvents = 200
const keptAttempts = 50
const keptFor = 90 * 86_400_000
const tries = 50
const prefix = '~ledger/'

/** The name under which the ledger of a session stands in the store; not itself a session. */
export function ledgerName(session: string): string {
  return prefix + session
}

/** The session whose ledger stands under a name of the store; `undefined` when it is no ledger. */
export function ledgerOf(name: string): string | undefined {
  return name.startsWith(prefix) ? name.slice(prefix.length) : undefined
}

/** True for what stands in a store and is not a session. */
export function isRecordName(name: string): boolean {
  return name.startsWith('~')
}

export async function readLedger(shelf: Shelf, session: string): Promise<LedgerPage> {
  return (await readPage(shelf, session)).page
}

/**
 * Changes the ledger by compare-and-set: `change` may be called several times, each time with what stands there then. What
 * it returns is written; returning the page it was given writes nothing.
 */
export async function changeLedger(
  shelf: Shelf,
  session: string,
  change: (page: LedgerPage) => LedgerPage,
): Promise<LedgerPage> {
  for (let attempt = 1; ; attempt++) {
    const { page, version } = await readPage(shelf, session)
    const changed = change(page)
    if (changed === page) return page
    const next: LedgerPage = {
      ...changed,
      events: changed.events.slice(-keptEvents),
      attempts: changed.attempts.slice(-keptAttempts),
    }
    try {
      await shelf.store.write(ledgerName(session), sealRecord('ledger', session, next, shelf.keys), {
        ifVersion: version,
        sealedName: sealName(ledgerName(session), shelf.keys),
        expiresAt: Date.now() + keptFor,
      })
      return next
    } catch (error) {
      if (!(error instanceof StoreConflictError) || attempt >= tries) throw error
    }
  }
}

/** Adds an event. */
export async function note(
  shelf: Shelf,
  session: string,
  event: Omit<SessionEvent, 'at'>,
): Promise<LedgerPage> {
  return changeLedger(shelf, session, (page) => withEvent(page, event))
}

export function withEvent(page: LedgerPage, event: Omit<SessionEvent, 'at'>): LedgerPage {
  return { ...page, events: [...page.events, { at: Date.now(), ...event }] }
}

async function readPage(
  shelf: Shelf,
  session: string,
): Promise<{ page: LedgerPage; version: string | undefined }> {
  const found = await shelf.store.read(ledgerName(session))
  if (found === undefined) return { page: blank, version: undefined }
  const value = openRecord('ledger', session, found.bytes, shelf.keys)
  // Sealed by us, so the shape is ours; an older version may not have known a field.
  return { page: { ...blank, ...(value as Partial<LedgerPage>) }, version: found.version }
}
