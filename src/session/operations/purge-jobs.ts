import { SnapshotUnreadableError } from '../../errors.ts'
import { ClaimLog } from '../map/claim-log.ts'
import { jobOfPage } from '../map/job-names.ts'
import { isSlotTaken } from '../map/worker-slot.ts'
import { listNames } from '../session-names.ts'
import type { Shelf } from '../stored.ts'

export interface PurgedJobs {
  /** By the names that they have in the store; what they are called only their processes know. */
  readonly jobs: readonly { readonly name: string; readonly pages: number }[]
  readonly skipped: readonly { readonly name: string; readonly why: string }[]
}

/**
 * Removes the records of jobs (`session.map` with `once`) that were written to for the last time before `before`, Unix ms. A job
 * that somebody works on stays, however long its last address takes.
 */
export async function purgeJobs(
  shelf: Shelf,
  { before, dryRun, signal }: { before: number; dryRun: boolean; signal: AbortSignal | undefined },
): Promise<PurgedJobs> {
  const jobs: { name: string; pages: number }[] = []
  const skipped: { name: string; why: string }[] = []
  for (const [name, pages] of await pagesByJob(shelf)) {
    signal?.throwIfAborted()
    if ((await lastWritten(shelf, pages)) >= before) continue
    const why = await whyItStays(shelf, name)
    if (why !== undefined) {
      skipped.push({ name, why })
      continue
    }
    // The last page first: interrupted, what is left is the beginning of the job, and not a job without one.
    if (!dryRun) for (const page of pages) await shelf.store.remove(page)
    jobs.push({ name, pages: pages.length })
  }
  return { jobs, skipped }
}

/** The last page of each first. */
async function pagesByJob(shelf: Shelf): Promise<ReadonlyMap<string, readonly string[]>> {
  const numbered = new Map<string, { page: string; number: number }[]>()
  for (const page of (await listNames(shelf)).jobs) {
    const { job, number } = jobOfPage(page)
    numbered.set(job, [...(numbered.get(job) ?? []), { page, number }])
  }
  return new Map(
    [...numbered].map(([job, pages]) => [
      job,
      pages.sort((a, b) => b.number - a.number).map(({ page }) => page),
    ]),
  )
}

async function lastWritten({ store }: Shelf, pages: readonly string[]): Promise<number> {
  const times = await Promise.all(
    pages.map(async (page) => (await store.history(page))[0]?.writtenAt ?? -Infinity),
  )
  return Math.max(...times)
}

/** Whoever works on it holds the lease of a slot that its log knows. */
async function whyItStays(shelf: Shelf, name: string): Promise<string | undefined> {
  const log = new ClaimLog(shelf, name)
  try {
    await log.catchUp()
  } catch (error) {
    if (error instanceof SnapshotUnreadableError) return `it does not open (${error.defect})`
    throw error
  }
  for (const slot of log.slots) if (await isSlotTaken(shelf.store, name, slot)) return 'it is worked on'
  return undefined
}
