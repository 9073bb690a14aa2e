import { brokenPrefix, isTrustworthy, whereOf } from '../../policy/cookie-rules.ts'
import type { Cell } from '../../state/cell.ts'
import type { Report, ReportItem } from '../../state/report.ts'
import type { SameSite, StateCookie } from '../../state/state.ts'
import { cookieKey } from '../../state/state.ts'
import type { CookieContext } from './cookie-context.ts'
import { isShutOut, partitionOf, sameSiteReach } from './cookie-context.ts'
import { cookieDomain } from './cookie-domain.ts'
import { cookieExpiry } from './cookie-expiry.ts'
import { makeRoom } from './crowding.ts'
import { rememberSetting } from './cookie-times.ts'
import { PendingCookies } from './pending-cookies.ts'
import { type CookieLine, type LineDefect, parseCookieLine } from './set-cookie-line.ts'

export interface IngestOptions extends CookieContext {
  /** Who writes, for the cell's listeners. */
  readonly by: string
  /** The response's Date header: an Expires is corrected by the difference of the clocks, as Chromium does. */
  readonly date?: string
  /** True when a script writes (`document.cookie`): it can neither see nor set HttpOnly cookies. */
  readonly fromScript?: boolean
}

/**
 * Changes the cell as a response from `url` with these Set-Cookie lines would change Chromium: in order, deletions
 * included, told to the cell's listeners as one change. Reports the lines that Chromium would not have taken, and the
 * cookies that went because there were too many. Lines may be byte strings, as HTTP clients give them, or text.
 */
export function ingestSetCookies(
  cell: Cell,
  url: URL,
  lines: readonly string[],
  options: IngestOptions,
): Report {
  if (lines.length === 0) return []
  const outcomes = ingestLines(cell, url, lines, options)
  return outcomes.flatMap((outcome) => ('refusal' in outcome ? [outcome.refusal] : outcome.evicted))
}

/** What became of a line: the cookie as taken (or as deleted, when it is over already) and what had to go, or why not. */
export type LineOutcome =
  { readonly cookie: StateCookie; readonly evicted: Report } | { readonly refusal: ReportItem }

/** `ingestSetCookies` with an outcome for each line. */
export function ingestLines(
  cell: Cell,
  url: URL,
  lines: readonly string[],
  options: IngestOptions,
): LineOutcome[] {
  const pending = new PendingCookies(cell)
  const response: Response = { url, options, pending, now: options.now ?? Date.now() }
  const outcomes = lines.map((line) => takeLine(parseCookieLine(line), response))
  pending.commit(options.by)
  return outcomes
}

interface Response {
  readonly url: URL
  readonly options: IngestOptions
  readonly pending: PendingCookies
  readonly now: number
}

type Refusal = Pick<ReportItem, 'reason' | 'rule'>

function takeLine(line: CookieLine | LineDefect, response: Response): LineOutcome {
  if ('reason' in line) return { refusal: { kind: 'cookie', where: hereOf(response), ...line } }
  const cookie = cookieOf(line, response)
  if ('reason' in cookie)
    return { refusal: { kind: 'cookie', name: line.name, where: hereOf(response), ...cookie } }
  const refusal = refusalOf(cookie, line, response) ?? overwriteRefusal(cookie, response)
  if (refusal !== undefined)
    return { refusal: { kind: 'cookie', name: cookie.name, where: whereOf(cookie), ...refusal } }
  return { cookie, evicted: store(cookie, response) }
}

function hereOf({ url }: Response): string {
  return `${url.hostname}${url.pathname}`
}

function cookieOf(line: CookieLine, response: Response): StateCookie | Refusal {
  const { url, options, now } = response
  const domain = cookieDomain(url.hostname, line.domain ?? '')
  if (typeof domain !== 'string') return domain
  const partition = line.partitioned ? partitionOf(url, options) : undefined
  if (line.partitioned && partition === undefined)
    return { reason: 'unsupported', rule: 'Partitioned, and the page it belongs to is not known' }
  const sameSite = sameSiteOf(line.sameSite)
  const secureTransport = url.protocol === 'https:' || url.protocol === 'wss:'
  return {
    name: line.name,
    value: line.value,
    domain,
    path: line.path?.startsWith('/') === true ? line.path : defaultPath(url.pathname),
    expires: cookieExpiry(line, now, options.date),
    httpOnly: line.httpOnly,
    secure: line.secure,
    ...(sameSite !== undefined && { sameSite }),
    ...(partition !== undefined && {
      partitionKey: partition.topLevelSite,
      _crHasCrossSiteAncestor: partition.crossSiteAncestor,
    }),
    // A Secure cookie from a trustworthy http origin (localhost) counts as securely set.
    sourceScheme: secureTransport || (line.secure && isTrustworthy(url)) ? 'Secure' : 'NonSecure',
    sourcePort: url.port === '' ? (secureTransport ? 443 : 80) : Number(url.port),
    priority: priorityOf(line.priority),
  }
}

