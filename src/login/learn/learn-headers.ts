import { isKept, type HeaderRule, type KeptSource, type RuleSource } from '../../state/header-rule.ts'
import type { SessionState } from '../../state/state.ts'
import { explainByState } from './explanations.ts'
import { byPreference, type Making, sourceKinds } from './header-making.ts'
import { pathsOf } from './learn-paths.ts'
import { explainByWire, indexAnswers, type AnswerIndex } from './learn-wire.ts'
import { sightingKey, sightingsOf, type Sighting } from './sightings.ts'
import { groupBy, indexValues, sourceKey, type StateIndex } from './state-values.ts'
import { steadyValue, type NotSteady } from './steady-value.ts'
import type { ObservedRequest } from './watch-requests.ts'

/** A header that pages sent and that is not carried. The name only, never the value. */
export interface UnexplainedHeader {
  readonly header: string
  readonly origins: readonly string[]
  readonly why: NotSteady
}

export interface LearnedHeaders {
  readonly rules: HeaderRule[]
  readonly unexplained: UnexplainedHeader[]
  /** Values for the rules whose source is kept, by the name under which they are to be kept. */
  readonly kept: ReadonlyMap<string, string>
}

/**
 * Learns "header H to origins O is made from item I of the state" by watching what pages sent; fields of form and JSON
 * bodies that are there against forgery, too. Several states may be given (before and after a token changed). A rule goes
 * only to the origins where the page itself sent the header, and, where scripts sent other requests there without it,
 * only to those paths; hops reached by a redirect from another origin teach nothing.
 *
 * An item of the state is preferred; then what an answer or a page has brought; then the value itself, as it was seen, if
 * it stays the same. When several items hold the value, the choice is made in this order: what explains more requests; an
 * item of the requesting page's own origin; an item whose name resembles the header's; a cookie (the server keeps it
 * fresh over HTTP), then localStorage, sessionStorage, IndexedDB; the shorter path; the alphabet.
 *
 * `known` are the rules that there are: one of them stays while its source is there, where what was seen could be explained
 * less well only.
 */
export function learnHeaderRules(
  requests: readonly ObservedRequest[],
  states: SessionState | readonly SessionState[],
  known: readonly HeaderRule[] = [],
): LearnedHeaders {
  const list = Array.isArray(states) ? (states as readonly SessionState[]) : [states as SessionState]
  const work: Work = {
    requests,
    states: list,
    known,
    index: indexValues(list),
    answers: indexAnswers(requests),
    rules: [],
    kept: new Map(),
    unexplained: new Map(),
  }
  for (const [, sightings] of groupBy(sightingsOf(requests), sightingKey)) learn(work, sightings)
  return {
    rules: joinOrigins(work.rules),
    kept: work.kept,
    unexplained: [...work.unexplained.values()].map(({ header, origins, why }) => ({
      header,
      origins: [...origins].sort(),
      why,
    })),
  }
}

interface Work {
  readonly requests: readonly ObservedRequest[]
  readonly states: readonly SessionState[]
  readonly known: readonly HeaderRule[]
  readonly index: StateIndex
  readonly answers: AnswerIndex
  readonly rules: HeaderRule[]
  readonly kept: Map<string, string>
  readonly unexplained: Map<string, { header: string; origins: Set<string>; why: NotSteady }>
}

type Made = Pick<Making, 'source' | 'prefix' | 'encoding'> & { readonly value?: string }

function learn(work: Work, sightings: readonly Sighting[]): void {
  const last = sightings.at(-1)
  if (last === undefined) return
  const before = work.known.find((rule) => isFor(rule, last))
  const made = byState(work, sightings) ?? byWire(work, sightings) ?? byItself(sightings)
  if (typeof made === 'string') {
    if (before === undefined && last.in === undefined) report(work, last, made)
    return
  }
  if (before !== undefined && isBetter(work, before.source, made.source)) return
  work.rules.push(toRule(work, made, sightings, before))
  if (made.value !== undefined && isKept(made.source)) work.kept.set(made.source.kept, made.value)
}

function isFor(rule: HeaderRule, { in: place, header, origin }: Sighting): boolean {
  return (
    rule.in === place && rule.header.toLowerCase() === header.toLowerCase() && rule.origins.includes(origin)
  )
}

/** Known to be made in a better way, and nothing says that this has ended. */
function isBetter({ states }: Work, known: RuleSource, seen: RuleSource): boolean {
  const rank = (source: RuleSource): number => (isKept(source) ? sourceKinds.indexOf(source.from) : -1)
  if (rank(known) >= rank(seen)) return false
  if (isKept(known)) return true
  const now = indexValues(states.slice(-1))
  return [...now.values()].some((found) => found.some(({ source }) => sourceKey(source) === sourceKey(known)))
}

