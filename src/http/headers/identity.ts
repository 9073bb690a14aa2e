import { isTrustworthy } from '../../policy/cookie-rules.ts'
import type { Identity } from '../../state/identity.ts'
import { hintsFor, isHint, type Hints } from './client-hints.ts'
import type { Hop } from '../hop.ts'
import { scriptOrder } from './script-order.ts'
import type { HeaderPair } from '../wire/wire.ts'

/** What the exchange adds between the browser's own headers. */
export interface Additions {
  /** Learned headers and what the caller wrote, names as they go on the wire. */
  readonly custom: readonly HeaderPair[]
  readonly origin: string | undefined
  /** `Sec-Fetch-Site`. */
  readonly site: 'none' | 'same-origin' | 'same-site' | 'cross-site'
  /** `Sec-Fetch-Storage-Access`; `undefined` where Chromium sends none, or we do not know. */
  readonly storageAccess: 'none' | 'active' | undefined
  readonly referer: string | undefined
}

/** Node 20 has no zstd; what we cannot decode we do not ask for. */
export const canDecodeZstd = process.versions.zstd !== undefined

/** Of one request, of one connection, or made by us: never taken from the captured navigation. */
const notOfIdentity = new Set([
  'accept-encoding',
  'authorization',
  'cache-control',
  'connection',
  'content-length',
  'content-type',
  'cookie',
  'host',
  'if-modified-since',
  'if-none-match',
  'keep-alive',
  'origin',
  'pragma',
  'priority',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'referer',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-storage-access',
  'sec-fetch-user',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** What Chromium's network stack adds after the script's own: written by a caller, they keep that place. */
const addedLate = new Set(['accept-encoding', 'origin', 'referer'])

/**
 * The headers of a request in the browser's order, without Host, Connection, Content-Length and Cookie. The values
 * are those that the login browser sent; only what differs from request to request is made here. Orders were read off
 * Chromium 156 over HTTP/1.1 and HTTP/2, where they are the same (test/http/like-chromium.test.ts compares).
 */
export function identityHeaders(
  identity: Identity | undefined,
  hop: Hop,
  additions: Additions,
): readonly HeaderPair[] {
  const secure = isTrustworthy(hop.url)
  const own = browserHeaders(identity)
  const hints = hintsFor(identity, hop, secure)
  if (hop.kind === 'navigation') return navigationHeaders(own, hints, hop, additions, secure)
  const [first] = hop.passed
  if (first === undefined) return fetchHeaders(own, hints, hop.method, additions, secure)
  // A redirect takes hints away and leaves the others where they were among them.
  const begun = hintsFor(identity, { ...hop, url: new URL(first), passed: [] }, true)
  const gone = new Set(begun.filter((hint) => !hints.includes(hint)).map(([name]) => name))
  const headers = fetchHeaders(own, secure ? begun : hints, hop.method, additions, secure)
  return gone.size === 0 ? headers : headers.filter(([name]) => !gone.has(name))
}

type Own = ReadonlyMap<string, HeaderPair>

function navigationHeaders(
  own: Own,
  hints: Hints,
  hop: Hop,
  { custom, origin, referer, site }: Additions,
  secure: boolean,
): readonly HeaderPair[] {
  const rest = new Map(own)
  const language = take(rest, 'accept-language')
  const upgrade = take(rest, 'upgrade-insecure-requests')
  const agent = take(rest, 'user-agent')
  const accept = take(rest, 'accept')
  const others = [...rest.values()]
  // Chromium writes client hints first, but adds them anew, at the end, after a redirect, and before what the network
  // stack adds when an answer made it start again (Critical-CH).
  const moved = hop.passed.length > 0
  const late = !moved && hop.startedAgain === true
  return [
    ...(hop.isFormPost === true ? [['Cache-Control', 'max-age=0'] as const] : []),
    ...(moved || late ? [] : hints),
    ...others,
    ...upgrade,
    ...named(custom, 'content-type'),
    ...agent,
    ...optional('Origin', origin),
    ...(isEmulated(language[0]) ? language : []),
    ...accept,
    ...(late ? hints : []),
    ...(secure ? navigationMetadata(site) : []),
    ...(moved ? hints : []),
    ...custom.filter(([name]) => !addedLate.has(name.toLowerCase()) && !isNamed(name, 'content-type')),
    ...optional('Referer', referer),
    ...acceptEncoding(secure),
    ...(isEmulated(language[0]) ? [] : language),
  ]
}

function fetchHeaders(
  own: Own,
  hints: Hints,
  method: string,
  { custom, origin, referer, site, storageAccess }: Additions,
  secure: boolean,
): readonly HeaderPair[] {
  const language = own.get('accept-language')
  const written = custom.filter(([name]) => !addedLate.has(name.toLowerCase()))
  const early = beforeAll(written)
  const late = afterAll(written, method)
  const moved = new Set([...early, ...late].map(([name]) => name.toLowerCase()))
  return [
    ...early,
    ...ofScript(written, hints, [
      ...optionalPair(own.get('user-agent')),
      ...(isEmulated(language) ? optionalPair(language) : []),
    ]).filter(([name]) => !moved.has(name.toLowerCase())),
    ...(written.some(([name]) => isNamed(name, 'accept')) ? [] : [['Accept', '*/*'] as const]),
    ...optional('Origin', origin),
    ...(secure ? fetchMetadata(site) : []),
    ...(secure ? optional('Sec-Fetch-Storage-Access', storageAccess) : []),
    ...optional('Referer', referer),
    ...(named(written, 'range').length > 0
      ? [['Accept-Encoding', 'identity'] as const]
      : acceptEncoding(secure)),
    ...(isEmulated(language) ? [] : optionalPair(language)),
    ...late,
  ]
}

const conditions = ['if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since']

function isConditional(written: readonly HeaderPair[]): boolean {
  return written.some(([name]) => conditions.includes(name.toLowerCase()))
}

/** Chromium's cache tells others on the way to ask anew when a script asks on a condition. */
function beforeAll(written: readonly HeaderPair[]): readonly HeaderPair[] {
  if (!isConditional(written)) return []
  const own = named(written, 'cache-control')
  return own.length > 0 ? own : [['Cache-Control', 'max-age=0']]
}

/** A range of bytes goes through Chromium's cache, which writes it anew. */
function afterAll(written: readonly HeaderPair[], method: string): readonly HeaderPair[] {
  if (method !== 'GET' || isConditional(written)) return []
  return named(written, 'range').filter(([, value]) => value.startsWith('bytes='))
}

/** What lies in Blink's own table: what the script wrote, sorted by name, then client hints and the user agent (and an emulated language). */
function ofScript(
  written: readonly HeaderPair[],
  hints: Hints,
  browser: readonly HeaderPair[],
): readonly HeaderPair[] {
  const pairs = new Map<string, HeaderPair>()
  const keyed = written.map((pair) => [pair[0].toLowerCase(), pair] as const)
  for (const [key, pair] of keyed.sort(([a], [b]) => (a < b ? -1 : 1))) pairs.set(key, pair)
  for (const pair of [...hints, ...browser]) {
    const key = pair[0].toLowerCase()
    if (!pairs.has(key)) pairs.set(key, pair)
  }
  return scriptOrder([...pairs.keys()]).flatMap((key) => {
    const pair = pairs.get(key)
    return pair === undefined ? [] : [pair]
  })
}

/**
 * A language that DevTools has set (Playwright's `locale`): Chromium would have sent `de-DE,de;q=0.9` for one of its own. It
 * stands among the page's headers then, not at the end.
 */
function isEmulated(language: HeaderPair | undefined): boolean {
  return language !== undefined && /^[a-z]{2,3}-[^,;]+$/i.test(language[1])
}

function optionalPair(pair: HeaderPair | undefined): readonly HeaderPair[] {
  return pair === undefined ? [] : [pair]
}

function navigationMetadata(site: Additions['site']): readonly HeaderPair[] {
  return [
    ['Sec-Fetch-Site', site],
    ['Sec-Fetch-Mode', 'navigate'],
    ['Sec-Fetch-User', '?1'],
    ['Sec-Fetch-Dest', 'document'],
  ]
}

function fetchMetadata(site: Additions['site']): readonly HeaderPair[] {
  return [
    ['Sec-Fetch-Site', site],
    ['Sec-Fetch-Mode', 'cors'],
    ['Sec-Fetch-Dest', 'empty'],
  ]
}

function acceptEncoding(secure: boolean): readonly HeaderPair[] {
  // Chromium offers brotli and zstd over TLS only: proxies on the way used to break them.
  const value = secure ? `gzip, deflate, br${canDecodeZstd ? ', zstd' : ''}` : 'gzip, deflate'
  return [['Accept-Encoding', value]]
}

const memo = new WeakMap<Identity, Own>()

/** The identity's own headers by lower-case name, without client hints. */
function browserHeaders(identity: Identity | undefined): Own {
  if (identity === undefined) return new Map()
  let own = memo.get(identity)
  if (own === undefined) memo.set(identity, (own = withoutForeign(identity)))
  return own
}

function withoutForeign(identity: Identity): Own {
  const own = new Map<string, HeaderPair>()
  for (const [name, value] of identity.navigationHeaders) {
    const key = name.toLowerCase()
    if (notOfIdentity.has(key) || key.startsWith(':') || isHint(key)) continue
    own.set(key, [wireName(key), value])
  }
  if (!own.has('user-agent')) own.set('user-agent', ['User-Agent', identity.userAgent])
  return own
}

/** As Chromium writes names over HTTP/1.1: client hints in lower case, the rest Like-This. */
export function wireName(key: string): string {
  if (isHint(key)) return key
  return key.replace(/(^|-)([a-z])/g, (_match, dash: string, letter: string) => dash + letter.toUpperCase())
}

function take(headers: Map<string, HeaderPair>, name: string): readonly HeaderPair[] {
  const pair = headers.get(name)
  headers.delete(name)
  return pair === undefined ? [] : [pair]
}

function optional(name: string, value: string | undefined): readonly HeaderPair[] {
  return value === undefined ? [] : [[name, value]]
}

function isNamed(name: string, key: string): boolean {
  return name.toLowerCase() === key
}

function named(custom: readonly HeaderPair[], key: string): readonly HeaderPair[] {
  return custom.filter(([name]) => isNamed(name, key))
}
