import { SnapshotUnreadableError, StoreConflictError, type SnapshotDefect } from '../../errors.ts'
import { openRecord, sealName, sealRecord } from '../../snapshot/record.ts'
import { openSnapshot } from '../../snapshot/seal.ts'
import { readSealedHeader } from '../../snapshot/sealed-header.ts'
import { changeLedger, ledgerName } from '../ledger.ts'
import { listNames } from '../session-names.ts'
import { writeStored, type Shelf } from '../stored.ts'

export interface RekeyOptions {
  /** Told after each session and each ledger. Must not throw. */
  readonly onProgress?: (progress: RekeyProgress) => void
  readonly signal?: AbortSignal
}

export interface RekeyProgress {
  readonly done: number
  readonly total: number
  readonly name: string
  /** `already`: sealed with the first key. `unreadable`: left as it is. `gone`: removed meanwhile. */
  readonly outcome: 'rekeyed' | 'already' | 'unreadable' | 'gone'
}

export interface Rekeyed {
  readonly rekeyed: number
  /** Were sealed with the first key. */
  readonly already: number
  /** Kept generations under other keys: they cannot be written anew behind the newest, so they were forgotten. */
  readonly generationsForgotten: number
  /** Left as they were, with all their generations. */
  readonly unreadable: readonly { readonly name: string; readonly defect: SnapshotDefect }[]
  /** Sessions whose very names do not open with the keys at hand. */
  readonly unreadableNames: number
}

const writeTries = 20
const jobsKept = 90 * 86_400_000

interface Item {
  readonly name: string
  /** As it is called in the store. */
  readonly place: string
  reseal(found: { readonly bytes: Uint8Array; readonly version: string }): Promise<void>
}

/**
 * Seals everything with the first key. What is sealed with it is passed over, so that an interrupted run is gone on with by
 * running again; nothing is ever without a generation that opens. A save that comes in between is not lost: the newest is
 * read and sealed again.
 */
export async function rekeyAll(shelf: Shelf, { onProgress, signal }: RekeyOptions = {}): Promise<Rekeyed> {
  const { sessions, ledgers, jobs, unreadable: unreadableNames } = await listNames(shelf)
  const items = [
    ...sessions.map((name) => sessionItem(shelf, name)),
    ...ledgers.map((name) => ledgerItem(shelf, name)),
    ...jobs.map((name) => jobItem(shelf, name)),
  ]
  const unreadable: { name: string; defect: SnapshotDefect }[] = []
  const counts = { rekeyed: 0, already: 0, unreadable: 0, gone: 0 }
  let generationsForgotten = 0
  for (const [index, item] of items.entries()) {
    signal?.throwIfAborted()
    const { outcome, forgotten, defect } = await rekeyOne(shelf, item)
    counts[outcome] += 1
    generationsForgotten += forgotten
    if (defect !== undefined) unreadable.push({ name: item.place, defect })
    onProgress?.({ done: index + 1, total: items.length, name: item.place, outcome })
  }
  const { rekeyed, already } = counts
  return { rekeyed, already, generationsForgotten, unreadable, unreadableNames }
}

function sessionItem(shelf: Shelf, name: string): Item {
  return {
    name,
    place: name,
    async reseal({ bytes, version }) {
      const snapshot = await openSnapshot(bytes, { name, keys: shelf.keys })
      const again = { ...snapshot, generation: snapshot.generation + 1 }
      await writeStored(shelf, again, version, { milestone: true })
    },
  }
}

function ledgerItem(shelf: Shelf, name: string): Item {
  return {
    name,
    place: ledgerName(name),
    reseal: async () => {
      await changeLedger(shelf, name, (page) => ({ ...page })) // another object, so it is written
    },
  }
}

/** A page of a job that is worked on just now is written by others, too: theirs counts, under whichever key, and is read again. */
function jobItem({ store, keys }: Shelf, name: string): Item {
  return {
    name,
    place: name,
    async reseal({ bytes, version }) {
      const value = openRecord('map', name, bytes, keys)
      if (typeof value !== 'object' || value === null) return
      await store.write(name, sealRecord('map', name, value, keys), {
        ifVersion: version,
        sealedName: sealName(name, keys),
        expiresAt: Date.now() + jobsKept,
      })
    },
  }
}

async function rekeyOne(
  shelf: Shelf,
  item: Item,
): Promise<{ outcome: RekeyProgress['outcome']; forgotten: number; defect?: SnapshotDefect }> {
  for (let attempt = 1; ; attempt++) {
    const found = await shelf.store.read(item.place)
    if (found === undefined) return { outcome: 'gone', forgotten: 0 }
    try {
      const isSealed = isUnderFirstKey(shelf, found.bytes)
      if (!isSealed) await item.reseal(found)
      // Also of those that are sealed anew: an earlier run may have ended here.
      const forgotten = await forgetOtherKeys(shelf, item.place)
      return { outcome: isSealed && attempt === 1 ? 'already' : 'rekeyed', forgotten }
    } catch (error) {
      if (error instanceof SnapshotUnreadableError)
        return { outcome: 'unreadable', forgotten: 0, defect: error.defect }
      if (!(error instanceof StoreConflictError) || attempt >= writeTries) throw error
    }
  }
}

/** A generation under a key that is to be removed would be noise at best; under one that has leaked, it is the leak. */
async function forgetOtherKeys(shelf: Shelf, place: string): Promise<number> {
  const [newest, ...earlier] = await shelf.store.history(place)
  if (newest === undefined) return 0
  const others: string[] = []
  for (const { version } of earlier) {
    const found = await shelf.store.read(place, version)
    if (found !== undefined && !isUnderFirstKey(shelf, found.bytes)) others.push(version)
  }
  if (others.length > 0) await shelf.store.forget(place, others)
  return others.length
}

function isUnderFirstKey({ keys }: Shelf, bytes: Uint8Array): boolean {
  return readSealedHeader(bytes)?.keyId === keys.sealing[0]
}
