import { siteOf } from '../../policy/public-suffix.ts'

/** From where a request is made, as far as cookies ask. Absent: a top-level navigation typed by the user. */
export interface CookieContext {
  /** Schemeful site of the page that makes the request, such as `https://shop.test`. */
  readonly topLevelSite?: string
  /**
   * Whether that page is of the same site as the URL; default: judged by `topLevelSite`, else same-site. Cross-site
   * although `topLevelSite` is the URL's own: a frame of another site in between asks.
   */
  readonly sameSite?: 'same-site' | 'cross-site'
  /** True when the request loads the page itself; default: true unless one of the two above is given. */
  readonly navigation?: boolean
  /** Default `GET`; matters for cross-site navigations. */
  readonly method?: string
  /**
   * Whether the browser lets pages of other sites have cookies outside of partitions; default `allowed`, as Chrome has
   * it. Incognito windows and some distributions' Chromium block them.
   */
  readonly thirdPartyCookies?: 'allowed' | 'blocked'
  /** Unix milliseconds; default: the clock. */
  readonly now?: number
}

/**
 * How far a request may see SameSite cookies: `strict` all, `lax` all but Strict, `lax-unsafe` (a cross-site POST
 * navigation) None and, for two minutes, those whose site did not say, `none` only None.
 */
export type SameSiteReach = 'strict' | 'lax' | 'lax-unsafe' | 'none'

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

export function sameSiteReach(url: URL, context: CookieContext): SameSiteReach {
  if (!isCrossSite(url, context)) return 'strict'
  if (context.navigation !== true) return 'none'
  return safeMethods.has((context.method ?? 'GET').toUpperCase()) ? 'lax' : 'lax-unsafe'
}

/** Whether a request can have no cookies but those of its partition. */
export function isShutOut(url: URL, context: CookieContext): boolean {
  return context.thirdPartyCookies === 'blocked' && sameSiteReach(url, context) === 'none'
}

/** The partition whose cookies a request carries. */
export interface Partition {
  readonly topLevelSite: string
  readonly crossSiteAncestor: boolean
}

/** A page is its own partition; what it loads is in the page's. `undefined` when the page's site is not known. */
export function partitionOf(url: URL, context: CookieContext): Partition | undefined {
  const { topLevelSite } = context
  const own = siteOf(url)
  if (isNavigation(context)) return { topLevelSite: own, crossSiteAncestor: false }
  if (topLevelSite === own) return { topLevelSite: own, crossSiteAncestor: context.sameSite === 'cross-site' }
  if (topLevelSite !== undefined) return { topLevelSite, crossSiteAncestor: true }
  return context.sameSite === 'cross-site' ? undefined : { topLevelSite: own, crossSiteAncestor: false }
}

function isNavigation(context: CookieContext): boolean {
  return context.navigation ?? (context.topLevelSite === undefined && context.sameSite === undefined)
}

function isCrossSite(url: URL, context: CookieContext): boolean {
  if (context.sameSite !== undefined) return context.sameSite === 'cross-site'
  return context.topLevelSite !== undefined && context.topLevelSite !== siteOf(url)
}