/** Why Chromium would not take the cookie from this response, whatever it holds already. */
function refusalOf(cookie: StateCookie, line: CookieLine, response: Response): Refusal | undefined {
  const { url, options } = response
  const trustworthy = isTrustworthy(url)
  // Most names begin otherwise, and need not be looked at.
  const mayPromise = cookie.name === '' || cookie.name.startsWith('__')
  const promise = mayPromise
    ? brokenPrefix({
        name: cookie.name,
        value: cookie.value,
        httpOnly: cookie.httpOnly,
        secure: cookie.secure && trustworthy,
        hostOnly: (line.domain ?? '') === '',
        path: line.path ?? '',
      })
    : undefined
  if (promise !== undefined) return { reason: 'bad-prefix', rule: promise }
  if (options.fromScript === true && (cookie.httpOnly || /^__(?:host-)?http-/i.test(cookie.name)))
    return { reason: 'refused', rule: 'HttpOnly from a script' }
  if (cookie.sameSite === 'None' && !cookie.secure)
    return { reason: 'insecure-none', rule: 'SameSite=None needs Secure' }
  if (cookie.secure && !trustworthy) return { reason: 'refused', rule: 'Secure over http' }
  if (line.partitioned && !cookie.secure) return { reason: 'refused', rule: 'Partitioned needs Secure' }
  if (cookie.sameSite !== 'None' && sameSiteReach(url, options) === 'none')
    return { reason: 'refused', rule: 'SameSite cookie from a cross-site request' }
  if (!line.partitioned && isShutOut(url, options)) return { reason: 'refused', rule: 'third-party cookie' }
  return undefined
}

/** What is there already may be out of reach: HttpOnly for scripts, Secure for plain http ("leave secure cookies alone"). */
function overwriteRefusal(cookie: StateCookie, { url, options, pending }: Response): Refusal | undefined {
  if (options.fromScript === true && pending.get(cookieKey(cookie))?.httpOnly === true)
    return { reason: 'refused', rule: 'would overwrite an HttpOnly cookie' }
  if (!isTrustworthy(url) && pending.all().some((existing) => overlays(cookie, existing)))
    return { reason: 'refused', rule: 'would overlay a Secure cookie from http' }
  return undefined
}

function overlays(cookie: StateCookie, existing: StateCookie): boolean {
  return (
    existing.secure &&
    existing.name === cookie.name &&
    existing.partitionKey === cookie.partitionKey &&
    (isWithin(cookie.domain, existing.domain) || isWithin(existing.domain, cookie.domain)) &&
    pathCovers(existing.path, cookie.path)
  )
}

function isWithin(domain: string, other: string): boolean {
  const host = domain.replace(/^\./, '')
  const parent = other.replace(/^\./, '')
  return host === parent || host.endsWith(`.${parent}`)
}

/** Gives what had to go for it. */
function store(cookie: StateCookie, { pending, now }: Response): Report {
  if (cookie.expires !== -1 && cookie.expires * 1000 <= now) {
    pending.remove(cookie)
    return []
  }
  const key = cookieKey(cookie)
  const existing = pending.get(key)
  rememberSetting(cookie, now, existing?.value === cookie.value ? existing : undefined)
  pending.set(key, cookie)
  return makeRoom(pending, cookie, now)
}

/** True when a request (or a cookie) at `path` lies on a cookie's path. */
export function pathCovers(cookiePath: string, path: string): boolean {
  if (!path.startsWith(cookiePath)) return false
  return path.length === cookiePath.length || cookiePath.endsWith('/') || path[cookiePath.length] === '/'
}

function defaultPath(pathname: string): string {
  const slash = pathname.lastIndexOf('/')
  return slash <= 0 ? '/' : pathname.slice(0, slash)
}

function sameSiteOf(text: string | undefined): SameSite | undefined {
  switch (text?.toLowerCase()) {
    case 'strict':
      return 'Strict'
    case 'lax':
      return 'Lax'
    case 'none':
      return 'None'
    case undefined:
    default:
      return undefined
  }
}

function priorityOf(text: string | undefined): 'Low' | 'Medium' | 'High' {
  switch (text?.toLowerCase()) {
    case 'low':
      return 'Low'
    case 'high':
      return 'High'
    case undefined:
    default:
      return 'Medium'
  }
}
