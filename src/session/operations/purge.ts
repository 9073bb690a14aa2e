import { forecast } from '../../policy/forecast.ts'
import { ledgerName, readLedger } from '../ledger.ts'
import { listNames } from '../session-names.ts'
import { readStored, type Shelf, type Stored } from '../stored.ts'
import { everySession } from './every-session.ts'
import { standingOf } from './history.ts'
import type { PurgedJobs } from './purge-jobs.ts'
import { removeSession } from './removing.ts'

export interface PurgeOptions {
  /** Remove sessions whose forecast end has passed, and those that are known to be dead; and tombstones after 90 days. */
  readonly expired?: boolean
  /** With `expired`: only those that ended longer ago, ms; default 0. A refresh token may outlive what it refreshes. */
  readonly grace?: number
  /** Forget kept generations that were written longer ago, ms; the newest of each session stays. */
  readonly generationsOlderThan?: number
  /** Remove the records of jobs (`session.map` with `once`) that were written to longer ago, ms: they would begin anew. */
  readonly jobsOlderThan?: number
  /** Only say what would be done. */
  readonly dryRun?: boolean
  readonly signal?: AbortSignal
}

export interface Purged {
  readonly sessions: readonly { readonly name: string; readonly reason: 'expired' | 'dead' }[]
  readonly generations: readonly { readonly name: string; readonly forgotten: number }[]
  /** By the names that they have in the store; what they are called only those know who work on them. */
  readonly jobs: PurgedJobs['jobs']
  /** Names of removed sessions of which the last word is forgotten, too. */
  readonly tombstones: readonly string[]
  /** What would have gone and did not, and why. */
  readonly skipped: readonly { readonly name: string; readonly why: string }[]
  readonly dryRun: boolean
}

/** Long enough for every process that had it open to have come to its end. */
const tombstonesKept = 90 * 86_400_000
const leaseFor = 15_000

/** Throws what the store threw; what was removed until then is removed. Running it again goes on. */
export async function purge(shelf: Shelf, options: PurgeOptions): Promise<Purged> {
  const {
    expired = false,
    grace = 0,
    generationsOlderThan: age,
    jobsOlderThan,
    dryRun = false,
    signal,
  } = options
  if (!expired && age === undefined && jobsOlderThan === undefined)
    throw new TypeError(
      'vault.purge does nothing unasked: set "expired", "generationsOlderThan", "jobsOlderThan", or several',
    )
  const sessions: { name: string; reason: 'expired' | 'dead' }[] = []
  const generations: { name: string; forgotten: number }[] = []
  const skipped: { name: string; why: string }[] = []
  const ofSessions = expired || age !== undefined ? everySession(shelf, signal) : []
  for await (const { name, stored, defect } of ofSessions) {
    if (defect !== undefined && expired) skipped.push({ name, why: `it does not open (${defect})` })
    const reason = expired && stored !== undefined ? reasonOf(stored, grace) : undefined
    if (reason !== undefined) {
      const why = dryRun ? undefined : await removeIfStill(shelf, name, grace)
      if (why === undefined) sessions.push({ name, reason })
      else skipped.push({ name, why })
    } else if (age !== undefined) {
      const forgotten = await forgetOlder(shelf, name, { before: Date.now() - age, dryRun })
      if (forgotten > 0) generations.push({ name, forgotten })
    }
  }
  const tombstones = expired ? await removeTombstones(shelf, { dryRun, signal }) : []
  const { jobs, skipped: left } = await oldJobs(shelf, jobsOlderThan, { dryRun, signal })
  return { sessions, generations, jobs, tombstones, skipped: [...skipped, ...left], dryRun }
}

async function oldJobs(
  shelf: Shelf,
  age: number | undefined,
  how: { readonly dryRun: boolean; readonly signal: AbortSignal | undefined },
): Promise<PurgedJobs> {
  if (age === undefined) return { jobs: [], skipped: [] }
  const { purgeJobs } = await import('./purge-jobs.ts')
  return purgeJobs(shelf, { before: Date.now() - age, ...how })
}

function reasonOf({ snapshot }: Stored, grace: number): 'expired' | 'dead' | undefined {
  if (standingOf(snapshot) === 'dead') return 'dead'
  const { diesAt } = forecast(snapshot.state, { headerRules: snapshot.headerRules })
  return diesAt !== undefined && diesAt < Date.now() - grace ? 'expired' : undefined
}

/** Under the lease of renewals, so that what is being renewed just now is not removed. Gives why not. */
async function removeIfStill(shelf: Shelf, name: string, grace: number): Promise<string | undefined> {
  const lease = await shelf.store.lease(name, leaseFor)
  if (lease === undefined) return 'it is being renewed'
  try {
    const stored = await readStored(shelf, name)
    if (stored !== undefined && reasonOf(stored, grace) === undefined) return 'it was renewed meanwhile'
    await removeSession(shelf, name)
    return undefined
  } finally {
    await lease.release()
  }
}

async function forgetOlder(
  shelf: Shelf,
  name: string,
  { before, dryRun }: { readonly before: number; readonly dryRun: boolean },
): Promise<number> {
  const [, ...earlier] = await shelf.store.history(name)
  const versions = earlier.filter(({ writtenAt }) => writtenAt < before).map(({ version }) => version)
  if (versions.length > 0 && !dryRun) await shelf.store.forget(name, versions)
  return versions.length
}

async function removeTombstones(
  shelf: Shelf,
  { dryRun, signal }: { readonly dryRun: boolean; readonly signal: AbortSignal | undefined },
): Promise<string[]> {
  const { sessions, ledgers } = await listNames(shelf)
  const living = new Set(sessions)
  const old: string[] = []
  for (const name of ledgers) {
    signal?.throwIfAborted()
    if (living.has(name)) continue
    // One that does not open stays: nobody can say what it is.
    const { removedAt } = await readLedger(shelf, name).catch(() => ({ removedAt: undefined }))
    if (removedAt === undefined || removedAt > Date.now() - tombstonesKept) continue
    if (!dryRun) await shelf.store.remove(ledgerName(name))
    old.push(name)
  }
  return old
}
