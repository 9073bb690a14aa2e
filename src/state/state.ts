/**
 * What a session is, as plain JSON: cookies and web storage by origin. A superset of Playwright's storage state:
 * anything Playwright writes is a `SessionState`, and anything we hold Playwright can load. Values are never
 * mutated; a change makes a new state that shares what did not change.
 */

export type SameSite = 'Strict' | 'Lax' | 'None'

export interface StateCookie {
  readonly name: string
  readonly value: string
  /** With a leading dot the cookie goes to subdomains too; without one it is host-only (Playwright's convention). */
  readonly domain: string
  readonly path: string
  /** Unix seconds, fractions allowed; -1 for a session cookie. */
  readonly expires: number
  readonly httpOnly: boolean
  readonly secure: boolean
  /** Absent means the site did not say, which Chromium treats as Lax with a two-minute POST exception. */
  readonly sameSite?: SameSite
  /** Top-level site of a partitioned (CHIPS) cookie, such as `https://shop.test`. */
  readonly partitionKey?: string
  /** Playwright's own undocumented field; losing it moves the cookie to another partition. */
  readonly _crHasCrossSiteAncestor?: boolean
  readonly sourceScheme?: 'Unset' | 'NonSecure' | 'Secure'
  readonly sourcePort?: number
  readonly priority?: 'Low' | 'Medium' | 'High'
}

export interface StorageItem {
  readonly name: string
  readonly value: string
}

/** One IndexedDB database in the form that Playwright's storage state uses. */
export interface IndexedDatabase {
  readonly name: string
  readonly version: number
  readonly stores: readonly {
    readonly name: string
    readonly keyPath?: string
    readonly keyPathArray?: readonly string[]
    readonly autoIncrement: boolean
    readonly records: readonly {
      readonly key?: unknown
      readonly keyEncoded?: unknown
      readonly value?: unknown
      readonly valueEncoded?: unknown
    }[]
    readonly indexes: readonly {
      readonly name: string
      readonly keyPath?: string
      readonly keyPathArray?: readonly string[]
      readonly multiEntry: boolean
      readonly unique: boolean
    }[]
  }[]
}

export interface OriginState {
  /** Serialised origin, such as `https://shop.test:8443`. */
  readonly origin: string
  readonly localStorage: readonly StorageItem[]
  readonly sessionStorage?: readonly StorageItem[]
  readonly indexedDB?: readonly IndexedDatabase[]
}

export interface SessionState {
  /** In order of creation, which decides the order inside a `Cookie` header among equally long paths. */
  readonly cookies: readonly StateCookie[]
  readonly origins: readonly OriginState[]
}

export const emptyState: SessionState = Object.freeze({
  cookies: Object.freeze([]),
  origins: Object.freeze([]),
})

/**
 * What makes two cookies the same cookie to Chromium: name, domain *with* its dot (a host-only and a domain cookie of
 * the same name are two), path and partition.
 */
export function cookieKey(
  cookie: Pick<StateCookie, 'name' | 'domain' | 'path' | 'partitionKey' | '_crHasCrossSiteAncestor'>,
): string {
  const partition =
    cookie.partitionKey === undefined
      ? ''
      : `${cookie.partitionKey}^${cookie._crHasCrossSiteAncestor === false ? '0' : '1'}` // absent: true, as Playwright has it
  return `${cookie.name}\u0000${cookie.domain}\u0000${cookie.path}\u0000${partition}`
}
