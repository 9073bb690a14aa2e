/** Why something was not carried: closed, stable codes that programs may switch on. */
export type Reason =
  | 'malformed' // not what its kind must look like
  | 'expired' // its time is over
  | 'bad-prefix' // `__Host-` or `__Secure-` without what the prefix promises
  | 'insecure-none' // SameSite=None without Secure
  | 'public-suffix' // a domain cookie for a whole public suffix
  | 'too-big' // over the browser's size limits
  | 'too-many' // over the browser's count limits
  | 'out-of-scope' // of a site that the login did not touch
  | 'tracker' // set by analytics or advertising, not by the login
  | 'duplicate' // the same identity twice; the last one counts
  | 'refused' // the browser did not take it
  | 'timed-out' // a page did not answer in time
  | 'unreadable' // the browser could not read it out
  | 'unsupported' // the target cannot express it
  | 'not-needed' // the server takes the session without it
  | 'needs-browser' // made for each request with a key that cannot leave the browser
  | 'put-back' // the gate had cut it, and the session died without it: it was carried after all

export type ReportKind = 'cookie' | 'localStorage' | 'sessionStorage' | 'indexedDB' | 'origin' | 'header'

/** One thing that was not carried, or carried with a loss. Names and places only: a report never holds a value. */
export interface ReportItem {
  readonly kind: ReportKind
  /** The cookie's name, the storage key, the database's name; for an origin its own name again; a header's name. */
  readonly name: string
  /** Domain and path of a cookie, origin of a storage item; the origin that a header goes to. */
  readonly where: string
  readonly reason: Reason
  /** The rule in words, for people: which list, which limit, which section of which specification. */
  readonly rule?: string
}

export type Report = readonly ReportItem[]

/** Origins that only the browser can ask; `undefined` for none. */
export function browserOnlyOrigins(report: Report = []): ReadonlySet<string> | undefined {
  const found = report.filter(({ reason }) => reason === 'needs-browser')
  return found.length === 0 ? undefined : new Set(found.map(({ where }) => where))
}
