import { captureState } from '../bridge/context/capture.ts'
import type { Carrier } from '../http/carrier.ts'
import { sanitize, type GatePolicy } from '../policy/gate.ts'
import { trackerVendor } from '../policy/trackers.ts'
import { Cell } from '../state/cell.ts'
import { mergeStates } from '../state/diff.ts'
import { addHeaderRules } from '../state/header-rules.ts'
import { withKept } from '../state/kept-values.ts'
import { sourceName, sourceOrigin, type HeaderRule } from '../state/header-rule.ts'
import type { Identity, Probe } from '../state/identity.ts'
import { browserOnlyOrigins, type Report, type ReportItem } from '../state/report.ts'
import type { SignOutAddress } from '../state/sign-outs.ts'
import { cookieKey, type SessionState, type StateCookie } from '../state/state.ts'
import { reached, type Attempt } from './attempt.ts'
import { captureIdentity } from './capture-identity.ts'
import { declaredRules } from './learn/declared-headers.ts'
import { rulesByConvention } from './learn/conventions.ts'
import { learnHeaderRules, type LearnedHeaders } from './learn/learn-headers.ts'
import { observedValues } from './learn/observed-values.ts'
import { probeCandidates } from './probe-candidates.ts'
import { checkProbe, learnProbe } from './probe.ts'
import { findUnportable, isProvenByPage } from './learn/unportable.ts'
import { findSignOuts } from './sign-out-links.ts'
import type { ObservedRequest } from './learn/watch-requests.ts'

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
  readonly signOuts: readonly SignOutAddress[]
  /** Headers that the pages made themselves and that could not be traced to the state: names only. */
  readonly unexplained: LearnedHeaders['unexplained']
  /** The whole login, ms. */
  readonly took: number
}

/** A harvest that nothing has proven yet when `probe` is absent, unless the page has: see `isProvenByPage`. */
export type Gathered = Omit<Harvest, 'verifiedAt' | 'took'> & {
  readonly provenByPage?: boolean
  /** What the browser held then, before the gate. */
  readonly captured: SessionState
  /** Unix ms. */
  readonly capturedAt: number
}

/**
 * Takes the state out of the login browser, learns how the session is carried, lets the state through the gate, and
 * looks for proof that the server takes what is left. What the gate cut is put back when there is proof only with it.
 * As a last resort pages are asked that nobody has asked for since the secrets were typed.
 */
export async function gather(attempt: Attempt, lastResort = false): Promise<Gathered> {
  await attempt.watch.settled()
  const requests = attempt.watch.requests
  const capturedAt = Date.now()
  const [captured, identity, signOuts] = await Promise.all([
    captureState(attempt.context, { signal: attempt.signal, origins: attempt.visited.origins }),
    captureIdentity(attempt.page, requests),
    findSignOuts(attempt.context),
  ])
  reached(attempt, 'state is captured')
  const { rules, unexplained, kept } = carriedBy(attempt, requests, captured.state)
  const since = attempt.desk.lastGivenAt ?? 0
  const pages = requests.filter(({ at }) => at >= since)
  const unused = rulesByConvention(pages, captured.state, rules)
  const whatIs = withKept(captured.state, new Map([...unused.kept, ...kept]))
  const shared = {
    ...{ identity, unexplained, captured: whatIs, capturedAt, signOuts },
    visitedOrigins: [...attempt.visited.origins],
  }
  const unportable = findUnportable(requests, captured.report)
  const browserOnly = browserOnlyOrigins(unportable)
  const candidates = [
    ...candidatesOf(attempt, requests, rules),
    ...(lastResort ? guesses(attempt) : []),
  ].filter((url) => browserOnly?.has(new URL(url).origin) !== true)
  // Another body alone proves something only when there is something that could have made the difference.
  const bodyCounts =
    attempt.recipe.verify !== undefined ||
    rules.length > 0 ||
    hasNewCookie(attempt.before, captured.state.cookies)
  const claim = { identity, rules, candidates, bodyCounts }
  const policy = gatePolicy(attempt, requests, rules)
  const cut = sanitize(whatIs, policy)
  const left = [...unportable, ...captured.report]
  const found = await prove(attempt, { ...claim, state: cut.state })
  reached(attempt, found.probe === undefined ? 'no proof found' : 'proven')
  // What nobody has sent yet is no evidence, and no reason to ask: the proof does without it.
  const gathered = {
    ...shared,
    headerRules: [...rules, ...unused.rules],
    ...found,
    report: [...left, ...cut.dropped],
  }
  if (found.probe === undefined && browserOnly !== undefined) {
    const facts = { since, origins: browserOnly, identity, http: attempt.http, session: attempt.session }
    if (await isProvenByPage(requests, facts)) return { ...gathered, provenByPage: true }
  }
  if (found.probe !== undefined || !cut.dropped.some(isJudgement)) return gathered

  // No proof without what was cut: it may be what the session lives by. Keep it all, and see.
  const whole = await prove(attempt, { ...claim, state: uncut(whatIs, policy).state })
  reached(attempt, whole.probe === undefined ? 'no proof found with what the gate had cut' : 'proven')
  if (whole.probe === undefined) return gathered
  const back = await putBack(attempt, claim, { policy, cut: cut.dropped, ...whole, probe: whole.probe })
  return { ...gathered, state: back.state, probe: whole.probe, report: [...back.report, ...left] }
}

