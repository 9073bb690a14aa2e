import { SnapshotUnreadableError } from '../errors.ts'
import { forecast } from '../policy/forecast.ts'
import type { Snapshot } from '../snapshot/envelope.ts'
import type { SealingKeys } from '../snapshot/keys.ts'
import { sealName } from '../snapshot/record.ts'
import { openSnapshot, sealSnapshot } from '../snapshot/seal.ts'
import type { Store } from '../store/contract.ts'

/** A snapshot as it stands in the store. */
export interface Stored {
  readonly snapshot: Snapshot
  /** What stands there now, to be replaced by the next save; `undefined`: nothing, as far as we know. */
  readonly version: string | undefined
  /** The snapshot itself has not reached the store yet. */
  readonly unsaved?: true
  /** Sealed size in bytes. */
  readonly size: number
  /** Why the newest generation does not open, when this is an earlier one. */
  readonly fellBack?: SnapshotUnreadableError
}

/** A store and the keys to read what stands in it. */
export interface Shelf {
  readonly store: Store
  readonly keys: SealingKeys
}

/** How long after its forecast end a session is kept: what renews it may live longer than what carries it, ms. */
const keptAfterEnd = 7 * 86_400_000

/**
 * Gives the newest generation; when that is damaged, the newest one before it that opens, with `fellBack`. The version
 * is the newest's in both cases, so that the next save takes its place.
 *
 * Throws `SnapshotUnreadableError` when none opens, and at once for a wrong key, another session's name or a newer
 * format: those are mistakes to be told, never "no session".
 */
export async function readStored(shelf: Shelf, name: string): Promise<Stored | undefined> {
  const found = await shelf.store.read(name)
  if (found === undefined) return undefined
  try {
    const snapshot = await openSnapshot(found.bytes, { name, keys: shelf.keys })
    return { snapshot, version: found.version, size: found.bytes.byteLength }
  } catch (error) {
    if (!(error instanceof SnapshotUnreadableError) || !isDamage(error)) throw error
    const earlier = await readEarlier(shelf, name, found.version)
    if (earlier === undefined) throw error
    return { ...earlier, version: found.version, fellBack: error }
  }
}

function isDamage({ defect }: SnapshotUnreadableError): boolean {
  return defect === 'tampered' || defect === 'malformed'
}

async function readEarlier(shelf: Shelf, name: string, newest: string): Promise<Stored | undefined> {
  for (const { version } of await shelf.store.history(name)) {
    const found = version === newest ? undefined : await shelf.store.read(name, version)
    if (found === undefined) continue
    try {
      const snapshot = await openSnapshot(found.bytes, { name, keys: shelf.keys })
      return { snapshot, version, size: found.bytes.byteLength }
    } catch (error) {
      if (!(error instanceof SnapshotUnreadableError)) throw error
    }
  }
  return undefined
}

/**
 * Writes the snapshot in the place of `ifVersion`. A `milestone` stays in the history beyond the next saves. Throws
 * `StoreConflictError` when somebody else has written since.
 */
export async function writeStored(
  shelf: Shelf,
  snapshot: Snapshot,
  ifVersion: string | undefined,
  options: { readonly milestone?: boolean } = {},
): Promise<Stored & { readonly version: string }> {
  const bytes = await sealSnapshot(snapshot, shelf.keys)
  const expiresAt = forgetAt(snapshot)
  const version = await shelf.store.write(snapshot.name, bytes, {
    ifVersion,
    sealedName: sealName(snapshot.name, shelf.keys),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(options.milestone === true && { milestone: true }),
  })
  return { snapshot, version, size: bytes.byteLength }
}

/** A week after the last thing in it has ended, as far as anything says when; Unix ms. */
function forgetAt({ state, headerRules }: Snapshot): number | undefined {
  const { diesAt } = forecast(state, { headerRules })
  if (diesAt === undefined) return undefined
  const ends = state.cookies.map(({ expires }) => expires * 1_000)
  return Math.ceil(ends.reduce((latest, end) => Math.max(latest, end), diesAt) + keptAfterEnd)
}
