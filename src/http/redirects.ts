import { RedirectRefusedError } from '../errors.ts'
import type { Hop, ReferrerPolicy } from './hop.ts'
import { isSafeMethod } from './hop.ts'
import type { HeaderPair } from './wire/wire.ts'
import { headerValue, headerValues, type WireHeaders } from './wire/wire.ts'

/** Statuses that redirect when they carry a Location; the other 3xx are answers (fetch specification 2.2.6). */
const redirectStatuses = new Set([301, 302, 303, 307, 308])

/**
 * What a caller wrote and may still go to another origin: what says how to answer, never who asks. Everything else,
 * Authorization and every custom header, stays with the origin that it was written for. (Browsers drop Authorization
 * and let other headers go on after a CORS preflight; we cannot ask the target, so they stay home.)
 */
const mayCross = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'content-language',
  'content-type',
  'range',
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
  'upgrade-insecure-requests',
  'user-agent',
])

const describeBody = new Set(['content-encoding', 'content-language', 'content-location', 'content-type'])

/** Bodies that a browser sends to a foreign origin without asking it first (fetch specification 2.2.2). */
const simpleContent = /^(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\s*(;|$)/i

const policies = new Set<string>([
  'no-referrer',
  'same-origin',
  'origin',
  'strict-origin',
  'strict-origin-when-cross-origin',
])

/**
 * The request that follows an answer, as a browser would make it, or `undefined` when the answer is no redirect.
 * Throws `RedirectRefusedError` where a browser would stop. Pure: counting hops and sending is the exchange's; `secure` knows
 * which hosts are to be asked over TLS only.
 */
export function nextHop(
  hop: Hop,
  statusCode: number,
  headers: WireHeaders,
  secure = (url: URL): URL => url,
): Hop | undefined {
  const location = redirectLocation(hop, statusCode, headers)
  if (location === undefined) return undefined
  const url = secure(redirectTarget(hop, location))
  const keepsMethod = !becomesGet(hop.method, statusCode)
  const crosses = url.origin !== hop.url.origin
  if (hop.url.protocol === 'https:' && url.protocol === 'http:') refuseDowngrade(hop, keepsMethod)
  if (keepsMethod && hop.body === 'stream')
    throw new RedirectRefusedError(
      hop.url,
      `status ${String(statusCode)} asks for the body again, and a stream cannot be sent twice`,
    )
  if (crosses && keepsMethod) refuseForeignBody(hop)
  const next: Hop = {
    ...hop,
    url,
    method: keepsMethod ? hop.method : 'GET',
    body: keepsMethod ? hop.body : 'none',
    written: remainingHeaders(hop.written, crosses, keepsMethod),
    referrerPolicy: redirectPolicy(hop.referrerPolicy, headers),
    passed: [...hop.passed, hop.url.origin],
    tainted: hop.tainted || (crosses && hop.initiator !== undefined && hop.initiator !== hop.url.origin),
  }
  // What was cut off on the way does not come back (seen of Chromium, also on the way home).
  return { ...next, referrer: refererOf(next) }
}

function redirectLocation(hop: Hop, statusCode: number, headers: WireHeaders): string | undefined {
  if (!redirectStatuses.has(statusCode)) return undefined
  // Chromium takes an empty Location for none (net::HttpResponseHeaders::IsRedirect) ...
  const locations = new Set(headerValues(headers, 'location').filter((value) => value !== ''))
  // ... and refuses an answer with two different ones (ERR_RESPONSE_HEADERS_MULTIPLE_LOCATION).
  if (locations.size > 1) throw new RedirectRefusedError(hop.url, 'it names several places')
  return [...locations][0]
}

function redirectTarget(hop: Hop, location: string): URL {
  const text = utf8(location)
  if (!URL.canParse(text, hop.url)) throw new RedirectRefusedError(hop.url, 'its Location is not a URL')
  const url = new URL(text, hop.url)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new RedirectRefusedError(hop.url, `it leads to a ${url.protocol} URL`)
  url.username = ''
  url.password = ''
  if (url.hash === '' && !text.includes('#')) url.hash = hop.url.hash
  return url
}

/** HTTP clients hand header bytes out as Latin-1; browsers read a Location as UTF-8. */
function utf8(text: string): string {
  return /[\u0080-\u00ff]/.test(text) ? Buffer.from(text, 'latin1').toString('utf8') : text
}

function becomesGet(method: string, statusCode: number): boolean {
  if (statusCode === 303) return method !== 'GET' && method !== 'HEAD'
  return (statusCode === 301 || statusCode === 302) && method === 'POST'
}

/** Off TLS a page's script may not go at all (mixed content), and a typed address not with a body. */
function refuseDowngrade(hop: Hop, keepsMethod: boolean): void {
  if (hop.kind === 'fetch')
    throw new RedirectRefusedError(hop.url, 'it leads from https to http, where browsers follow no script')
  if (keepsMethod && !isSafeMethod(hop.method))
    throw new RedirectRefusedError(hop.url, 'it would send the request body without encryption')
}

/** Where a browser would ask the other origin first (CORS preflight), we do not send: we cannot ask in its name. */
function refuseForeignBody(hop: Hop): void {
  if (isSafeMethod(hop.method)) return
  if (hop.method !== 'POST')
    throw new RedirectRefusedError(hop.url, `it would carry a ${hop.method} to another origin`)
  const contentType = hop.written.find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  if (hop.body !== 'none' && contentType !== undefined && !simpleContent.test(contentType))
    throw new RedirectRefusedError(
      hop.url,
      `it would carry a body of type ${plainType(contentType)} to another origin`,
    )
}

function plainType(contentType: string): string {
  return /^[\w.+-]+\/[\w.+-]+/.exec(contentType)?.[0] ?? 'unknown'
}

function remainingHeaders(
  written: readonly HeaderPair[],
  crosses: boolean,
  keepsBody: boolean,
): readonly HeaderPair[] {
  return written.filter(([name]) => {
    const key = name.toLowerCase()
    if (key === 'referer' || key === 'origin') return false // made anew for each hop
    return (!crosses || mayCross.has(key)) && (keepsBody || !describeBody.has(key))
  })
}

/** The last policy that we know wins (Referrer Policy specification 8.1). */
function redirectPolicy(current: ReferrerPolicy, headers: WireHeaders): ReferrerPolicy {
  const said = headerValue(headers, 'referrer-policy')
  if (said === undefined) return current
  const known = said
    .split(',')
    .map((token) => token.trim().toLowerCase())
    .filter(isPolicy)
  return known.at(-1) ?? current
}

function isPolicy(token: string): token is ReferrerPolicy {
  return policies.has(token)
}

/** `Referer` of a hop: the full URL at home, the origin abroad, nothing from https to http. */
export function refererOf(hop: Hop): string | undefined {
  if (hop.referrer === undefined || hop.referrerPolicy === 'no-referrer') return undefined
  if (!URL.canParse(hop.referrer)) return undefined
  const from = new URL(hop.referrer)
  const atHome = from.origin === hop.url.origin
  if (from.protocol === 'https:' && hop.url.protocol === 'http:' && hop.referrerPolicy !== 'origin')
    return undefined
  if (hop.referrerPolicy === 'same-origin' && !atHome) return undefined
  const full = atHome && (hop.referrerPolicy === 'same-origin' || hop.referrerPolicy.endsWith('cross-origin'))
  return full ? `${from.origin}${from.pathname}${from.search}` : `${from.origin}/`
}
