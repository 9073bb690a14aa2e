import { type ErrorCode, type ErrorTier, tierOfCode, tierOfReason, tierOfStatus } from './error-codes.ts'

export type { ErrorCode, ErrorTier } from './error-codes.ts'

/**
 * Every failure that a caller may handle. One base class, one `code` each, the facts as fields, the cause kept.
 * A message says what failed, to which named thing, and what to do next. No message, field or cause holds a cookie
 * value, a token, a password, a key or the query of a URL. Misuse (a wrong option) is a `TypeError` instead.
 */
export abstract class SessionbridgeError extends Error {
  abstract readonly code: ErrorCode
  get tier(): ErrorTier {
    return tierOfCode(this.code)
  }
  override get name(): string {
    return this.constructor.name
  }
}

/** No browser was found, or it did not start. */
export class BrowserMissingError extends SessionbridgeError {
  readonly code = 'browser-missing'
  readonly looked: readonly string[]
  constructor(looked: readonly string[], options?: ErrorOptions) {
    super(
      `No browser to run the login in (looked at: ${looked.join(', ')}). Run "npx playwright install chromium", ` +
        'or install the system package chromium, or set SESSIONBRIDGE_BROWSER to an executable.',
      options,
    )
    this.looked = looked
  }
}

export type LoginFailure = 'rejected' | 'not-completed' | 'not-verified' | 'threw' | 'timed-out'

/** The recipe ran, but nobody is signed in. */
export class LoginFailedError extends SessionbridgeError {
  readonly code = 'login-failed'
  /** `rejected`: the site said no. Do not try the same password again. */
  readonly failure: LoginFailure
  readonly session: string
  /** Where the page stood at the end, without query. */
  readonly url: string | undefined
  readonly screenshot: string | undefined
  constructor(
    facts: {
      failure: LoginFailure
      session: string
      detail: string
      url?: string | undefined
      screenshot?: string | undefined
    },
    options?: ErrorOptions,
  ) {
    const where = facts.url === undefined ? '' : ` The page stood at ${facts.url}.`
    const look = facts.screenshot === undefined ? '' : ` See ${facts.screenshot}.`
    super(`Login of ${facts.session} failed (${facts.failure}): ${facts.detail}.${where}${look}`, options)
    this.failure = facts.failure
    this.session = facts.session
    this.url = facts.url
    this.screenshot = facts.screenshot
  }
}

/** Only a person can go on: a captcha, a second factor, or a recipe without automatic login. */
export class NeedsPersonError extends SessionbridgeError {
  readonly code = 'needs-person'
  readonly session: string
  constructor(session: string, why: string, options?: ErrorOptions) {
    super(`${session} needs a person: ${why}. Run "sessionbridge capture" where a window can open.`, options)
    this.session = session
  }
}

export class SecretMissingError extends SessionbridgeError {
  readonly code = 'secret-missing'
  readonly secret: string
  constructor(secret: string, looked: readonly string[], options?: ErrorOptions) {
    super(`No secret named "${secret}" (looked at: ${looked.join(', ')}). Set one of them.`, options)
    this.secret = secret
  }
}

/** A secret was about to be typed into a page of another site. */
export class SecretOriginError extends SessionbridgeError {
  readonly code = 'secret-origin'
  readonly secret: string
  readonly origin: string
  readonly allowed: readonly string[]
  constructor(secret: string, origin: string, allowed: readonly string[]) {
    super(
      `Secret "${secret}" was not typed: the page is at ${origin}, allowed are ${allowed.join(', ')}. ` +
        'If that site is part of the login, add it to the recipe as domains.',
    )
    this.secret = secret
    this.origin = origin
    this.allowed = allowed
  }
}

/** The server no longer takes the session, and it was not renewed. */
export class SessionDeadError extends SessionbridgeError {
  readonly code = 'session-dead'
  readonly session: string
  constructor(session: string, why: string, options?: ErrorOptions) {
    super(
      `Session ${session} is dead: ${why}. Open it with a recipe that can log in, or capture it again.`,
      options,
    )
    this.session = session
  }
}

/** What was asked for needs a request that tells a live session from a dead one, and none is known. */
export class ProbeMissingError extends SessionbridgeError {
  readonly code = 'probe-missing'
  readonly session: string
  constructor(session: string, why: string, options?: ErrorOptions) {
    super(
      `${session} has no probe: ${why}. Give its recipe a "probe" (a URL that only the signed-in may read) and log in again.`,
      options,
    )
    this.session = session
  }
}

/** No stored session of that name, and no login was allowed. */
export class NotSignedInError extends SessionbridgeError {
  readonly code = 'not-signed-in'
  readonly session: string
  constructor(session: string, options?: ErrorOptions) {
    super(
      `There is no stored session ${session}, and login is "never". Capture it first, or allow the login.`,
      options,
    )
    this.session = session
  }
}

