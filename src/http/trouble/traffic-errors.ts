import { plainUrl, SessionbridgeError } from '../../errors.ts'

/** Who or what keeps a client out. */
export type Blocker =
  | 'rate limit'
  | 'cloudflare'
  | 'datadome'
  | 'perimeterx'
  | 'akamai'
  | 'imperva'
  | 'aws-waf'
  | 'hcaptcha'
  | 'recaptcha'
  | 'turnstile'

export interface BlockedFacts {
  readonly session: string
  /** Without query and fragment. */
  readonly url: string
  /** `undefined`: nothing was sent, because the origin is still held. */
  readonly statusCode: number | undefined
  readonly by: Blocker
  /** Unix milliseconds before which the session's clients leave the origin alone. */
  readonly until: number
}

/**
 * A firewall, a captcha, a challenge page or a rate limit has said no. Not a dead session: signing in again would make it
 * worse. The origin is left alone until `until`, by all clients of the session.
 */
export class BlockedError extends SessionbridgeError implements BlockedFacts {
  readonly code = 'blocked'
  readonly session: string
  readonly url: string
  readonly statusCode: number | undefined
  readonly by: Blocker
  readonly until: number
  constructor(facts: BlockedFacts) {
    const { session, url, statusCode, by, until } = facts
    const said = statusCode === undefined ? 'was not sent' : `was answered ${String(statusCode)}`
    super(
      `A request of ${session} to ${url} ${said}: ${by} keeps it out. The origin is left alone until ` +
        `${new Date(until).toISOString()}; ask more slowly, from another address, or in a browser.`,
    )
    this.session = session
    this.url = url
    this.statusCode = statusCode
    this.by = by
    this.until = until
  }
}

/** The origin has failed so often in a row that it is left alone for a while; nothing was sent. */
export class CircuitOpenError extends SessionbridgeError {
  readonly code = 'circuit-open'
  readonly session: string
  readonly origin: string
  readonly failures: number
  /** Unix milliseconds from which one request may try whether it is back. */
  readonly until: number
  constructor(session: string, origin: string, failures: number, until: number) {
    super(
      `${origin} has failed ${String(failures)} times in a row for ${session} and is not asked before ` +
        `${new Date(until).toISOString()}. Then one request tries whether it is back.`,
    )
    this.session = session
    this.origin = origin
    this.failures = failures
    this.until = until
  }
}

/**
 * The session was dead and is renewed, but this request was not sent again: it may have changed something. Its answer is
 * not given, because it looks like success and is none.
 */
export class NotRepeatedError extends SessionbridgeError {
  readonly code = 'not-repeated'
  readonly session: string
  readonly method: string
  /** Without query and fragment. */
  readonly url: string
  constructor(session: string, method: string, url: URL) {
    const place = plainUrl(url)
    super(
      `${method} ${place} was answered as to somebody who is not signed in. ${session} is renewed now; the request was ` +
        'not sent again, since it may have changed something. Where it may be: pass idempotent: true or an Idempotency-Key.',
    )
    this.session = session
    this.method = method
    this.url = place
  }
}

/** More requests wait for an origin than its line may hold. */
export class QueueFullError extends SessionbridgeError {
  readonly code = 'queue-full'
  readonly origin: string
  constructor(origin: string, limit: number) {
    super(
      `${String(limit)} requests already wait for ${origin}. Start fewer at a time, or raise perOrigin.queue.`,
    )
    this.origin = origin
  }
}

/** The site's pages sign each request to this origin with a key that cannot leave the browser. Nothing was sent. */
export class NeedsBrowserError extends SessionbridgeError {
  readonly code = 'needs-browser'
  readonly session: string
  readonly method: string
  /** Without query and fragment. */
  readonly url: string
  constructor(
    session: string,
    method: string,
    url: URL,
    why = 'each request is signed with a key that stays there',
  ) {
    const place = plainUrl(url)
    super(
      `${method} ${place} needs the browser of ${session}: ${why}. Use session.fetchInPage, or session.browse.`,
    )
    this.session = session
    this.method = method
    this.url = place
  }
}
