import type { ReportItem } from '../state/report.ts'
import type { StateCookie } from '../state/state.ts'
import {
  brokenPrefix,
  domainDefect,
  isTooBig,
  maxAttributeBytes,
  nameValueDefect,
  pathDefect,
} from './cookie-rules.ts'
import { isPublicSuffix } from './public-suffix.ts'

/**
 * Why no Chromium would hold this cookie at `now` (Unix milliseconds), whoever set it; `undefined` when it could. One
 * judgement for everything that comes in: files, jars, browsers of other engines.
 */
export function cookieDefect(
  cookie: StateCookie,
  now: number,
): Pick<ReportItem, 'reason' | 'rule'> | undefined {
  const malformed =
    nameValueDefect(cookie.name, cookie.value) ??
    domainDefect(cookie.domain) ??
    pathDefect(cookie.path) ??
    expiryDefect(cookie.expires) ??
    partitionDefect(cookie)
  if (malformed !== undefined) return { reason: 'malformed', rule: malformed }
  if (cookie.expires !== -1 && cookie.expires * 1000 <= now) return { reason: 'expired' }
  const promise = brokenPrefix({ ...cookie, hostOnly: !cookie.domain.startsWith('.') })
  if (promise !== undefined) return { reason: 'bad-prefix', rule: promise }
  if (cookie.sameSite === 'None' && !cookie.secure)
    return { reason: 'insecure-none', rule: 'SameSite=None needs Secure' }
  if (isTooBig(cookie.name, cookie.value))
    return { reason: 'too-big', rule: 'name and value over 4096 bytes' }
  if (cookie.path.length > maxAttributeBytes || cookie.domain.length > maxAttributeBytes)
    return { reason: 'too-big', rule: `path or domain over ${String(maxAttributeBytes)} bytes` }
  if (cookie.domain.startsWith('.') && isPublicSuffix(cookie.domain.slice(1)))
    return { reason: 'public-suffix', rule: 'a domain cookie for a whole public suffix' }
  return undefined
}

function expiryDefect(expires: number): string | undefined {
  return Number.isFinite(expires) && (expires >= 0 || expires === -1) ? undefined : 'expires is not a time'
}

function partitionDefect(cookie: StateCookie): string | undefined {
  if (cookie.partitionKey === undefined) return undefined
  if (!cookie.secure) return 'a partitioned cookie needs Secure'
  return URL.canParse(cookie.partitionKey) ? undefined : 'partition is not a site'
}
