import { LoginFailedError, NeedsPersonError, RequestFailedError, SessionDeadError } from '../../errors.ts'
import { BlockedError } from '../../http/trouble/traffic-errors.ts'
import { AccountBlockedError, HeldOffError } from '../account-errors.ts'
import type { LedgerPage } from '../ledger.ts'

/** After the first time, ms; four times as long after each further one in a row. */
const first = 60_000
const longest = 86_400_000

export type Quarantine = NonNullable<LedgerPage['quarantine']>

/** What an error says about an account. */
export interface AccountFault {
  readonly why: string
  /** Unix ms, when the error knows until when. */
  readonly until?: number | undefined
}

/** `undefined`: the account is not to blame; whatever failed would fail with the others, too. */
export function faultOf(error: unknown, session: string): AccountFault | undefined {
  const isOurs = error instanceof Error && 'session' in error && error.session === session
  if (!isOurs) return undefined
  if (error instanceof HeldOffError) return { why: 'held-off', until: error.until }
  if (error instanceof AccountBlockedError) return { why: error.code, until: error.until }
  if ('code' in error && error.code === 'blocked') return blockedFault(error)
  // A limit says until when; how long a firewall stays is for the quarantine to find out.
  if (error instanceof BlockedError)
    return { why: `blocked: ${error.by}`, until: error.by === 'rate limit' ? error.until : undefined }
  if (error instanceof SessionDeadError || error instanceof NeedsPersonError) return { why: error.code }
  if (error instanceof LoginFailedError && error.failure === 'rejected') return { why: 'login rejected' }
  return undefined
}

/** A rate limit says when it ends; who showed a captcha once shows it again. */
function blockedFault(error: Error & { by?: unknown; until?: unknown }): AccountFault {
  const { by, until } = error
  return by === 'rate limit' && typeof until === 'number'
    ? { why: 'blocked by a rate limit', until }
    : { why: typeof by === 'string' ? `blocked by ${by}` : 'blocked' }
}

/** True when the way through the proxy failed, not the site. */
export function isProxyFault(error: unknown): boolean {
  return error instanceof RequestFailedError && error.reason.startsWith('PROXY_')
}

/** The quarantine that follows from a fault, after those before it. */
export function quarantineFor({ why, until }: AccountFault, before: Quarantine | undefined): Quarantine {
  const times = (before?.times ?? 0) + 1
  const wait = Math.min(first * 4 ** (times - 1), longest)
  return { until: until ?? Date.now() + wait, why, times }
}
