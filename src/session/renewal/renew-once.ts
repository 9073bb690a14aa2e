import { randomBytes } from 'node:crypto'
import { LoginFailedError, StoreConflictError, StoreFailedError, TimedOutError } from '../../errors.ts'
import type { Snapshot } from '../../snapshot/envelope.ts'
import type { Lease } from '../../store/contract.ts'
import { Changes } from '../changes.ts'
import type { Climbed } from './climb.ts'
import { readLedger } from '../ledger.ts'
import { readStored, writeStored, type Shelf, type Stored } from '../stored.ts'

const defaultLease = 15_000
const lookAgain = 250
const writeTries = 20
/** A login that touches a hundred trackers is written down; one that touches ten thousand is not worth the bytes. */
const reportAtMost = 500

export interface RenewOnceOptions {
  readonly name: string
  /** The epoch that is known to be dead or unwanted; anything newer in the store makes a renewal unnecessary. */
  readonly deadEpoch: number
  /** Longest wait for somebody else's renewal, ms. */
  readonly patience: number
  readonly signal: AbortSignal
  /** A holder that is not heard of for so long is replaced, ms. */
  readonly leaseFor: number | undefined
  /** What to do when the store cannot be reached: go on alone, or throw what it threw. */
  readonly alone: boolean
  /** Renews what stands in the store. */
  climb(stored: Stored | undefined): Promise<Climbed>
}

export interface Renewed {
  readonly stored: Stored
  /** `undefined`: somebody else has renewed it. */
  readonly climbed: Climbed | undefined
}

/**
 * One renewal for all who need it, over processes and machines that share the store: the one who gets the lease looks
 * once more whether somebody was faster and renews; the others wait for the result, or for the failure. The lease saves
 * logins; correctness rests on the epoch and on compare-and-set: whoever comes late, frozen or with a lost lease, finds
 * the newer epoch and drops its own.
 */
export async function renewOnce(shelf: Shelf, options: RenewOnceOptions): Promise<Renewed> {
  try {
    return await renewTogether(shelf, options)
  } catch (error) {
    if (!(error instanceof StoreFailedError) || !options.alone) throw error
    const climbed = await options.climb(undefined)
    const snapshot = toSnapshot(options.name, climbed, options.deadEpoch + 1, 1)
    return { stored: { snapshot, version: undefined, size: 0, unsaved: true }, climbed }
  }
}

async function renewTogether(shelf: Shelf, options: RenewOnceOptions): Promise<Renewed> {
  const { name, deadEpoch, signal, leaseFor = defaultLease } = options
  const deadline = performance.now() + options.patience
  let seen: ReadonlySet<string> | undefined
  let changes: Changes | undefined
  try {
    for (;;) {
      signal.throwIfAborted()
      const lease = await shelf.store.lease(name, leaseFor)
      if (lease !== undefined) return await holding(lease, leaseFor, () => renewNow(shelf, options, seen))
      changes ??= new Changes(shelf.store, name) // before looking, so that nothing comes in between unseen
      seen ??= await attemptIds(shelf, name)
      const newer = await readNewer(shelf, name, deadEpoch)
      if (newer !== undefined) return { stored: newer, climbed: undefined }
      if (performance.now() > deadline)
        throw new TimedOutError(`Waiting for the login of ${name} by somebody else`, options.patience)
      await changes.next(lookAgain, signal)
    }
  } finally {
    changes?.stop()
  }
}

async function renewNow(
  shelf: Shelf,
  options: RenewOnceOptions,
  seen: ReadonlySet<string> | undefined,
): Promise<Renewed> {
  const { name, deadEpoch } = options
  const stored = await readStored(shelf, name)
  if (stored !== undefined && stored.snapshot.epoch > deadEpoch) return { stored, climbed: undefined }
  if (seen !== undefined) await shareFailure(shelf, name, seen)
  const climbed = await options.climb(stored)
  return writeRenewed(shelf, options, climbed)
}

/** Those who have waited for a login that failed get its failure: trying again is for those who come afterwards. */
async function shareFailure(shelf: Shelf, name: string, seen: ReadonlySet<string>): Promise<void> {
  const { attempts } = await readLedger(shelf, name)
  const failed = attempts.filter(({ id }) => !seen.has(id)).at(-1)
  if (failed?.outcome !== 'rejected' && failed?.outcome !== 'failed') return
  throw new LoginFailedError({
    failure: failed.outcome === 'rejected' ? 'rejected' : 'not-completed',
    session: name,
    detail: 'another process has just tried for all, and failed',
  })
}

async function attemptIds(shelf: Shelf, name: string): Promise<ReadonlySet<string>> {
  return new Set((await readLedger(shelf, name)).attempts.map(({ id }) => id))
}

async function readNewer(shelf: Shelf, name: string, deadEpoch: number): Promise<Stored | undefined> {
  const stored = await readStored(shelf, name)
  return stored !== undefined && stored.snapshot.epoch > deadEpoch ? stored : undefined
}

/** Writes a renewal over whatever the dead epoch has left; somebody else's renewal stands, and ours is dropped. */
async function writeRenewed(shelf: Shelf, options: RenewOnceOptions, climbed: Climbed): Promise<Renewed> {
  const { name, deadEpoch } = options
  for (let attempt = 1; ; attempt++) {
    const current = await readStored(shelf, name)
    if (current !== undefined && current.snapshot.epoch > deadEpoch)
      return { stored: current, climbed: undefined }
    const snapshot = toSnapshot(name, climbed, deadEpoch + 1, (current?.snapshot.generation ?? 0) + 1)
    try {
      const stored = await writeStored(shelf, snapshot, current?.version, { milestone: true })
      return { stored, climbed }
    } catch (error) {
      // What was signed in is not thrown away because the store went: it is saved when it is back.
      if (error instanceof StoreFailedError)
        return { stored: { snapshot, version: current?.version, size: 0, unsaved: true }, climbed }
      // Autosaves of the dead epoch may come in between, but not for ever.
      if (!(error instanceof StoreConflictError) || attempt >= writeTries) throw error
    }
  }
}

function toSnapshot(name: string, { content }: Climbed, epoch: number, generation: number): Snapshot {
  return {
    ...content,
    name,
    epoch,
    generation,
    dropped: (content.dropped ?? []).slice(0, reportAtMost),
    standing: content.verifiedAt === undefined ? 'candidate' : 'verified',
    loginId: randomBytes(9).toString('base64url'),
    savedAt: Date.now(),
  }
}

async function holding<T>(lease: Lease, leaseFor: number, work: () => Promise<T>): Promise<T> {
  const beat = setInterval(() => {
    lease.renew().catch(() => undefined) // a lost lease costs one login more; the epoch keeps the state right
  }, leaseFor / 3)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    await lease.release().catch(() => undefined) // ends by itself
  }
}