export type SnapshotDefect = 'wrong-key' | 'tampered' | 'malformed' | 'wrong-name' | 'newer-format'

/** A stored snapshot does not open. Never treated as "no session": that would log in over a good one. */
export class SnapshotUnreadableError extends SessionbridgeError {
  readonly code = 'snapshot-unreadable'
  readonly defect: SnapshotDefect
  readonly session: string
  constructor(session: string, defect: SnapshotDefect, hint: string, options?: ErrorOptions) {
    super(`Snapshot of ${session} does not open (${defect}). ${hint}`, options)
    this.defect = defect
    this.session = session
  }
}

export class KeyInvalidError extends SessionbridgeError {
  readonly code = 'key-invalid'
  constructor(why: string, options?: ErrorOptions) {
    super(`The sealing key is not usable: ${why}. Make one with "sessionbridge keygen".`, options)
  }
}

/** The store did not do what was asked; nothing was acknowledged. */
export class StoreFailedError extends SessionbridgeError {
  readonly code = 'store-failed'
  readonly operation: string
  constructor(operation: string, why: string, options?: ErrorOptions) {
    super(`The store could not ${operation}: ${why}`, options)
    this.operation = operation
  }
}

/** Somebody else has written since; read again, merge, write again. */
export class StoreConflictError extends SessionbridgeError {
  readonly code = 'store-conflict'
  readonly expected: string | undefined
  readonly found: string | undefined
  constructor(name: string, expected: string | undefined, found: string | undefined) {
    super(
      `${name} was changed by somebody else (expected ${expected ?? 'nothing'}, found ${found ?? 'nothing'}). Read and merge.`,
    )
    this.expected = expected
    this.found = found
  }
}

/** A state that was handed in is not one. */
export class StateInvalidError extends SessionbridgeError {
  readonly code = 'state-invalid'
  constructor(why: string, options?: ErrorOptions) {
    super(`Not a session state: ${why}`, options)
  }
}

export class RecipeInvalidError extends SessionbridgeError {
  readonly code = 'recipe-invalid'
  readonly recipe: string
  constructor(recipe: string, why: string, options?: ErrorOptions) {
    super(`Recipe ${recipe} is not usable: ${why}`, options)
    this.recipe = recipe
  }
}

/** The request got no answer: connection, TLS or protocol. */
export class RequestFailedError extends SessionbridgeError {
  readonly code = 'request-failed'
  readonly method: string
  /** Without query and fragment. */
  readonly url: string
  /** Node's or undici's code, such as `ECONNREFUSED`. */
  readonly reason: string
  constructor(method: string, url: URL, reason: string, options?: ErrorOptions) {
    const place = plainUrl(url)
    super(`${method} ${place} got no answer: ${reason}`, options)
    this.method = method
    this.url = place
    this.reason = reason
  }
  override get tier(): ErrorTier {
    return tierOfReason(this.reason)
  }
}

/** The answer came, with a status that is not success. */
export class ResponseStatusError extends SessionbridgeError {
  readonly code = 'response-status'
  readonly method: string
  readonly url: string
  readonly statusCode: number
  constructor(method: string, url: URL, statusCode: number) {
    const place = plainUrl(url)
    super(
      `${method} ${place} was answered ${String(statusCode)}. Pass throwHttpErrors: false to read such answers.`,
    )
    this.method = method
    this.url = place
    this.statusCode = statusCode
  }
  override get tier(): ErrorTier {
    return tierOfStatus(this.statusCode)
  }
}

/** A redirect that a browser would not have followed, or too many of them. */
export class RedirectRefusedError extends SessionbridgeError {
  readonly code = 'redirect-refused'
  readonly url: string
  constructor(url: URL, why: string) {
    const place = plainUrl(url)
    super(`Redirect from ${place} was not followed: ${why}`)
    this.url = place
  }
}

export class TimedOutError extends SessionbridgeError {
  readonly code = 'timed-out'
  readonly operation: string
  readonly after: number
  /** `after` in milliseconds. */
  constructor(operation: string, after: number, options?: ErrorOptions) {
    super(`${operation} did not finish within ${String(after)} ms`, options)
    this.operation = operation
    this.after = after
  }
}

/** Used after `close()`. */
export class ClosedError extends SessionbridgeError {
  readonly code = 'closed'
  constructor(what: string) {
    super(`${what} is closed`)
  }
}

/** Scheme, host and path: what may be said of a URL. Queries carry tokens, and so do user names. */
export function plainUrl(url: URL | string): string {
  if (typeof url === 'string' && !URL.canParse(url)) return '(not a URL)'
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
