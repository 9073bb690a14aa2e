import { cookieHeader } from '../../bridge/jar/cookie-header.ts'
import type { CookieContext } from '../../bridge/jar/cookie-context.ts'
import { steadyNow } from '../../observe/clock.ts'
import { siteOf } from '../../policy/public-suffix.ts'
import type { HeaderRule, Identity } from '../../state/identity.ts'
import type { Carrier } from '../carrier.ts'
import { ruleHeaders, type RuleHeader } from '../rules/header-rules.ts'
import { isSafeMethod, type Hop, type RequestKind } from '../hop.ts'
import { identityHeaders, type Additions } from './identity.ts'
import { refererOf } from '../redirects.ts'
import type { HeaderPair } from '../wire/wire.ts'

/** Makes the headers of hops for one carrier; remembers what does not change from request to request. */
export interface HeaderMaker {
  /** Name, value, name, value …, Cookie last, without Host, Connection and Content-Length. */
  headers(hop: Hop): readonly string[]
}

export function createHeaderMaker(carrier: Carrier): HeaderMaker {
  const ready = new Map<string, readonly string[]>()
  let freshUntil = 0
  let revision = -1
  let identity: Identity | undefined
  let rules: readonly HeaderRule[] | undefined
  let hasPaths = false
  /** Most requests carry just what the one before them carried. */
  let last: { headers: readonly string[]; cookie: string; all: readonly string[] } | undefined

  function joined(headers: readonly string[], cookie: string): readonly string[] {
    if (cookie === '') return headers
    if (last?.headers !== headers || last.cookie !== cookie)
      last = { headers, cookie, all: [...headers, 'Cookie', cookie] }
    return last.all
  }

  /** Forgets everything when anything changed that headers are made of. */
  function refresh(): void {
    const same =
      revision === carrier.cell.revision && identity === carrier.identity && rules === carrier.headerRules
    const now = steadyNow()
    if (same && now < freshUntil && ready.size < 500) return
    ready.clear()
    freshUntil = now + 1_000 // a cookie that a header is made of may expire without any change
    revision = carrier.cell.revision
    identity = carrier.identity
    rules = carrier.headerRules
    hasPaths = rules.some(({ paths }) => paths !== undefined)
  }

  return {
    headers(hop) {
      if (hop.written.length > 4 || hop.passed.length > 0 || hop.anonymous || hop.startedAgain === true)
        return withCookie(carrier, hop, flatHeaders(carrier, hop))
      refresh()
      const path = hasPaths ? hop.url.pathname : ''
      let key = `${hop.method} ${hop.kind} ${hop.url.origin}${path} ${hop.initiator ?? ''} ${hop.referrer ?? ''}`
      // What callers write is mostly the same from request to request, such as the Accept of who asks for JSON.
      for (const [name, value] of hop.written) key += `\n${name}:${value}`
      let headers = ready.get(key)
      if (headers === undefined) ready.set(key, (headers = flatHeaders(carrier, hop)))
      if (hop.written.length > 0) return withCookie(carrier, hop, headers)
      return joined(headers, cookieHeader(carrier.cell, hop.url, cookieContext(hop)))
    },
  }
}

/** What is to be asked with the headers. */
export interface HeadersForOptions {
  /** Default `GET`. */
  readonly method?: string
  /** Default: by method and address, as `session.http` guesses. */
  readonly as?: RequestKind
  readonly topLevelSite?: string
}

/**
 * The headers that a request to `url` carries, in order, Cookie included, for clients that are not ours. Learned
 * headers and cookies are those of this moment: ask again for every request.
 */
export function headersFor(
  carrier: Carrier,
  url: string | URL,
  options: HeadersForOptions = {},
): [name: string, value: string][] {
  const method = (options.method ?? 'GET').toUpperCase()
  const target = new URL(url)
  const { as: kind, topLevelSite } = options
  const hop = firstHop(carrier, { method, url: target, written: [], body: 'none', kind, topLevelSite })
  const flat = createHeaderMaker(carrier).headers(hop)
  return Array.from({ length: flat.length / 2 }, (_, index) => [
    flat[2 * index] ?? '',
    flat[2 * index + 1] ?? '',
  ])
}

