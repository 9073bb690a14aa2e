import type { BrowserContext, BrowserContextOptions } from 'playwright'
import { applyState } from '../../bridge/context/apply.ts'
import { captureState } from '../../bridge/context/capture.ts'
import { watchOrigins } from '../../bridge/context/visited.ts'
import { LiveSync } from '../../bridge/live/live-sync.ts'
import { holdRequests } from '../../login/learn/hold-requests.ts'
import { learnHeaderRules } from '../../login/learn/learn-headers.ts'
import { observedValues } from '../../login/learn/observed-values.ts'
import { findSignOuts } from '../../login/sign-out-links.ts'
import { watchRequests, type RequestWatch } from '../../login/learn/watch-requests.ts'
import { sanitize, type GatePolicy } from '../../policy/gate.ts'
import type { Cell } from '../../state/cell.ts'
import { diffStates, isEmptyDiff } from '../../state/diff.ts'
import { isKept, type HeaderRule } from '../../state/header-rule.ts'
import type { Identity } from '../../state/identity.ts'
import { keepValues, keptIn, keptValue } from '../../state/kept-values.ts'
import type { Report } from '../../state/report.ts'
import type { SignOutAddress } from '../../state/sign-outs.ts'
import type { SessionState } from '../../state/state.ts'

export interface VisitOptions {
  readonly cell: Cell
  readonly policy: GatePolicy
  /** What is known: tells what to take home from the wire, and what is better left as it is. */
  readonly headerRules?: readonly HeaderRule[]
  readonly signal?: AbortSignal | undefined
  /** Called when the visit is over, with nothing when its context was closed under it. */
  readonly onEnd?: (result: VisitResult | undefined) => void
}

/** What a visit brought home besides what went into the cell. */
export interface VisitResult {
  readonly report: Report
  /** Header rules seen in use during the visit. */
  readonly headerRules: readonly HeaderRule[]
  /** Addresses that the pages would sign out by. */
  readonly signOuts: readonly SignOutAddress[]
}

export interface Visit {
  /** What could not be put into the context. */
  readonly report: Report
  /** Everything that either side has written before this call is on both sides when it resolves. */
  settle(): Promise<void>
  /** Takes home what the context still holds of its own and lets go of it; it stays open. Once. */
  end(): Promise<VisitResult>
}

/** Requests that are held back tell no more of their headers: no use in waiting long, ms. */
const heldHeaders = 100

/** A visit in a context of ours. */
export interface OwnVisit extends Visit {
  /** Ends the visit with all that the pages were about to change, and nothing after that. The context must be closed then. */
  endForGood(): Promise<VisitResult>
}

/**
 * Makes a context wear the state of a cell and keeps both in step until the end: what the pages change is in the cell,
 * and what changes in the cell is in the pages, within 100 ms, deletions included (bridge/live/live-sync.ts says what is and is
 * not). The end takes home what events did not tell. In other engines than Chromium everything comes home at the
 * end, and the report says so.
 */
export async function beginVisit(context: BrowserContext, options: VisitOptions): Promise<OwnVisit> {
  const { cell, headerRules: known = [] } = options
  const requests = watchRequests(context)
  try {
    const worn = cell.state
    const { epoch } = cell
    const before = keptIn(worn)
    const stopTaking = takeFromWire(requests, cell, known)
    const wearing = await (isChromium(context) ? wearLive(context, options) : wearUntilEnd(context, options))
    const onClose = (): void => options.onEnd?.(undefined)
    context.once('close', onClose)
    let ended: Promise<VisitResult> | undefined
    const end = async (within = 300): Promise<VisitResult> => {
      await requests.settled(within)
      stopTaking()
      const observed = requests.stop()
      const signOuts = await findSignOuts(context)
      const { state, report } = await wearing.finish()
      context.off('close', onClose)
      const { rules, kept } = learnHeaderRules(observed, [worn, state], known)
      // What pages held before a renewal is not what carries the session now; a rule without its value would carry nothing.
      const isOld = cell.epoch !== epoch
      if (!isOld) {
        const last = new Map([...observedValues(known, observed), ...kept])
        // What has changed since the beginning was taken home then, or an answer to our clients has brought it later.
        const stale = [...last.keys()].filter((name) => keptValue(cell, name) !== before.get(name))
        for (const name of stale) last.delete(name)
        keepValues(cell, last, 'visit')
      }
      const headerRules = isOld ? rules.filter(({ source }) => !isKept(source)) : rules
      const result = { report, headerRules, signOuts }
      options.onEnd?.(result)
      return result
    }
    const endForGood = async (): Promise<VisitResult> => {
      await holdRequests(context, requests, options.signal ?? new AbortController().signal)
      return end(heldHeaders)
    }
    return {
      report: wearing.report,
      settle: () => wearing.settle(),
      end: () => (ended ??= end()),
      endForGood: () => (ended ??= endForGood()),
    }
  } catch (error) {
    requests.stop()
    throw error
  }
}

/** Keeps what pages send for rules whose value stands nowhere but on the wire, as they send it. */
function takeFromWire(requests: RequestWatch, cell: Cell, known: readonly HeaderRule[]): () => void {
  if (!known.some(({ source }) => isKept(source))) return () => undefined
  const { epoch } = cell
  let next = 0
  return requests.onActivity(() => {
    if (cell.epoch !== epoch) return
    const fresh = requests.requests.filter(({ sequence }) => sequence >= next)
    next = (fresh.at(-1)?.sequence ?? next - 1) + 1
    if (fresh.length > 0) keepValues(cell, observedValues(known, fresh), 'visit')
  })
}

interface Wearing {
  readonly report: Report
  settle(): Promise<void>
  finish(): Promise<{ state: SessionState; report: Report }>
}

function isChromium(context: BrowserContext): boolean {
  return context.browser()?.browserType().name() === 'chromium'
}

async function wearLive(context: BrowserContext, options: VisitOptions): Promise<Wearing> {
  const { live, given } = await LiveSync.begin(context, options)
  return { report: given, settle: () => live.settle(), finish: () => live.finish() }
}

/** The difference between what was put on and what is found, so that changes made elsewhere meanwhile are kept. */
async function wearUntilEnd(context: BrowserContext, options: VisitOptions): Promise<Wearing> {
  const { cell, signal, policy } = options
  const worn = cell.state
  const { epoch } = cell
  const origins = watchOrigins(context)
  const given = await applyState(context, worn, signal === undefined ? {} : { signal })
  const rule = 'live sync needs Chromium, and its browser object: changes come home at the end of the visit'
  return {
    report: [...given, { kind: 'origin', name: '*', where: '*', reason: 'unsupported', rule }],
    settle: () => Promise.resolve(),
    finish: async () => {
      const found = await captureState(context, { previous: worn, origins: origins.origins })
      origins.stop()
      const gated = sanitize(found.state, policy)
      const diff = diffStates(worn, gated.state)
      // A visit that began before a renewal wears an older epoch: what it brings home changes nothing.
      if (cell.epoch === epoch && !isEmptyDiff(diff)) cell.merge(diff, 'visit')
      return { state: gated.state, report: [...found.report, ...gated.dropped] }
    },
  }
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
