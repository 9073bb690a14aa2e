import { openName } from '../snapshot/record.ts'
import { isRecordName, ledgerOf } from './ledger.ts'
import { isJobPage } from './map/job-names.ts'
import type { Shelf } from './stored.ts'

export interface StoredNames {
  /** Sorted. */
  readonly sessions: readonly string[]
  /** Sessions that there is a ledger of, be they still there or not; sorted. */
  readonly ledgers: readonly string[]
  /** Pages of jobs that processes share (`session.map` with `once`); sorted. */
  readonly jobs: readonly string[]
  /** How many names do not open with the keys at hand (in stores that keep none in clear). */
  readonly unreadable: number
}

/** What stands in a store, by its names. */
export async function listNames({ store, keys }: Shelf): Promise<StoredNames> {
  const listed = (await store.list()).map((name) => openName(name, keys))
  const names = listed.filter((name) => name !== undefined).sort()
  return {
    sessions: names.filter((name) => !isRecordName(name)),
    ledgers: names.map(ledgerOf).filter((name) => name !== undefined),
    jobs: names.filter(isJobPage),
    unreadable: listed.length - names.length,
  }
}
