import { parseCookieDate } from '../jar/cookie-date.ts'

/** An expiry as somebody wrote it, in Unix seconds, -1 for a session cookie; `rule` says what had to be guessed. */
export interface ReadExpiry {
  readonly expires: number
  readonly rule?: string
}

/** Above this a number of seconds would be beyond the year 33,000, and a number of milliseconds is after 2001. */
export const firstMilliseconds = 1e12
/** The last time that a Date holds, in ms. */
const lastMilliseconds = 8.64e15

/** Seconds, milliseconds, a date in words, or nothing: cookie exporters write all of them. */
export function readExpiry(value: unknown): ReadExpiry {
  if (value === undefined || value === null) return { expires: -1 }
  if (typeof value === 'number') return fromNumber(value)
  if (typeof value !== 'string') return notATime
  const text = value.trim()
  if (text === '' || /^session$/i.test(text)) return { expires: -1 }
  if (/^[+-]?\d+(?:\.\d*)?(?:e\+?\d+)?$/i.test(text)) return fromNumber(Number(text))
  return fromDate(text)
}

const notATime: ReadExpiry = { expires: -1, rule: 'expires is not a time; taken for a session cookie' }

function fromNumber(value: number): ReadExpiry {
  if (value === -1) return { expires: -1 }
  if (value === 0) return { expires: -1, rule: 'expires is 0; taken for a session cookie' }
  if (!Number.isFinite(value) || value < 0 || value > lastMilliseconds) return notATime
  if (value < firstMilliseconds) return { expires: value }
  return { expires: value / 1000, rule: 'expires is in milliseconds; read as such' }
}

function fromDate(text: string): ReadExpiry {
  const iso = Date.parse(text)
  const ms = Number.isNaN(iso) ? parseCookieDate(text) : iso
  if (ms === undefined || ms <= 0) return notATime
  return { expires: ms / 1000, rule: 'expires is a date in words; read as one' }
}
