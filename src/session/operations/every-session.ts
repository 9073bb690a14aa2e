import { SnapshotUnreadableError, type SnapshotDefect } from '../../errors.ts'
import { listNames } from '../session-names.ts'
import { readStored, type Shelf, type Stored } from '../stored.ts'

export interface FoundSession {
  readonly name: string
  /** Absent when it does not open. */
  readonly stored?: Stored
  readonly defect?: SnapshotDefect
}

/** Enough to keep disk and network busy, and few enough to hold in memory, however large they are. */
const atOnce = 16

/** Opens all stored sessions, by name; one that does not open is told and does not end it. */
export async function* everySession(shelf: Shelf, signal?: AbortSignal): AsyncGenerator<FoundSession> {
  const { sessions } = await listNames(shelf)
  for (let at = 0; at < sessions.length; at += atOnce) {
    signal?.throwIfAborted()
    const found = await Promise.all(sessions.slice(at, at + atOnce).map((name) => openOne(shelf, name)))
    for (const session of found) if (session !== undefined) yield session
  }
}

/** `undefined`: removed since it was listed. */
async function openOne(shelf: Shelf, name: string): Promise<FoundSession | undefined> {
  try {
    const stored = await readStored(shelf, name)
    return stored && { name, stored }
  } catch (error) {
    if (error instanceof SnapshotUnreadableError) return { name, defect: error.defect }
    throw error
  }
}
