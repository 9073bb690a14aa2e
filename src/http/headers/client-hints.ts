import { isTrustworthy } from '../../policy/cookie-rules.ts'
import type { Identity } from '../../state/identity.ts'
import type { Carrier } from '../carrier.ts'
import type { Hop, RequestKind } from '../hop.ts'
import { type HeaderPair, headerValues, type WireHeaders } from '../wire/wire.ts'

/** Pairs with names in lower case, as Chromium writes client hints. */
export type Hints = readonly HeaderPair[]

/** The hints that Chromium sends to everybody over TLS. */
const forAll: ReadonlySet<string> = new Set(['sec-ch-ua', 'sec-ch-ua-mobile', 'sec-ch-ua-platform'])

/**
 * All hints that Chromium 156 knows, in the order in which a navigation carries them (measured). The rest of the list in
 * the specification is not sent by it, or stands with images only.
 */
const knownHints: readonly string[] = [
  ...[
    'device-memory',
    'sec-ch-device-memory',
    'dpr',
    'sec-ch-dpr',
    'viewport-width',
    'sec-ch-viewport-width',
  ],
  ...['sec-ch-viewport-height', 'rtt', 'downlink', 'ect', 'sec-ch-ua', 'sec-ch-ua-mobile'],
  ...['sec-ch-ua-full-version', 'sec-ch-ua-arch', 'sec-ch-ua-platform', 'sec-ch-ua-platform-version'],
  ...['sec-ch-ua-model', 'sec-ch-ua-bitness', 'sec-ch-ua-wow64', 'sec-ch-ua-full-version-list'],
  ...['sec-ch-ua-form-factors', 'sec-ch-prefers-color-scheme', 'sec-ch-prefers-reduced-motion'],
  'sec-ch-prefers-reduced-transparency',
]

/**
 * The same in the order in which Blink puts them into the table of a script's request (script-order.ts): found by search, the
 * only one of many that explains 360 requests with 60 sets of hints and many sets of other headers.
 */
const putIn: readonly string[] = [
  ...['sec-ch-device-memory', 'device-memory', 'rtt', 'downlink', 'sec-ch-ua', 'ect', 'sec-ch-ua-mobile'],
  ...['sec-ch-ua-platform', 'sec-ch-ua-arch', 'sec-ch-ua-platform-version', 'sec-ch-ua-full-version'],
  ...['sec-ch-ua-model', 'sec-ch-ua-bitness', 'sec-ch-ua-wow64', 'sec-ch-ua-full-version-list'],
  ...['sec-ch-ua-form-factors', 'sec-ch-dpr', 'sec-ch-prefers-color-scheme', 'sec-ch-prefers-reduced-motion'],
  ...['sec-ch-viewport-width', 'viewport-width', 'sec-ch-prefers-reduced-transparency', 'dpr'],
  'sec-ch-viewport-height',
]

const unprefixed = new Set(['device-memory', 'dpr', 'viewport-width', 'rtt', 'downlink', 'ect'])

/** So many origins are remembered; the ones that asked longest ago go first. */
const mostOrigins = 200

export function isHint(key: string): boolean {
  return key.startsWith('sec-ch-') || unprefixed.has(key)
}

export function isSentToAll(key: string): boolean {
  return forAll.has(key)
}

/**
 * The client hints of a request, in the order in which its kind takes them. Over TLS the three that everybody gets, and what the
 * origin has asked for: of navigations to it, and of what its own pages ask of it; a page of another origin carries
 * them only by leave of a permissions policy, which nobody gives us.
 */
export function hintsFor(identity: Identity | undefined, hop: Hop, secure: boolean): Hints {
  if (identity === undefined || !secure) return []
  const values = valuesOf(identity)[hop.kind]
  const { origin } = hop.url
  const speaksFor = hop.kind === 'navigation' || hop.initiator === origin
  const wayHome = hop.kind === 'navigation' || hop.passed.every((passed) => passed === origin)
  const asked = speaksFor && wayHome ? identity.hintsAsked?.[origin] : undefined
  return values.filter(([name]) => forAll.has(name) || asked?.includes(name) === true)
}

const memo = new WeakMap<Identity, Readonly<Record<RequestKind, Hints>>>()

/** What the login browser would answer to each hint, in order. */
function valuesOf(identity: Identity): Readonly<Record<RequestKind, Hints>> {
  let hints = memo.get(identity)
  if (hints === undefined) {
    const values = new Map([
      ...identity.navigationHeaders.map(([name, value]) => [name.toLowerCase(), value] as const),
      ...(identity.clientHints ?? []),
    ])
    const inOrder = (names: readonly string[]): Hints =>
      names.flatMap((name): HeaderPair[] => {
        const value = values.get(name)
        return value === undefined ? [] : [[name, value]]
      })
    hints = { navigation: inOrder(knownHints), fetch: inOrder(putIn) }
    memo.set(identity, hints)
  }
  return hints
}

/** Takes an answer's `Accept-CH` to heart. True when the same request is to be made again at once, with what it asks for. */
export function followHints(carrier: Carrier, hop: Hop, headers: WireHeaders): boolean {
  const { identity } = carrier
  if (identity === undefined) return false
  const after = withAskedHints(identity, hop, headerValues(headers, 'accept-ch').join())
  if (after === identity) return false
  carrier.identityChanged?.(after)
  return (
    carrier.identity === after &&
    startsAgain(identity, after, hop, headerValues(headers, 'critical-ch').join())
  )
}

/**
 * The identity after an answer with this `Accept-CH`: the same object when nothing is new. Chromium takes it from
 * answers to navigations only, redirects included, of origins that it trusts; the last one counts, an empty one ends it.
 */
export function withAskedHints(
  identity: Identity,
  hop: Pick<Hop, 'kind' | 'url'>,
  acceptCh: string,
): Identity {
  if (hop.kind !== 'navigation' || !isTrustworthy(hop.url)) return identity
  const names = hintNames(acceptCh)
  const { origin } = hop.url
  const { hintsAsked: { [origin]: before = [], ...others } = {} } = identity
  if (before.length === names.length && names.every((name) => before.includes(name))) return identity
  const kept = Object.entries(others).slice(-mostOrigins + 1)
  return {
    ...identity,
    hintsAsked: Object.fromEntries(names.length === 0 ? kept : [...kept, [origin, names]]),
  }
}

/**
 * Whether Chromium would start again: the answer calls a hint critical that it has asked for just now and that the
 * request did not carry. Nothing is sent twice but what changes nothing.
 */
function startsAgain(before: Identity, after: Identity, hop: Hop, criticalCh: string): boolean {
  if (before === after || hop.kind !== 'navigation' || hop.startedAgain === true) return false
  if (hop.method !== 'GET' && hop.method !== 'HEAD') return false
  const sent = new Set(hintsFor(before, hop, true).map(([name]) => name))
  const now = new Set(hintsFor(after, hop, true).map(([name]) => name))
  return hintNames(criticalCh).some((name) => now.has(name) && !sent.has(name))
}

/** Names of known hints that are not sent to everybody anyway, each once. */
function hintNames(header: string): string[] {
  const names = header.split(',').map((name) => name.trim().toLowerCase())
  return [...new Set(names)].filter((name) => knownHints.includes(name) && !forAll.has(name))
}
