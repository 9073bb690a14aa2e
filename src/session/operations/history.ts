import { randomBytes } from 'node:crypto'
import { SnapshotUnreadableError, StoreConflictError, type SnapshotDefect } from '../../errors.ts'
import { NotStoredError } from '../account-errors.ts'
import type { Snapshot, Standing } from '../../snapshot/envelope.ts'
import { openSnapshot } from '../../snapshot/seal.ts'
import { readSealedHeader } from '../../snapshot/sealed-header.ts'
import { note } from '../ledger.ts'
import { writeStored, type Shelf } from '../stored.ts'

/** A kept generation of a session. */
export interface KeptGeneration {
  /** What `rollback` takes. */
  readonly version: string
  /** True for the one that `open` would resume. */
  readonly newest: boolean
  /** Sealed size in bytes. */
  readonly size: number
  /** Unix milliseconds, by the clock of the disk or the server. */
  readonly writtenAt: number
  /** Absent, like what follows, when it does not open; `defect` says why. */
  readonly epoch?: number
  readonly generation?: number
  readonly standing?: Standing
  /** Unix milliseconds, by the clock of who wrote it. */
  readonly savedAt?: number
  readonly defect?: SnapshotDefect
}

export interface RolledBack {
  readonly name: string
  /** The generation whose content is the newest again. */
  readonly to: { readonly version: string; readonly epoch: number; readonly generation: number }
  /** Above all that was there: whoever has the session open takes it over. */
  readonly epoch: number
}

const writeTries = 20

/** How a snapshot stands; earlier versions did not write it down. */
export function standingOf({ standing, verifiedAt }: Snapshot): Standing {
  return standing ?? (verifiedAt === undefined ? 'candidate' : 'verified')
}

/** All generations that are kept, newest first, by opening each. */
export async function readHistory(shelf: Shelf, name: string): Promise<KeptGeneration[]> {
  return (await openHistory(shelf, name)).map(({ snapshot: _, ...generation }) => generation)
}

/**
 * Writes an earlier generation as a new one with a higher epoch, so that everybody adopts it instead of merging it with
 * what it shall replace. Nothing has proven it since, so the next `open` asks the server.
 */
export async function rollBack(shelf: Shelf, name: string, version?: string): Promise<RolledBack> {
  for (let attempt = 1; ; attempt++) {
    const history = await openHistory(shelf, name)
    const [newest] = history
    if (newest === undefined) throw new NotStoredError(name)
    const { snapshot, ...kept } = chooseEarlier(name, history, version)
    const epoch = 1 + (await newestEpoch(shelf, name, history))
    const { verifiedAt: _, ...facts } = snapshot
    const again: Snapshot = {
      ...facts,
      standing: snapshot.probe === undefined ? 'candidate' : 'suspect',
      epoch,
      generation: 1 + Math.max(...history.map(({ generation = 0 }) => generation)),
      loginId: randomBytes(9).toString('base64url'),
      savedAt: Date.now(),
    }
    try {
      await writeStored(shelf, again, newest.version, { milestone: true })
    } catch (error) {
      if (error instanceof StoreConflictError && attempt < writeTries) continue
      throw error
    }
    const to = { version: kept.version, epoch: snapshot.epoch, generation: snapshot.generation }
    const why = `to generation ${String(to.generation)} of epoch ${String(to.epoch)}`
    await note(shelf, name, { kind: 'rolled-back', epoch, why })
    return { name, to, epoch }
  }
}

type OpenedGeneration = KeptGeneration & { readonly snapshot?: Snapshot }

async function openHistory(shelf: Shelf, name: string): Promise<OpenedGeneration[]> {
  const kept = await shelf.store.history(name)
  const opened = await Promise.all(
    kept.map(async (generation, index): Promise<OpenedGeneration | undefined> => {
      const found = await shelf.store.read(name, generation.version)
      if (found === undefined) return undefined // pruned since
      const facts = { ...generation, newest: index === 0 }
      try {
        const snapshot = await openSnapshot(found.bytes, { name, keys: shelf.keys })
        const { epoch, generation: number, savedAt } = snapshot
        return { ...facts, epoch, generation: number, savedAt, standing: standingOf(snapshot), snapshot }
      } catch (error) {
        if (!(error instanceof SnapshotUnreadableError)) throw error
        return { ...facts, defect: error.defect }
      }
    }),
  )
  return opened.filter((generation) => generation !== undefined)
}

/** The one asked for; else the last before the newest that the server had taken, else the last that opens at all. */
function chooseEarlier(
  name: string,
  history: readonly OpenedGeneration[],
  version: string | undefined,
): KeptGeneration & { readonly snapshot: Snapshot } {
  const openable = history.flatMap((one) =>
    one.snapshot === undefined ? [] : [{ ...one, snapshot: one.snapshot }],
  )
  if (version !== undefined) {
    const asked = openable.find((one) => one.version === version)
    if (asked !== undefined) return asked
    const damaged = history.find((one) => one.version === version)?.defect
    throw new NotStoredError(
      name,
      damaged === undefined ? `a generation ${version}` : `a generation ${version} that opens (${damaged})`,
    )
  }
  const earlier = openable.filter(({ newest }) => !newest)
  const chosen = earlier.find(({ standing }) => standing === 'verified') ?? earlier[0]
  if (chosen === undefined) throw new NotStoredError(name, 'an earlier generation that opens')
  return chosen
}

/** Also of a newest generation that does not open: who has it open holds that epoch. */
async function newestEpoch(
  shelf: Shelf,
  name: string,
  history: readonly OpenedGeneration[],
): Promise<number> {
  const known = Math.max(0, ...history.map(({ epoch = 0 }) => epoch))
  if (history[0]?.epoch !== undefined) return known
  const found = await shelf.store.read(name)
  return Math.max(known, (found && readSealedHeader(found.bytes)?.epoch) ?? 0)
}
