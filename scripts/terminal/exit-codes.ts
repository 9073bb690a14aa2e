import type { ErrorCode, SessionbridgeError } from '../../src/index.ts'

/** What the command's exit codes mean; stable, and part of `--help`. */
export const exitCodes = {
  ok: 0,
  /** Misuse, no answer, and everything that has no code of its own. */
  other: 1,
  dead: 2,
  person: 3,
  refused: 4,
  /** The store or its key. */
  store: 5,
} as const

export const exitCodeHelp = `
Exit codes:
  0  ok
  1  wrong use, or something else failed
  2  the session is dead: the server no longer takes it
  3  a person is needed
  4  refused: wrong password, too many failed logins, a secret for another site, a redirect, --strict
  5  the store or its key`

/** A failure of the command itself: one sentence that says what to do, and the exit code. */
export class CommandError extends Error {
  readonly code: string
  readonly exitCode: number
  constructor(code: string, exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CommandError'
    this.code = code
    this.exitCode = exitCode
  }
}

export interface Failure {
  readonly code: string
  readonly exitCode: number
  readonly message: string
}

// `Record` and not a switch: a new error code does not compile until somebody has decided what a script shall see.
const byCode: Record<ErrorCode, number> = {
  'browser-missing': exitCodes.other,
  'login-failed': exitCodes.other,
  'held-off': exitCodes.refused,
  'needs-person': exitCodes.person,
  'secret-missing': exitCodes.other,
  'secret-origin': exitCodes.refused,
  'session-dead': exitCodes.dead,
  'egress-changed': exitCodes.refused,
  'probe-missing': exitCodes.other,
  'not-signed-in': exitCodes.other,
  'not-stored': exitCodes.other,
  'account-blocked': exitCodes.refused,
  'account-lost': exitCodes.other,
  'no-account': exitCodes.refused,
  'snapshot-unreadable': exitCodes.store,
  'key-invalid': exitCodes.store,
  'store-failed': exitCodes.store,
  'store-conflict': exitCodes.store,
  'state-invalid': exitCodes.other,
  'recipe-invalid': exitCodes.other,
  'request-failed': exitCodes.other,
  'response-status': exitCodes.other,
  'redirect-refused': exitCodes.refused,
  'timed-out': exitCodes.other,
  blocked: exitCodes.refused,
  'circuit-open': exitCodes.other,
  'not-repeated': exitCodes.other,
  'needs-browser': exitCodes.other,
  'queue-full': exitCodes.other,
  'robots-disallowed': exitCodes.refused,
  'sign-out-guarded': exitCodes.refused,
  closed: exitCodes.other,
}

/** What is said of an error: its own sentence when it was written for people, else no more than its kind. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommandError) return error
  if (isOurs(error)) {
    const rejected = error.code === 'login-failed' && 'failure' in error && error.failure === 'rejected'
    const exitCode = rejected ? exitCodes.refused : byCode[error.code]
    return { code: error.code, exitCode, message: error.message }
  }
  const name = error instanceof Error ? error.name : typeof error
  // Node says what failed with which path; misuse of the library names the option. Of other errors nobody knows what
  // they quote: Playwright prints the value of a failed fill, JSON.parse its input.
  const isPlain = error instanceof TypeError || (error instanceof Error && 'syscall' in error)
  const message = isPlain
    ? error.message
    : `Something failed that should not have (${name}). Run again with --verbose to see where.`
  return { code: 'other', exitCode: exitCodes.other, message }
}

/** By its code and not by `instanceof`: loading the library only to look at an error costs more than the error. */
function isOurs(error: unknown): error is SessionbridgeError {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    Object.hasOwn(byCode, error.code)
  )
}

/** Where it happened, for `--verbose`: frames only, since the first lines of a stack quote the message. */
export function framesOf(error: unknown): string {
  const chain: string[] = []
  for (let at: unknown = error; at instanceof Error && chain.length < 5; at = at.cause) {
    const frames = (at.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
    chain.push([chain.length === 0 ? at.name : `caused by ${at.name}`, ...frames].join('\n'))
  }
  return chain.join('\n')
}
