import { randomBytes } from 'node:crypto'
import { StoreConflictError } from '../../errors.ts'
import { NotStoredError } from '../account-errors.ts'
import type { Snapshot } from '../../snapshot/envelope.ts'
import { changeLedger, readLedger, withEvent } from '../ledger.ts'
import { readStored, writeStored, type Shelf } from '../stored.ts'

const writeTries = 20

/** Writes a session that was made elsewhere, in the place of what stands there, and of what is saved there meanwhile. */
export async function putSession(
  shelf: Shelf,
  name: string,
  content: Pick<Snapshot, 'state'> & Partial<Snapshot>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const current = await readStored(shelf, name)
    const { epoch = 0, generation = 0 } = current?.snapshot ?? {}
    const facts = { headerRules: [], savedAt: Date.now(), ...content }
    const next = await nextEpoch(shelf, name, epoch)
    const snapshot = { ...facts, name, epoch: next, generation: generation + 1 }
    try {
      await writeStored(shelf, snapshot, current?.version, { milestone: true })
    } catch (error) {
      if (error instanceof StoreConflictError && attempt < writeTries) continue
      throw error
    }
    await tellCreated(shelf, name, next, 'from elsewhere')
    return
  }
}

/**
 * A copy under another account's name: the same session of the same server, so what one of both rotates, the other loses.
 * Throws `NotStoredError`, and `StoreConflictError` when there is a session of the new name.
 */
export async function cloneSession(shelf: Shelf, name: string, account: string): Promise<string> {
  const to = name.slice(0, name.indexOf('/') + 1) + account
  const stored = await readStored(shelf, name)
  if (stored === undefined) throw new NotStoredError(name)
  const there = await shelf.store.read(to)
  if (there !== undefined) throw new StoreConflictError(to, undefined, there.version)
  const snapshot: Snapshot = {
    ...stored.snapshot,
    name: to,
    epoch: await nextEpoch(shelf, to, 0),
    generation: 1,
    loginId: randomBytes(9).toString('base64url'),
    savedAt: Date.now(),
  }
  await writeStored(shelf, snapshot, undefined, { milestone: true })
  await tellCreated(shelf, to, snapshot.epoch, `cloned from ${name}`)
  return to
}

async function nextEpoch(shelf: Shelf, name: string, epoch: number): Promise<number> {
  const { lastEpoch = 0 } = await readLedger(shelf, name)
  return Math.max(epoch, lastEpoch) + 1
}

/** It is there again, if it was removed before. */
async function tellCreated(shelf: Shelf, name: string, epoch: number, why: string): Promise<void> {
  await changeLedger(shelf, name, ({ removedAt: _, ...page }) =>
    withEvent(page, { kind: 'created', epoch, why }),
  )
}
