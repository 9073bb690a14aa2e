import type { BrowserContext, BrowserContextOptions } from 'playwright'
import { applyState } from '../bridge/context/apply.ts'
import { captureState } from '../bridge/context/capture.ts'
import { watchOrigins } from '../bridge/context/visited.ts'
import { learnHeaderRules } from '../login/learn-headers.ts'
import { watchRequests } from '../login/watch-requests.ts'
import { sanitize, type GatePolicy } from '../policy/gate.ts'
import type { Cell } from '../state/cell.ts'
import { diffStates, isEmptyDiff } from '../state/diff.ts'
import type { HeaderRule, Identity } from '../state/identity.ts'
import type { Report } from '../state/report.ts'

export interface VisitOptions {
  readonly cell: Cell
  readonly policy: GatePolicy
  readonly signal?: AbortSignal | undefined
}

/** What a visit brought home besides what went into the cell. */
export interface VisitResult {
  readonly report: Report
  /** Header rules seen in use during the visit. */
  readonly headerRules: readonly HeaderRule[]
}

export interface Visit {
  /** What could not be put into the context. */
  readonly report: Report
  /** Folds what changed in the context back into the cell and lets go of the context, which stays open. Once. */
  end(): Promise<VisitResult>
}

/**
 * Makes a context wear the state of a cell. What the pages change comes back at the end: the difference between what
 * was put on and what is found, deletions included, so that changes made elsewhere meanwhile are kept.
 */
export async function beginVisit(context: BrowserContext, options: VisitOptions): Promise<Visit> {
  const { cell, signal } = options
  const worn = cell.state
  const { epoch } = cell
  const origins = watchOrigins(context)
  const requests = watchRequests(context)
  const given = await applyState(context, worn, signal === undefined ? {} : { signal })
  let ended: Promise<VisitResult> | undefined

  const fold = async (): Promise<VisitResult> => {
    const observed = requests.stop()
    const found = await captureState(context, { previous: worn, origins: origins.origins })
    origins.stop()
    const gated = sanitize(found.state, options.policy)
    const diff = diffStates(worn, gated.state)
    // A visit that began before a renewal wears an older epoch: what it brings home changes nothing.
    if (cell.epoch === epoch && !isEmptyDiff(diff)) cell.merge(diff, 'visit')
    return {
      report: [...found.report, ...gated.dropped],
      headerRules: learnHeaderRules(observed, [worn, gated.state]).rules,
    }
  }
  return { report: given, end: () => (ended ??= fold()) }
}

/**
 * The context options that make a new context look like the login browser. The caller's own options win. No locale:
 * Playwright would turn `en-US,en;q=0.9` into `en-US`, while the browser's own languages are already the login's.
 */
export function contextOptions(
  identity: Identity | undefined,
  own: BrowserContextOptions = {},
): BrowserContextOptions {
  if (identity === undefined) return own
  return {
    userAgent: identity.userAgent,
    ...(identity.timeZone !== undefined && { timezoneId: identity.timeZone }),
    ...(identity.viewport !== undefined && { viewport: identity.viewport }),
    ...(identity.colorScheme !== undefined && { colorScheme: identity.colorScheme }),
    ...own,
  }
}