export interface FirstHop {
  readonly method: string
  readonly url: URL
  readonly written: readonly HeaderPair[]
  readonly body: Hop['body']
  /** Decided by what is asked when absent. */
  readonly kind?: RequestKind | undefined
  readonly anonymous?: boolean
  /** Site, origin or address of the page in whose name the request is made. */
  readonly topLevelSite?: string | undefined
}

/**
 * The first request of an exchange. What the session's pages would ask by script is asked as a page does: other
 * methods than GET, and addresses that a learned header goes to. The rest is a typed address, unless the caller says
 * what it is. A navigation comes from a page when one is named, and when it posts: what posts is a form, on a page.
 */
export function firstHop(carrier: Carrier, request: FirstHop): Hop {
  const anonymous = request.anonymous ?? false
  const rule = anonymous
    ? undefined
    : firstRule(ruleHeaders(carrier.headerRules, carrier.cell, request.method, request.url))
  const kind = request.kind ?? (request.method === 'GET' && rule === undefined ? 'navigation' : 'fetch')
  const page = request.topLevelSite === undefined ? undefined : new URL(request.topLevelSite)
  const isTyped = kind === 'navigation' && page === undefined && isSafeMethod(request.method)
  const home = (kind === 'fetch' ? rule?.page : undefined) ?? request.url.origin
  const initiator = isTyped ? undefined : (page?.origin ?? home)
  const written = request.written.find(([name]) => name.toLowerCase() === 'referer')?.[1]
  return {
    method: request.method,
    url: request.url,
    kind,
    written: request.written,
    initiator,
    referrer: written ?? page?.href ?? (initiator === undefined ? undefined : `${initiator}/`),
    referrerPolicy: 'strict-origin-when-cross-origin',
    passed: [],
    tainted: false,
    anonymous,
    isFormPost: kind === 'navigation' && request.method === 'POST',
    thirdPartyCookies: carrier.identity?.thirdPartyCookies,
    body: request.body,
  }
}

function firstRule(headers: readonly RuleHeader[]): RuleHeader | undefined {
  const telling = headers.filter(({ ofScripts }) => !ofScripts)
  return telling.find((header) => header.page !== undefined) ?? telling[0]
}

function flatHeaders(carrier: Carrier, hop: Hop): readonly string[] {
  const learned = learnedHeaders(carrier, hop)
  const written = hop.written.filter(([name]) => name.toLowerCase() !== 'cookie')
  const overridden = new Set(written.map(([name]) => name.toLowerCase()))
  const custom = [
    ...learned
      .filter((header) => !overridden.has(header.name.toLowerCase()))
      .map((header): HeaderPair => [header.name, header.value]),
    ...written,
  ]
  const pairs = identityHeaders(carrier.identity, hop, additionsOf(hop, custom))
  return (written.length === 0 ? pairs : override(pairs, written)).flat()
}

/** After a foreign redirect no page of the session asks any more: learned headers then go out with safe methods only. */
function learnedHeaders(carrier: Carrier, hop: Hop): readonly RuleHeader[] {
  if (hop.anonymous) return []
  if (!isSafeMethod(hop.method) && hop.passed.some((origin) => origin !== hop.url.origin)) return []
  const headers = ruleHeaders(carrier.headerRules, carrier.cell, hop.method, hop.url)
  return hop.kind === 'fetch' ? headers : headers.filter(({ ofScripts }) => !ofScripts)
}

