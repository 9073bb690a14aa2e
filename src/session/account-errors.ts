import { SessionbridgeError } from '../errors.ts'

/** Logins of this account have failed lately: nobody tries before `until`, lest the site lock the account. */
export class HeldOffError extends SessionbridgeError {
  readonly code = 'held-off'
  readonly session: string
  /** Unix milliseconds. */
  readonly until: number
  /** How many logins have failed since the last one that did not. */
  readonly failures: number
  constructor(session: string, until: number, failures: number) {
    const times = failures === 1 ? 'once' : `${String(failures)} times`
    super(
      `Login of ${session} has failed ${times} and is not tried again before ${new Date(until).toISOString()}, so that ` +
        `the site does not lock the account. See "sessionbridge events ${session}"; "sessionbridge unlock ${session}" lifts it.`,
    )
    this.session = session
    this.until = until
    this.failures = failures
  }
}

/** An operation was asked of a session, or of a generation of one, that is not there. */
export class NotStoredError extends SessionbridgeError {
  readonly code = 'not-stored'
  readonly session: string
  /** `what`: such as `a generation 3-abc`; default: the session itself. */
  constructor(session: string, what?: string) {
    super(
      what === undefined
        ? `There is no stored session ${session}: "sessionbridge list" says what there is.`
        : `${session} has not ${what}: "sessionbridge history ${session}" says what there is.`,
    )
    this.session = session
  }
}

/**
 * For you to throw in `pool.use` when the site has blocked the account (a captcha, a ban, a limit): it is not used again for
 * a time that grows with each block in a row.
 */
export class AccountBlockedError extends SessionbridgeError {
  readonly code = 'account-blocked'
  readonly session: string
  /** Unix milliseconds, when the site says until when. */
  readonly until: number | undefined
  constructor(
    session: string,
    why: string,
    { until, ...options }: ErrorOptions & { readonly until?: number } = {},
  ) {
    super(`${session} is blocked: ${why}. The pool leaves it alone for a while.`, options)
    this.session = session
    this.until = until
  }
}

/** This process was silent for longer than the lease of its account: somebody else may be using it. */
export class AccountLostError extends SessionbridgeError {
  readonly code = 'account-lost'
  readonly session: string
  constructor(session: string, ttl: number) {
    super(
      `${session} is no longer ours: this process was not heard of for ${String(ttl)} ms, and another may use the ` +
        'account. What was under way was ended. Do it again, with a larger ttl if the process is often that busy.',
    )
    this.session = session
  }
}

/** No account of a pool is fit for use, and none will be in time. */
export class NoAccountError extends SessionbridgeError {
  readonly code = 'no-account'
  /** Why, and Unix ms until when. */
  readonly quarantined: readonly { readonly session: string; readonly until: number; readonly why: string }[]
  constructor(pool: string, quarantined: NoAccountError['quarantined']) {
    const first = quarantined.reduce((least, { until }) => Math.min(least, until), Infinity)
    const reasons = [...new Set(quarantined.map(({ why }) => why))].join(', ')
    super(
      `Every account of ${pool} is in quarantine (${reasons}); the first comes back at ` +
        `${new Date(first).toISOString()}. "sessionbridge unlock" lifts it.`,
    )
    this.quarantined = quarantined
  }
}

/** A session would show its site another way out than the one by which it was signed in. Nothing was sent. */
export class EgressChangedError extends SessionbridgeError {
  readonly code = 'egress-changed'
  readonly session: string
  /** `direct`, or a digest of the proxy: scheme, user name, host and port. */
  readonly bound: string
  readonly found: string
  constructor(session: string, bound: string, found: string, who: 'requests' | 'visits') {
    super(
      `Session ${session} was signed in ${described(bound)}, and its ${who} would go ${described(found)}: the site would see ` +
        'it jump. Give http.proxyUrl of that time (requests, logins and visits all take it), open it with login: "always" ' +
        "to sign in anew, or allow it with policy: { egress: 'any' }.",
    )
    this.session = session
    this.bound = bound
    this.found = found
  }
}

function described(egress: string): string {
  return egress === 'direct' ? 'without a proxy' : `through the proxy ${egress.slice(0, 8)}`
}