function byState(work: Work, sightings: readonly Sighting[]): Made | undefined {
  const makings = new Map<string, Making>()
  for (const sighting of sightings) {
    for (const { prefix, found } of explainByState(sighting, work.index, work.states)) {
      const key = `${prefix}\u0000${found.encoding ?? ''}\u0000${sourceKey(found.source)}`
      const making = makings.get(key) ?? {
        source: found.source,
        prefix,
        encoding: found.encoding,
        explains: [],
      }
      if (making.explains.at(-1) !== sighting) making.explains.push(sighting)
      makings.set(key, making)
    }
  }
  return [...makings.values()].sort(byPreference)[0]
}

function byWire(work: Work, sightings: readonly Sighting[]): Made | undefined {
  const found = explainByWire(sightings, work.answers, work.requests)
  const [first] = sightings
  if (found === undefined || first === undefined) return undefined
  const source: KeptSource = { ...found.source, kept: keptNameOf(first) }
  return { source, prefix: found.prefix, encoding: undefined, value: found.value }
}

function byItself(sightings: readonly Sighting[]): Made | NotSteady {
  const steady = steadyValue(sightings)
  const last = sightings.at(-1)
  if (typeof steady === 'string' || last === undefined)
    return typeof steady === 'string' ? steady : 'seen once only'
  const scheme = last.in === undefined ? (/^[A-Za-z]{1,20} (?=\S+$)/.exec(steady.value)?.[0] ?? '') : ''
  const page = last.request.pageOrigin
  return {
    source: { from: 'observed', kept: keptNameOf(last), ...(page !== undefined && { page }) },
    prefix: scheme,
    encoding: undefined,
    value: steady.value.slice(scheme.length),
  }
}

/** Header and origin have one value at a time, so they are name enough. */
function keptNameOf({ in: place, header, origin }: Sighting): string {
  return `${place === 'body' ? `field ${header}` : header.toLowerCase()} ${origin}`
}

function report(work: Work, { header, origin }: Sighting, why: NotSteady): void {
  const entry = work.unexplained.get(header.toLowerCase()) ?? { header, origins: new Set<string>(), why }
  entry.origins.add(origin)
  work.unexplained.set(header.toLowerCase(), entry)
}

function toRule(
  work: Work,
  { source, prefix, encoding }: Made,
  sightings: readonly Sighting[],
  before: HeaderRule | undefined,
): HeaderRule {
  const [first] = sightings
  const last = sightings.at(-1)
  const { header = '', origin = '' } = last ?? {}
  const methods = isForWritesOnly(sightings, work.requests) ? 'unsafe' : 'all'
  const paths = pathsOf(sightings, work.requests, methods, before?.paths)
  return {
    header: source.from === 'cookie' && source.dynamic === true ? dynamicHeader(header, source.name) : header,
    ...(first?.in !== undefined && { in: first.in }),
    origins: [origin],
    ...(paths !== undefined && { paths }),
    methods,
    prefix,
    source,
    ...(encoding !== undefined && { encoding }),
  }
}

/** The part that the star of the cookie's name stands for is the last one of the header's name, too. */
function dynamicHeader(header: string, cookie: string): string {
  const mark = cookie.at(-2) ?? '-'
  return `${header.slice(0, header.lastIndexOf(mark) + 1)}*`
}

/**
 * Seen only on writes. Reads without the header speak for that when they came later than a write with it, or, for a
 * header with CSRF in its name, at any time: its name says what it is for. Fields go with writes only.
 */
function isForWritesOnly(sightings: readonly Sighting[], requests: readonly ObservedRequest[]): boolean {
  const [first] = sightings
  if (first === undefined || sightings.some(({ request }) => isSafe(request.method))) return false
  if (first.in === 'body' || /csrf|xsrf/i.test(first.header)) return true
  return requests.some(
    ({ method, url, sequence, resourceType }) =>
      isSafe(method) &&
      sequence > first.request.sequence &&
      (resourceType === 'fetch' || resourceType === 'xhr') &&
      URL.canParse(url) &&
      new URL(url).origin === first.origin,
  )
}

function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

function joinOrigins(rules: readonly HeaderRule[]): HeaderRule[] {
  const groups = groupBy(rules, ({ header, in: place, methods, prefix, paths, source, encoding }) =>
    JSON.stringify([header.toLowerCase(), place, methods, prefix, paths, encoding, sourceKey(source)]),
  )
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    const origins = [...new Set(group.flatMap((rule) => rule.origins))].sort()
    return first === undefined ? [] : [{ ...first, origins }]
  })
}
