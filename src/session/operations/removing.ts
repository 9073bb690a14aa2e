import { SessionDeadError, SnapshotUnreadableError } from '../../errors.ts'
import { readSealedHeader } from '../../snapshot/sealed-header.ts'
import {
  changeLedger,
  ledgerName,
  readLedger,
  withEvent,
  type LedgerPage,
  type SessionEventKind,
} from '../ledger.ts'
import type { RenewWish } from '../renewal/renewing.ts'
import type { Shelf } from '../stored.ts'

export interface RemoveOptions {
  /**
   * Forget what is known of it besides, too: its events and failed logins. What stays is the bare word that it is
   * gone, so that a process that still has it open does not write it back.
   */
  readonly everywhere?: boolean
}

/** The tombstone goes first: a process that saves in between must find either the session or the word that it is gone. */
export async function removeSession(
  shelf: Shelf,
  name: string,
  { everywhere = false }: RemoveOptions = {},
): Promise<void> {
  const found = await shelf.store.read(name)
  if (found === undefined && !everywhere) return
  const epoch = found && readSealedHeader(found.bytes)?.epoch
  if (everywhere) await reduceLedger(shelf, name, epoch)
  else await buryInLedger(shelf, name, { epoch, kind: 'destroyed' })
  await shelf.store.remove(name)
}

/** Writes down that it is gone, and what came before stays. */
export async function buryInLedger(
  shelf: Shelf,
  name: string,
  { epoch, ...event }: { epoch: number | undefined; kind: SessionEventKind; why?: string },
): Promise<void> {
  await changeLedger(shelf, name, (page) =>
    withEvent({ ...page, ...gone(page, epoch) }, { ...event, ...(epoch !== undefined && { epoch }) }),
  )
}

/**
 * What a renewal has to know of a removal: what is signed in to afterwards begins above the epoch that was removed, so that a
 * process that still holds the old one takes the new one over.
 */
export async function aboveRemoved(shelf: Shelf, name: string, wish: RenewWish): Promise<RenewWish> {
  // A store that is away says nothing; the renewal itself finds out.
  const { lastEpoch = 0 } = await readLedger(shelf, name).catch((): Partial<LedgerPage> => ({}))
  return lastEpoch <= wish.deadEpoch ? wish : { ...wish, deadEpoch: lastEpoch }
}

/** A session that is still open somewhere must not sign in again by itself after a person has ended it. */
export function assertNotRemoved(name: string, { removedAt }: Partial<LedgerPage>): void {
  if (removedAt === undefined) return
  throw new SessionDeadError(name, 'it was removed or signed out on purpose while it was open here')
}

async function reduceLedger(shelf: Shelf, name: string, epoch: number | undefined): Promise<void> {
  const reduce = (): Promise<unknown> =>
    changeLedger(shelf, name, (page) => ({ events: [], attempts: [], ...gone(page, epoch) }))
  try {
    await reduce()
  } catch (error) {
    if (!(error instanceof SnapshotUnreadableError)) throw error
    await shelf.store.remove(ledgerName(name)) // sealed with a key that is gone, or damaged: nothing to keep of it
    await reduce()
  }
  const [, ...earlier] = await shelf.store.history(ledgerName(name))
  const versions = earlier.map(({ version }) => version)
  await shelf.store.forget(ledgerName(name), versions)
}

function gone(page: LedgerPage, epoch = 0): Pick<LedgerPage, 'removedAt' | 'lastEpoch'> {
  return { removedAt: Date.now(), lastEpoch: Math.max(page.lastEpoch ?? 0, epoch) }
}
