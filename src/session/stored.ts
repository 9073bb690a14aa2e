import type { Snapshot } from '../snapshot/envelope.ts'
import type { SealingKeys } from '../snapshot/keys.ts'
import { openSnapshot, sealSnapshot } from '../snapshot/seal.ts'
import type { Store } from '../store/contract.ts'

/** A snapshot as it stands in the store. */
export interface Stored {
  readonly snapshot: Snapshot
  readonly version: string
  /** Sealed size in bytes. */
  readonly size: number
}

/** A store and the keys to read what stands in it. */
export interface Shelf {
  readonly store: Store
  readonly keys: SealingKeys
}

/** Throws `SnapshotUnreadableError` when something is there that does not open: that is never "no session". */
export async function readStored(shelf: Shelf, name: string): Promise<Stored | undefined> {
  const found = await shelf.store.read(name)
  if (found === undefined) return undefined
  const snapshot = await openSnapshot(found.bytes, { name, keys: shelf.keys })
  return { snapshot, version: found.version, size: found.bytes.byteLength }
}

/** Throws `StoreConflictError` when somebody else has written since `ifVersion` was read. */
export async function writeStored(
  shelf: Shelf,
  snapshot: Snapshot,
  ifVersion: string | undefined,
): Promise<Stored> {
  const bytes = await sealSnapshot(snapshot, shelf.keys)
  const version = await shelf.store.write(snapshot.name, bytes, { ifVersion })
  return { snapshot, version, size: bytes.byteLength }
}
