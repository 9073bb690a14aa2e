import type { SnapshotDefect } from '../../errors.ts'
import { forecast } from '../../policy/forecast.ts'
import type { Standing } from '../../snapshot/envelope.ts'
import { readLedger } from '../ledger.ts'
import type { Shelf } from '../stored.ts'
import { everySession } from './every-session.ts'
import { standingOf } from './history.ts'

/** What stands in a store, counted. */
export interface VaultStats {
  readonly sessions: number
  readonly byStanding: Readonly<Record<Standing, number>>
  /** Sessions whose forecast end has passed. */
  readonly expired: number
  /** Sessions that no pool uses for now. */
  readonly quarantined: number
  /** Sealed size of the newest generations. */
  readonly bytes: number
  /** Saved longest ago; Unix ms. */
  readonly oldest?: { readonly name: string; readonly savedAt: number }
  /** Of those that live; Unix ms. */
  readonly nextToDie?: { readonly name: string; readonly diesAt: number; readonly because: string }
  readonly unreadable: readonly { readonly name: string; readonly defect: SnapshotDefect }[]
}

/** Opens every session and its ledger once. */
export async function countVault(
  shelf: Shelf,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<VaultStats> {
  const byStanding = { candidate: 0, verified: 0, suspect: 0, dead: 0 }
  const unreadable: { name: string; defect: SnapshotDefect }[] = []
  const counts = { sessions: 0, expired: 0, quarantined: 0, bytes: 0 }
  let oldest: VaultStats['oldest']
  let nextToDie: VaultStats['nextToDie']
  const now = Date.now()
  for await (const { name, stored, defect } of everySession(shelf, signal)) {
    counts.sessions += 1
    if (stored === undefined) {
      if (defect !== undefined) unreadable.push({ name, defect })
      continue
    }
    const { snapshot, size } = stored
    const { savedAt, state, headerRules } = snapshot
    counts.bytes += size
    byStanding[standingOf(snapshot)] += 1
    if (oldest === undefined || savedAt < oldest.savedAt) oldest = { name, savedAt }
    const { diesAt, because } = forecast(state, { headerRules })
    if (diesAt !== undefined && diesAt < now) counts.expired += 1
    else if (diesAt !== undefined && diesAt < (nextToDie?.diesAt ?? Infinity))
      nextToDie = { name, diesAt, because }
    const { quarantine } = await readLedger(shelf, name).catch(() => ({ quarantine: undefined }))
    if (quarantine !== undefined && quarantine.until > now) counts.quarantined += 1
  }
  return {
    ...counts,
    byStanding,
    unreadable,
    ...(oldest !== undefined && { oldest }),
    ...(nextToDie !== undefined && { nextToDie }),
  }
}
