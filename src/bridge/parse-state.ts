import { StateInvalidError } from '../errors.ts'
import type { Report, ReportItem } from '../state/report.ts'
import type { OriginState, SessionState, StateCookie } from '../state/state.ts'
import { cookieKey } from '../state/state.ts'
import { whereOf } from '../policy/cookie-rules.ts'
import { maxStateBytes, readJson } from './parse/bounded-json.ts'
import { parseCookie } from './parse/parse-cookie.ts'
import { parseOrigin } from './parse/parse-origin.ts'

export interface ParseOptions {
  /** Longest text that is read, in UTF-8 bytes; default 64 MiB. */
  readonly maxBytes?: number
}

/**
 * Reads a session state: Playwright's storage state or our own superset, as an object or as JSON text. What is not as it
 * must be is left out or put right, and reported item by item; unknown fields of a cookie or an origin are kept. The
 * input is not changed and nothing of it is shared. Whether the cookies are any good is the gate's to say.
 *
 * @throws StateInvalidError when nothing of it is a state: no JSON, neither cookies nor origins, too large, too deep.
 */
export function parseState(
  input: unknown,
  options: ParseOptions = {},
): { state: SessionState; report: Report } {
  const document = readJson(input, options.maxBytes ?? maxStateBytes)
  const { cookies, origins } = document
  if (cookies === undefined && origins === undefined)
    throw new StateInvalidError(
      'it has neither cookies nor origins. Pass what Playwright calls storageState.',
    )
  if (!Array.isArray(cookies) && !Array.isArray(origins))
    throw new StateInvalidError('cookies and origins must be lists.')
  const report: ReportItem[] = []
  return {
    state: {
      cookies: parseCookies(listOf(cookies, 'cookies', report), report),
      origins: parseOrigins(listOf(origins, 'origins', report), report),
    },
    report,
  }
}

function listOf(value: unknown, name: string, report: ReportItem[]): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (value !== undefined)
    report.push({
      kind: name === 'cookies' ? 'cookie' : 'origin',
      name: '',
      where: name,
      reason: 'malformed',
      rule: 'not a list',
    })
  return []
}

function parseCookies(list: readonly unknown[], report: ReportItem[]): StateCookie[] {
  const cookies = new Map<string, StateCookie>()
  list.forEach((entry, at) => {
    const cookie = parseCookie(entry, `cookies[${String(at)}]`, report)
    if (cookie === undefined) return
    const key = cookieKey(cookie)
    if (cookies.delete(key))
      report.push({ kind: 'cookie', name: cookie.name, where: whereOf(cookie), reason: 'duplicate' })
    cookies.set(key, cookie)
  })
  return [...cookies.values()]
}

function parseOrigins(list: readonly unknown[], report: ReportItem[]): OriginState[] {
  const origins = new Map<string, OriginState>()
  list.forEach((entry, at) => {
    const origin = parseOrigin(entry, `origins[${String(at)}]`, report)
    if (origin === undefined) return
    if (origins.delete(origin.origin))
      report.push({ kind: 'origin', name: origin.origin, where: origin.origin, reason: 'duplicate' })
    origins.set(origin.origin, origin)
  })
  return [...origins.values()]
}
