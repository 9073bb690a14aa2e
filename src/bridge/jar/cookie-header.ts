import { isTrustworthy, nameValueDefect } from '../../policy/cookie-rules.ts'
import type { Cell } from '../../state/cell.ts'
import type { StateCookie } from '../../state/state.ts'
import { bytesOfText } from './byte-text.ts'
import type { CookieContext, Partition, SameSiteReach } from './cookie-context.ts'
import { isShutOut, partitionOf, sameSiteReach } from './cookie-context.ts'
import { isYoung, rememberSending, useInterval } from './cookie-times.ts'
import { pathCovers } from './set-cookie.ts'

/**
 * The `Cookie` header that Chromium would send to `url`, as a byte string ready for an HTTP client, or `''`: longest
 * path first, then oldest first. Remembered per cell until something changes or expires.
 */
export function cookieHeader(cell: Cell, url: URL, context: CookieContext = typedByUser): string {
  const now = context.now ?? Date.now()
  return viewOf(cell, url, context, now).header(url.pathname, now)
}

/** The cookies of that header, in its order. */
export function cookiesFor(cell: Cell, url: URL, context: CookieContext = typedByUser): StateCookie[] {
  const now = context.now ?? Date.now()
  return viewOf(cell, url, context, now).cookies(url.pathname)
}

/** Every cookie that some path of the URL's host may see, for listings. */
export function cookiesForHost(cell: Cell, url: URL, context: CookieContext = typedByUser): StateCookie[] {
  return [...viewOf(cell, url, context, context.now ?? Date.now()).candidates]
}

const typedByUser: CookieContext = Object.freeze({})

interface Window {
  revision: number
  readonly views: Map<string, HostView>
}

const windows = new WeakMap<Cell, Window>()
/** Hosts remembered per cell; more than a session touches. */
const viewsAtMost = 500

function viewOf(cell: Cell, url: URL, context: CookieContext, now: number): HostView {
  let window = windows.get(cell)
  if (window === undefined) windows.set(cell, (window = { revision: cell.revision, views: new Map() }))
  if (window.revision !== cell.revision) {
    window.views.clear()
    window.revision = cell.revision
  }
  const key = viewKey(url, context)
  const known = window.views.get(key)
  if (known?.holdsAt(now) === true) return known
  const view = new HostView(cell, url, context, now)
  if (window.views.size >= viewsAtMost) window.views.clear()
  window.views.set(key, view)
  return view
}

function viewKey(url: URL, context: CookieContext): string {
  const place = `${url.protocol}${url.hostname}`
  if (context === typedByUser) return place
  const { topLevelSite = '', sameSite = '', navigation, method = '', thirdPartyCookies = '' } = context
  return `${place} ${topLevelSite} ${sameSite} ${String(navigation)} ${method} ${thirdPartyCookies}`
}

/** What one host may see in one context between two changes of the cell, before the path is looked at. */
class HostView {
  readonly candidates: readonly StateCookie[]
  readonly #from: number
  readonly #until: number
  readonly #paths: readonly string[]
  readonly #headers = new Map<number, { readonly header: string; usedAt: number }>()

  constructor(cell: Cell, url: URL, context: CookieContext, now: number) {
    const reach = sameSiteReach(url, context)
    const secure = isTrustworthy(url)
    const shutOut = isShutOut(url, context)
    const inPartition = partitionTest(url, context)
    const visible = [...cell.cookiesFor(url.hostname)].filter(
      (cookie) =>
        (secure || !cookie.secure) &&
        (cookie.expires === -1 || cookie.expires * 1000 > now) &&
        sees(reach, cookie, now) &&
        (cookie.partitionKey === undefined ? !shutOut : inPartition(cookie)) &&
        pairOf(cookie) !== undefined,
    )
    this.candidates = visible.sort(
      (a, b) => b.path.length - a.path.length || cell.sequence(a) - cell.sequence(b),
    )
    this.#paths = [...new Set(visible.map((cookie) => cookie.path))]
    this.#from = now
    // Youth ends without a change in the cell, so what depends on it is not remembered.
    this.#until = reach === 'lax-unsafe' ? now : firstExpiry(visible)
  }

  /** Time may run backwards between two calls; then nothing is taken for granted. */
  holdsAt(now: number): boolean {
    return now >= this.#from && now < this.#until
  }

  cookies(pathname: string): StateCookie[] {
    return this.candidates.filter((cookie) => pathCovers(cookie.path, pathname))
  }

  /** Equal for all URLs that lie on the same cookie paths, so it is made once for each such set of paths. */
  header(pathname: string, now: number): string {
    if (this.#paths.length > 30) return headerOf(this.#sent(pathname, now))
    let mask = 0
    for (let at = 0; at < this.#paths.length; at++) {
      if (pathCovers(this.#paths[at] ?? '', pathname)) mask |= 1 << at
    }
    const known = this.#headers.get(mask)
    if (known !== undefined) {
      if (now - known.usedAt >= useInterval) {
        this.#sent(pathname, now)
        known.usedAt = now
      }
      return known.header
    }
    const header = headerOf(this.#sent(pathname, now))
    this.#headers.set(mask, { header, usedAt: now })
    return header
  }

  #sent(pathname: string, now: number): StateCookie[] {
    const cookies = this.cookies(pathname)
    rememberSending(cookies, now)
    return cookies
  }
}

function headerOf(cookies: readonly StateCookie[]): string {
  return cookies.map(pairOf).join('; ')
}

const pairs = new WeakMap<StateCookie, { readonly pair: string | undefined }>()

/** `name=value` in bytes, or `undefined` for what must not reach a header: a line break in it would be a new header. */
function pairOf(cookie: StateCookie): string | undefined {
  let known = pairs.get(cookie)
  if (known === undefined) {
    const { name, value } = cookie
    const sound = nameValueDefect(name, value) === undefined
    known = { pair: sound ? bytesOfText(name === '' ? value : `${name}=${value}`) : undefined }
    pairs.set(cookie, known)
  }
  return known.pair
}

function sees(reach: SameSiteReach, cookie: StateCookie, now: number): boolean {
  if (cookie.sameSite === 'None') return cookie.secure // without Secure it is not a cookie that Chromium holds
  switch (reach) {
    case 'strict':
      return true
    case 'lax':
      return cookie.sameSite !== 'Strict'
    case 'lax-unsafe':
      return cookie.sameSite === undefined && isYoung(cookie, now)
    case 'none':
      return false
  }
}

/** Finding out the site needs the public suffix list, so it waits for the first partitioned cookie. */
function partitionTest(url: URL, context: CookieContext): (cookie: StateCookie) => boolean {
  let partition: Partition | undefined
  let known = false
  return (cookie) => {
    if (!known) {
      partition = partitionOf(url, context)
      known = true
    }
    return (
      partition !== undefined &&
      cookie.partitionKey === partition.topLevelSite &&
      (cookie._crHasCrossSiteAncestor ?? true) === partition.crossSiteAncestor
    )
  }
}

function firstExpiry(cookies: readonly StateCookie[]): number {
  let first = Infinity
  for (const cookie of cookies) if (cookie.expires !== -1) first = Math.min(first, cookie.expires * 1000)
  return first
}
