import { headerValue, type WireHeaders } from '../wire/wire.ts'

/** What a site may ask us to wait at most, ms: more is nonsense, or a ban, and is asked again after it. */
export const longestWait = 600_000

/** Longest back-off, ms. */
const longest = 10_000

/**
 * Milliseconds that an answer asks us to wait; `undefined` when it asks for nothing that makes sense. Seconds and dates
 * (RFC 9110, 10.2.3); a date is held against the answer's own, since the two clocks may differ. Capped at ten minutes.
 */
export function retryAfter(headers: WireHeaders, now: number = Date.now()): number | undefined {
  const said = headerValue(headers, 'retry-after')?.trim()
  if (said === undefined || said === '') return undefined
  if (/^\d+(\.\d+)?$/.test(said)) return Math.min(Number(said) * 1_000, longestWait)
  const at = httpDate(said)
  if (at === undefined) return undefined
  const wait = at - (httpDate(headerValue(headers, 'date')) ?? now)
  return wait < 0 ? undefined : Math.min(wait, longestWait)
}

/** `Date.parse` takes far more than HTTP's dates: "-5" is a year to it. */
function httpDate(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Z][a-z]{2,8},? .*\d\d:\d\d:\d\d/.test(text)) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}

/** Exponential, with full jitter: any time up to the limit, so that those who failed together do not come back together. */
export function backOff(failures: number, first = 300, random: () => number = Math.random): number {
  return random() * Math.min(longest, first * 2 ** failures)
}