/** The same with what its pages have changed in the browser since; the gate judges what is new as it did then. */
export async function captureAgain(attempt: Attempt, gathered: Gathered): Promise<Gathered> {
  const { context, signal, visited, watch } = attempt
  const { captured: before, state, headerRules, report } = gathered
  const captured = await captureState(context, { signal, origins: visited.origins, previous: before })
  const now = withKept(captured.state, carriedBy(attempt, watch.requests, captured.state).kept)
  const policy = gatePolicy(attempt, watch.requests, headerRules)
  const merged = mergeStates(before, now, state)
  const isWhole = report.some(({ reason }) => reason === 'put-back')
  return { ...gathered, state: (isWhole ? uncut(merged, policy) : sanitize(merged, policy)).state }
}

/** What was learned, what the recipe declares above it, and the values for both that stand nowhere else. */
function carriedBy(
  { recipe }: Attempt,
  requests: readonly ObservedRequest[],
  state: SessionState,
): LearnedHeaders {
  const learned = learnHeaderRules(requests, state)
  const declared = declaredRules(recipe)
  if (declared.length === 0) return learned
  const names = new Set(declared.map(({ header }) => header.toLowerCase()))
  return {
    rules: [...addHeaderRules(learned.rules, declared)],
    unexplained: learned.unexplained.filter(({ header }) => !names.has(header.toLowerCase())),
    kept: new Map([...learned.kept, ...observedValues(declared, requests)]),
  }
}

/** What the gate cut as none of the session's business, which is a guess; what is malformed stays out. */
function isJudgement({ reason }: ReportItem): boolean {
  return reason === 'tracker' || reason === 'out-of-scope'
}

function uncut(state: SessionState, { protect }: Policy): ReturnType<typeof sanitize> {
  return sanitize(state, { protect, trackers: 'keep' })
}

interface Undoing {
  readonly policy: Policy
  readonly cut: Report
  /** As the server left it after the proof. */
  readonly state: SessionState
  readonly probe: Probe
}

/**
 * The session dies without what the gate cut. Puts back as little as will do: the names that look like trackers, of the
 * sites of the login only, else everything. Each item that was put back is reported, first in the report.
 */
async function putBack(
  attempt: Attempt,
  claim: Omit<Claim, 'state'>,
  { policy, cut, state, probe }: Undoing,
): Promise<{ state: SessionState; report: Report }> {
  const { session: name, http, logger } = attempt
  const inScope = sanitize(state, { ...policy, trackers: 'keep' })
  const cell = new Cell(inScope.state)
  const carrier = { name, cell, identity: claim.identity, headerRules: claim.rules }
  const suffices =
    cut.some(({ reason }) => reason === 'tracker') && (await checkProbe(probe, carrier, http)) === 'alive'
  const stillCut = new Set((suffices ? inScope : uncut(state, policy)).dropped.map(keyOf))
  const back = cut.filter((item) => isJudgement(item) && !stillCut.has(keyOf(item)))
  logger.warn(
    { session: name, putBack: back.map(({ kind, name, where }) => ({ kind, name, where })) },
    'the session dies without what the gate cut: put back',
  )
  const report = [
    ...back.map((item) => ({ ...item, reason: 'put-back' as const, rule: whyBack(item) })),
    ...cut.filter((item) => !back.includes(item)),
  ]
  return { state: suffices ? cell.state : state, report }
}

function whyBack({ reason, rule = reason }: ReportItem): string {
  return `cut at first (${rule}), and the server no longer took the session`
}

function keyOf({ kind, name, where }: ReportItem): string {
  return [kind, name, where].join('\u0000')
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

type Policy = GatePolicy & { readonly protect: readonly string[] }

/** In scope is where the main frames stood, redirects on the way included, and where header rules send something. */
function gatePolicy(
  { recipe, policy }: Attempt,
  requests: readonly ObservedRequest[],
  rules: readonly HeaderRule[],
): Policy {
  const navigated = requests.filter(({ topLevel, url }) => topLevel && URL.canParse(url))
  const scope = new Set([
    new URL(recipe.url).hostname,
    ...(recipe.domains ?? []).map((entry) => (entry.includes('://') ? new URL(entry).hostname : entry)),
    ...navigated.map(({ url }) => new URL(url).hostname),
    ...rules.flatMap(({ origins }) => origins.map((origin) => new URL(origin).hostname)),
    ...rules.flatMap(({ source }) => {
      const origin = sourceOrigin(source)
      return origin === undefined ? [] : [new URL(origin).hostname]
    }),
  ])
  const sources = rules.map(({ source }) => sourceName(source))
  return {
    scope: [...scope],
    trackers: policy.trackers ?? 'drop',
    protect: [...(recipe.protect ?? []), ...(policy.protect ?? []), ...sources],
  }
}