/** What the caller wrote takes the place of what the browser would have said. */
function override(pairs: readonly HeaderPair[], written: readonly HeaderPair[]): readonly HeaderPair[] {
  const mine = new Map(written.map((pair) => [pair[0].toLowerCase(), pair]))
  const placed = new Set<string>()
  const result: HeaderPair[] = []
  for (const pair of pairs) {
    const key = pair[0].toLowerCase()
    if (placed.has(key)) continue
    const own = mine.get(key)
    if (own !== undefined) placed.add(key)
    result.push(own ?? pair)
  }
  return result
}

function additionsOf(hop: Hop, custom: readonly HeaderPair[]): Additions {
  return {
    custom,
    origin: originHeader(hop),
    site: siteRelation(hop),
    storageAccess: storageAccess(hop),
    referer: refererOf(hop),
  }
}

/**
 * Scripts say who asks unless they read at home, and forms that post (fetch specification 3.2, "append a request Origin
 * header").
 */
function originHeader(hop: Hop): string | undefined {
  if (hop.initiator === undefined) return undefined
  const abroad = [...hop.passed, hop.url.origin].some((origin) => origin !== hop.initiator)
  const reads = hop.method === 'GET' || hop.method === 'HEAD'
  if (reads && (!abroad || hop.kind === 'navigation')) return undefined
  return hop.tainted ? 'null' : hop.initiator
}

/** The farthest relation of the whole way counts. */
function siteRelation(hop: Hop): Additions['site'] {
  const { initiator } = hop
  if (initiator === undefined) return 'none'
  const foreign = [...hop.passed, hop.url.origin].filter((origin) => origin !== initiator)
  if (foreign.length === 0) return 'same-origin'
  const home = siteOf(new URL(initiator))
  return foreign.every((origin) => siteOf(new URL(origin)) === home) ? 'same-site' : 'cross-site'
}

/** Said to other sites that are asked with their cookies, or would be if the browser let them have any. */
function storageAccess({
  initiator,
  kind,
  anonymous,
  url,
  thirdPartyCookies,
}: Hop): Additions['storageAccess'] {
  if (kind === 'navigation' || anonymous || initiator === undefined || thirdPartyCookies === undefined)
    return undefined
  if (siteOf(new URL(initiator)) === siteOf(url)) return undefined
  return thirdPartyCookies === 'allowed' ? 'active' : 'none'
}

function withCookie(carrier: Carrier, hop: Hop, headers: readonly string[]): readonly string[] {
  const written = hop.written.find(([name]) => name.toLowerCase() === 'cookie')
  if (written !== undefined) return [...headers, ...written]
  if (hop.anonymous) return headers
  const cookie = cookieHeader(carrier.cell, hop.url, cookieContext(hop))
  if (cookie === '') return headers
  // What Chromium's cache writes anew (identity.ts, afterAll) comes even after the cookies.
  const end = hop.written.length > 0 && headers.at(-2)?.toLowerCase() === 'range' ? -2 : headers.length
  return [...headers.slice(0, end), 'Cookie', cookie, ...headers.slice(end)]
}

/** Whose cookies may go, and be set: decided by the page that asks, not by the way of redirects. */
export function cookieContext(hop: Hop): CookieContext {
  const { initiator, method, thirdPartyCookies } = hop
  if (initiator === undefined) return method === 'GET' ? typed : { navigation: true, method }
  const navigation = hop.kind === 'navigation'
  if (initiator === hop.url.origin && !navigation)
    return method === 'GET' ? athome : { navigation: false, method }
  const home = siteOf(new URL(initiator))
  const sameSite = home === siteOf(hop.url) ? 'same-site' : 'cross-site'
  if (navigation) return { navigation, method, sameSite }
  return {
    ...{ navigation, method, topLevelSite: home, sameSite },
    ...(thirdPartyCookies === 'blocked' && { thirdPartyCookies }),
  }
}

const typed: CookieContext = Object.freeze({ navigation: true, method: 'GET' })
const athome: CookieContext = Object.freeze({ navigation: false, method: 'GET' })
