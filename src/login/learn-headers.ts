import type { HeaderRule, RuleSource } from '../state/identity.ts'
import type { SessionState } from '../state/state.ts'
import { isStandardHeader } from './standard-headers.ts'
import { byPreference, isFor, resembles, type Making, type Sighting } from './header-making.ts'
import { cookieValues, indexValues, sourceKey, type StateIndex, type StateValue } from './state-values.ts'
import type { ObservedRequest } from './watch-requests.ts'

/** A header that pages sent and whose value stands nowhere in the state. The name only, never the value. */
export interface UnexplainedHeader {
  readonly header: string
  readonly origins: readonly string[]
}

export interface LearnedHeaders {
  readonly rules: HeaderRule[]
  readonly unexplained: UnexplainedHeader[]
}

/**
 * Learns "header H to origins O is made from item I of the state" by watching what pages sent. Several states may be
 * given (before and after a token changed). A rule goes only to the origins where the page itself sent the header;
 * hops reached by a redirect from another origin teach nothing.
 *
 * When several items hold the value, the choice is made in this order: what explains more requests; an item of the
 * requesting page's own origin; an item whose name resembles the header's; a cookie (the server keeps it fresh over
 * HTTP), then localStorage, then sessionStorage; the shorter path; the alphabet.
 */
export function learnHeaderRules(
  requests: readonly ObservedRequest[],
  states: SessionState | readonly SessionState[],
): LearnedHeaders {
  const list = Array.isArray(states) ? (states as readonly SessionState[]) : [states as SessionState]
  const index = indexValues(list)
  const rules: HeaderRule[] = []
  const unexplained = new Map<string, { header: string; origins: Set<string> }>()
  for (const [, sightings] of groupBy(
    sightingsOf(requests),
    ({ header, origin }) => `${header.toLowerCase()} ${origin}`,
  )) {
    const [first] = sightings
    if (first === undefined) continue
    const making = chooseMaking(sightings, index, list)
    if (making === undefined) {
      const entry = unexplained.get(first.header.toLowerCase()) ?? {
        header: first.header,
        origins: new Set(),
      }
      entry.origins.add(first.origin)
      unexplained.set(first.header.toLowerCase(), entry)
    } else rules.push(toRule(making, sightings, requests))
  }
  return {
    rules: joinOrigins(rules),
    unexplained: [...unexplained.values()].map(({ header, origins }) => ({
      header,
      origins: [...origins].sort(),
    })),
  }
}

function sightingsOf(requests: readonly ObservedRequest[]): Sighting[] {
  return requests
    .filter((request) => !request.crossedOrigins && URL.canParse(request.url))
    .flatMap((request) =>
      request.headers
        .filter(([name]) => !isStandardHeader(name))
        .map(([header, value]) => ({ header, value, origin: new URL(request.url).origin, request })),
    )
}

function chooseMaking(
  sightings: readonly Sighting[],
  index: StateIndex,
  states: readonly SessionState[],
): Making | undefined {
  const makings = new Map<string, Making>()
  for (const sighting of sightings) {
    for (const { prefix, found } of explanations(sighting, index, states)) {
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

function explanations(
  sighting: Sighting,
  index: StateIndex,
  states: readonly SessionState[],
): { prefix: string; found: StateValue }[] {
  const current = cookiesThen(sighting.request, states)
  return beginnings(sighting.value).flatMap((at) => {
    const value = sighting.value.slice(at)
    return [...(index.get(value) ?? []), ...(current.get(value) ?? [])]
      .filter(({ source }) => isTelling(value, sighting.header, source))
      .map((found) => ({ prefix: sighting.value.slice(0, at), found }))
  })
}

const longestPrefix = 32

/** Where the value may begin: at the start, or after a mark that ends a scheme (`Bearer x`, `Token token=x`). */
function beginnings(text: string): number[] {
  const marks = [...text.slice(0, longestPrefix).matchAll(/[ =:]/g)].map(({ index }) => index + 1)
  return [0, ...marks.filter((at) => at < text.length)]
}

/**
 * Readable cookies with the value that they had when the request was sent, from its own `Cookie` header: a CSRF
 * cookie that changes with every answer has another value by now.
 */
function cookiesThen(request: ObservedRequest, states: readonly SessionState[]): StateIndex {
  const sent = request.headers.find(([name]) => name.toLowerCase() === 'cookie')?.[1]
  if (sent === undefined) return new Map()
  const host = new URL(request.url).hostname
  const values = sent.split('; ').flatMap((pair) => {
    const at = pair.indexOf('=')
    const name = pair.slice(0, at)
    const cookie = states
      .flatMap((state) => state.cookies)
      .find((known) => known.name === name && isFor(known.domain, host))
    return at < 0 || cookie === undefined ? [] : cookieValues(cookie, pair.slice(at + 1))
  })
  return new Map(groupBy(values, ({ value }) => value))
}

/** Short or plain values are found by chance; they count only where the item is named like the header. */
function isTelling(value: string, header: string, source: RuleSource): boolean {
  if (new Set(value).size < 3 || value.length < 4) return false
  if (resembles(header, source)) return true
  return value.length >= 12 && new Set(value).size >= 6
}

function toRule(
  making: Making,
  sightings: readonly Sighting[],
  requests: readonly ObservedRequest[],
): HeaderRule {
  const last = making.explains.at(-1) ?? sightings[0]
  return {
    header: last?.header ?? '',
    origins: [last?.origin ?? ''],
    methods: isForWritesOnly(sightings, requests) ? 'unsafe' : 'all',
    prefix: making.prefix,
    source: making.source,
    ...(making.encoding !== undefined && { encoding: making.encoding }),
  }
}

/**
 * Seen only on writes. Reads without the header speak for that when they came later than a write with it, or, for a
 * header with CSRF in its name, at any time: its name says what it is for.
 */
function isForWritesOnly(sightings: readonly Sighting[], requests: readonly ObservedRequest[]): boolean {
  const [first] = sightings
  if (first === undefined || sightings.some(({ request }) => isSafe(request.method))) return false
  if (/csrf|xsrf/i.test(first.header)) return true
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
  const groups = groupBy(rules, ({ header, methods, prefix, source, encoding }) =>
    [header.toLowerCase(), methods, prefix, encoding, sourceKey(source)].join('\u0000'),
  )
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    return first === undefined ? [] : [{ ...first, origins: group.flatMap(({ origins }) => origins).sort() }]
  })
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}
