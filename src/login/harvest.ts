import { captureState } from '../bridge/context/capture.ts'
import type { Carrier } from '../http/carrier.ts'
import { sanitize, type GatePolicy } from '../policy/gate.ts'
import { trackerVendor } from '../policy/trackers.ts'
import { Cell } from '../state/cell.ts'
import type { HeaderRule, Identity, Probe } from '../state/identity.ts'
import type { Report } from '../state/report.ts'
import { cookieKey, type SessionState, type StateCookie } from '../state/state.ts'
import { reached, type Attempt } from './attempt.ts'
import { captureIdentity } from './capture-identity.ts'
import { learnHeaderRules, type LearnedHeaders } from './learn-headers.ts'
import { probeCandidates } from './probe-candidates.ts'
import { learnProbe } from './probe.ts'
import type { ObservedRequest } from './watch-requests.ts'

/** What a login brings home. */
export interface Harvest {
  readonly state: SessionState
  readonly identity: Identity
  readonly headerRules: readonly HeaderRule[]
  /** Absent when no request was found that tells a live session from a dead one; the recipe's `verify` has spoken then. */
  readonly probe?: Probe
  /** Unix milliseconds. */
  readonly verifiedAt: number
  /** What was not kept, and why. */
  readonly report: Report
  readonly visitedOrigins: readonly string[]
  /** Headers that the pages made themselves and that could not be traced to the state: names only. */
  readonly unexplained: LearnedHeaders['unexplained']
  /** The whole login, ms. */
  readonly took: number
}

/** A harvest that nothing has proven yet when `probe` is absent. */
export type Gathered = Omit<Harvest, 'verifiedAt' | 'took'>

/**
 * Takes the state out of the login browser, learns how the session is carried, lets the state through the gate, and
 * looks for proof that the server takes what is left. What the gate cut is put back when the proof fails without it.
 * As a last resort pages are asked that nobody has asked for since the secrets were typed.
 */
export async function gather(attempt: Attempt, lastResort = false): Promise<Gathered> {
  await attempt.watch.settled()
  const requests = attempt.watch.requests
  const [captured, identity] = await Promise.all([
    captureState(attempt.context, { signal: attempt.signal, origins: attempt.visited.origins }),
    captureIdentity(attempt.page, requests),
  ])
  reached(attempt, 'state is captured')
  const { rules, unexplained } = learnHeaderRules(requests, captured.state)
  const shared = { identity, unexplained, visitedOrigins: [...attempt.visited.origins] }
  const candidates = [...candidatesOf(attempt, requests, rules), ...(lastResort ? guesses(attempt) : [])]
  // Another body alone proves something only when there is something that could have made the difference.
  const bodyCounts =
    attempt.recipe.verify !== undefined ||
    rules.length > 0 ||
    hasNewCookie(attempt.before, captured.state.cookies)
  const full = gatePolicy(attempt, requests, rules)
  let first: Gathered | undefined
  for (const policy of full.trackers === 'keep'
    ? [full]
    : [full, { protect: full.protect, trackers: 'keep' as const }]) {
    const { state, dropped } = sanitize(captured.state, policy)
    const proven = await prove(attempt, { state, identity, rules, candidates, bodyCounts })
    reached(attempt, proven.probe === undefined ? 'no proof found' : 'proven')
    const gathered = { ...shared, headerRules: rules, ...proven, report: [...captured.report, ...dropped] }
    if (proven.probe !== undefined) {
      if (first !== undefined)
        attempt.logger.warn(
          { session: attempt.session },
          'the session dies without what the gate cut: kept all',
        )
      return gathered
    }
    first ??= gathered
    if (dropped.every(({ reason }) => reason !== 'tracker' && reason !== 'out-of-scope')) break
  }
  return first ?? never()
}

/** Cheap look whether a proof could succeed: something has been asked with the session, or the recipe says how. */
export function hasCandidates(attempt: Attempt): boolean {
  if (attempt.recipe.verify !== undefined) return true
  return candidatesOf(attempt, attempt.watch.requests, []).length > 0
}

interface Claim {
  readonly state: SessionState
  readonly identity: Identity
  readonly rules: readonly HeaderRule[]
  readonly candidates: readonly string[]
  readonly bodyCounts: boolean
}

/** The probe, if there is one, and the state as it is after asking: servers rotate cookies with any answer. */
async function prove(attempt: Attempt, claim: Claim): Promise<{ state: SessionState; probe?: Probe }> {
  const cell = new Cell(claim.state)
  const carrier: Carrier = {
    name: attempt.session,
    cell,
    identity: claim.identity,
    headerRules: claim.rules,
  }
  const { http, signal } = attempt
  const probe = await learnProbe(claim.candidates, carrier, { http, signal, bodyCounts: claim.bodyCounts })
  return probe === undefined ? { state: claim.state } : { state: cell.state, probe }
}

function candidatesOf(
  attempt: Attempt,
  requests: readonly ObservedRequest[],
  headerRules: readonly HeaderRule[],
): string[] {
  const { recipe, desk } = attempt
  if (recipe.probe !== undefined) return [recipe.probe]
  return probeCandidates(requests, { home: recipe.url, headerRules, since: desk.lastGivenAt ?? 0 })
}

/** Pages that often tell: where the login has ended, where it began, and the front page. */
function guesses({ recipe, page }: Attempt): string[] {
  if (recipe.probe !== undefined) return []
  const urls = [page.url(), recipe.home ?? recipe.url, recipe.url, new URL('/', recipe.url).href]
  return [...new Set(urls)].filter((url) => url.startsWith('http') && !url.includes('?'))
}

function hasNewCookie(before: readonly StateCookie[], after: readonly StateCookie[]): boolean {
  const known = new Map(before.map((cookie) => [cookieKey(cookie), cookie.value]))
  return after.some(
    (cookie) => known.get(cookieKey(cookie)) !== cookie.value && trackerVendor(cookie.name) === undefined,
  )
}

/** In scope is where the main frames stood, redirects on the way included, and where header rules send something. */
function gatePolicy(
  { recipe, policy }: Attempt,
  requests: readonly ObservedRequest[],
  rules: readonly HeaderRule[],
): GatePolicy & { protect: readonly string[] } {
  const navigated = requests.filter(({ topLevel, url }) => topLevel && URL.canParse(url))
  const scope = new Set([
    new URL(recipe.url).hostname,
    ...(recipe.domains ?? []).map((entry) => (entry.includes('://') ? new URL(entry).hostname : entry)),
    ...navigated.map(({ url }) => new URL(url).hostname),
    ...rules.flatMap(({ origins }) => origins.map((origin) => new URL(origin).hostname)),
    ...rules.flatMap(({ source }) => (source.from === 'cookie' ? [] : [new URL(source.origin).hostname])),
  ])
  const sources = rules.map(({ source }) => (source.from === 'cookie' ? source.name : source.key))
  return {
    scope: [...scope],
    trackers: policy.trackers ?? 'drop',
    protect: [...(recipe.protect ?? []), ...(policy.protect ?? []), ...sources],
  }
}

function never(): never {
  throw new Error('unreachable: the gate is passed at least once')
}
