import { isTrustworthy } from '../policy/cookie-rules.ts'
import type { Identity } from '../state/identity.ts'
import type { Hop } from './hop.ts'
import type { HeaderPair } from './wire.ts'

/** What the exchange adds between the browser's own headers. */
export interface Additions {
  /** Learned headers and what the caller wrote, names as they go on the wire. */
  readonly custom: readonly HeaderPair[]
  readonly origin: string | undefined
  /** `Sec-Fetch-Site`. */
  readonly site: 'none' | 'same-origin' | 'same-site' | 'cross-site'
  readonly referer: string | undefined
}

/** Node 20 has no zstd; what we cannot decode we do not ask for. The one place where we differ from the browser. */
const canDecodeZstd = process.versions.zstd !== undefined

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
  'proxy-authorization',
  'proxy-connection',
  'range',
  'referer',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-user',
  'te',
  'transfer-encoding',
  'upgrade',
])

/**
 * The headers of a request in the browser's order, without Host, Connection, Content-Length and Cookie. The values
 * are those that the login browser sent; only what differs from request to request is made here. Orders were read off
 * Chromium 156 over HTTP/1.1 (test/http/identity.test.ts compares).
 */
export function identityHeaders(
  identity: Identity | undefined,
  hop: Hop,
  additions: Additions,
): readonly HeaderPair[] {
  const secure = isTrustworthy(hop.url)
  const own = browserHeaders(identity, secure)
  return hop.kind === 'navigation'
    ? navigationHeaders(own, hop, additions, secure)
    : fetchHeaders(own, hop, additions, secure)
}

type Own = ReadonlyMap<string, HeaderPair>

function navigationHeaders(own: Own, hop: Hop, additions: Additions, secure: boolean): readonly HeaderPair[] {
  const rest = new Map(own)
  const language = take(rest, 'accept-language')
  const upgrade = take(rest, 'upgrade-insecure-requests')
  const agent = take(rest, 'user-agent')
  const accept = take(rest, 'accept')
  const hints = [...rest.values()]
  // Chromium writes client hints first, but after a redirect it adds them anew, at the end.
  const moved = hop.passed.length > 0
  return [
    ...(moved ? [] : hints),
    ...upgrade,
    ...named(additions.custom, 'content-type'),
    ...agent,
    ...optional('Origin', additions.origin),
    ...accept,
    ...(secure ? navigationMetadata(additions.site) : []),
    ...(moved ? hints : []),
    ...unnamed(additions.custom, 'content-type'),
    ...optional('Referer', additions.referer),
    ...acceptEncoding(secure),
    ...language,
  ]
}

function fetchHeaders(own: Own, hop: Hop, additions: Additions, secure: boolean): readonly HeaderPair[] {
  const rest = new Map(own)
  const language = take(rest, 'accept-language')
  take(rest, 'upgrade-insecure-requests')
  take(rest, 'accept')
  const platform = take(rest, 'sec-ch-ua-platform')
  const agent = take(rest, 'user-agent')
  const brands = take(rest, 'sec-ch-ua')
  return [
    ...platform,
    ...named(additions.custom, 'authorization'),
    ...agent,
    ...brands,
    ...named(additions.custom, 'content-type'),
    ...rest.values(),
    ...unnamed(additions.custom, 'authorization', 'content-type', 'accept'),
    ...(has(additions.custom, 'accept') ? named(additions.custom, 'accept') : [['Accept', '*/*'] as const]),
    ...optional('Origin', additions.origin),
    ...(secure ? fetchMetadata(additions.site) : []),
    ...optional('Referer', additions.referer),
    ...acceptEncoding(secure),
    ...language,
  ]
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

const memo = new WeakMap<Identity, { readonly secure: Own; readonly plain: Own }>()

/** The identity's own headers by lower-case name; client hints only where the browser sends them. */
function browserHeaders(identity: Identity | undefined, secure: boolean): Own {
  if (identity === undefined) return new Map()
  let own = memo.get(identity)
  if (own === undefined) {
    const all = withoutForeign(identity)
    const plain = new Map([...all].filter(([name]) => !name.startsWith('sec-')))
    own = { secure: all, plain }
    memo.set(identity, own)
  }
  return secure ? own.secure : own.plain
}

function withoutForeign(identity: Identity): Own {
  const own = new Map<string, HeaderPair>()
  for (const [name, value] of identity.navigationHeaders) {
    const key = name.toLowerCase()
    if (notOfIdentity.has(key) || key.startsWith(':')) continue
    own.set(key, [wireName(key), value])
  }
  if (!own.has('user-agent')) own.set('user-agent', ['User-Agent', identity.userAgent])
  return own
}

/** As Chromium writes names over HTTP/1.1: client hints in lower case, the rest Like-This. */
export function wireName(key: string): string {
  if (key.startsWith('sec-ch-')) return key
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

function has(custom: readonly HeaderPair[], name: string): boolean {
  return custom.some(([key]) => key.toLowerCase() === name)
}

function named(custom: readonly HeaderPair[], name: string): readonly HeaderPair[] {
  return custom.filter(([key]) => key.toLowerCase() === name)
}

function unnamed(custom: readonly HeaderPair[], ...names: readonly string[]): readonly HeaderPair[] {
  return custom.filter(([key]) => !names.includes(key.toLowerCase()))
}
