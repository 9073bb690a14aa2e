/** One for each class of errors. */
export type ErrorCode =
  | 'browser-missing'
  | 'login-failed'
  | 'held-off'
  | 'needs-person'
  | 'secret-missing'
  | 'secret-origin'
  | 'session-dead'
  | 'probe-missing'
  | 'not-signed-in'
  | 'not-stored'
  | 'account-blocked'
  | 'account-lost'
  | 'no-account'
  | 'snapshot-unreadable'
  | 'key-invalid'
  | 'store-failed'
  | 'store-conflict'
  | 'state-invalid'
  | 'recipe-invalid'
  | 'request-failed'
  | 'response-status'
  | 'redirect-refused'
  | 'timed-out'
  | 'blocked'
  | 'circuit-open'
  | 'not-repeated'
  | 'needs-browser'
  | 'queue-full'
  | 'robots-disallowed'
  | 'sign-out-guarded'
  | 'closed'
  | 'egress-changed'

/**
 * What a program can do about a failure. `recoverable`: the same may work later. `blocked`: the site keeps us out; wait, go
 * slower, change what it sees. `final`: it will fail again until somebody changes something.
 */
export type ErrorTier = 'recoverable' | 'final' | 'blocked'

const recoverable: ReadonlySet<ErrorCode> = new Set([
  'timed-out',
  'circuit-open',
  'queue-full',
  'store-failed',
])
const blocked: ReadonlySet<ErrorCode> = new Set(['blocked', 'held-off', 'account-blocked'])

export function tierOfCode(code: ErrorCode): ErrorTier {
  if (blocked.has(code)) return 'blocked'
  return recoverable.has(code) ? 'recoverable' : 'final'
}

/** Codes of the network, of a server that restarts, of a proxy's moment. Certificates and unknown names do not pass. */
const passing =
  /^(?:PROXY_)?(?:ECONN(?:RESET|REFUSED|ABORTED)|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EAI_AGAIN|ERR_STREAM_PREMATURE_CLOSE|HPE_INVALID_EOF_STATE|UND_ERR_(?:SOCKET|CONNECT_TIMEOUT|BODY_TIMEOUT)|HTTP2_(?:NO_ERROR|INTERNAL_ERROR|REFUSED_STREAM|CANCEL|ENHANCE_YOUR_CALM)|ANSWERED_(?:5\d\d|(?:NETWORK|HOST)UNREACHABLE|CONNECTIONREFUSED|TTLEXPIRED))$/

/** `reason`: a code of Node, of undici, of HTTP/2 (`HTTP2_…`) or of our proxies (`PROXY_…`). */
export function tierOfReason(reason: string): ErrorTier {
  return passing.test(reason) ? 'recoverable' : 'final'
}

/** Answers that may be others in a moment; as far as a site may be believed. */
const passingStatuses = new Set([408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524])

export function tierOfStatus(statusCode: number): ErrorTier {
  return passingStatuses.has(statusCode) ? 'recoverable' : 'final'
}
