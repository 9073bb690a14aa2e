import { maxLifetime } from '../../policy/cookie-rules.ts'
import { parseCookieDate } from './cookie-date.ts'

interface Lifetime {
  readonly expires?: string
  readonly maxAge?: string
}

/**
 * Unix seconds at which a cookie ends, -1 for a session cookie, 0 for one that is over at once. `now` is Unix
 * milliseconds. Max-Age counts before Expires; neither reaches beyond 400 days. A Max-Age that is not a whole number
 * is as if it were not there, unless it is only too large.
 */
export function cookieExpiry(lifetime: Lifetime, now: number, date: string | undefined): number {
  const seconds = parseMaxAge(lifetime.maxAge)
  if (seconds !== undefined) return seconds <= 0 ? 0 : now / 1000 + Math.min(seconds, maxLifetime)
  const named = parseCookieDate(lifetime.expires ?? '')
  if (named === undefined) return -1
  const ends = named + clockSkew(now, date)
  return ends <= now ? 0 : Math.min(ends / 1000, now / 1000 + maxLifetime)
}

function parseMaxAge(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const number = /^([+-]?)(\d+)/.exec(text)
  if (number === null) return undefined
  const seconds = Number(number[2]) * (number[1] === '-' ? -1 : 1)
  // Chromium's parser stops at an overflow before it sees what follows the digits.
  const overflows = Math.abs(seconds) > 2 ** 63 - 1
  return overflows || number[0].length === text.length ? seconds : undefined
}

function clockSkew(now: number, date: string | undefined): number {
  const server = date === undefined ? NaN : Date.parse(date)
  return Number.isNaN(server) ? 0 : now - server
}
