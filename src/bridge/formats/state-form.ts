import { StateInvalidError } from '../../errors.ts'
import { whereOf } from '../../policy/cookie-rules.ts'
import type { OriginState, SessionState, StateCookie } from '../../state/state.ts'
import { cookieKey } from '../../state/state.ts'
import { isObject, type JsonObject, own } from '../parse/bounded-json.ts'
import { parseCookie } from '../parse/parse-cookie.ts'
import { parseOrigin } from '../parse/parse-origin.ts'
import type { Input } from './input.ts'
import type { ReportSink } from '../parse/report-sink.ts'

/** Whether a value is a state by its outline: an object with cookies or origins. */
export function hasStateForm(value: unknown): value is JsonObject {
  return isObject(value) && (own(value, 'cookies') !== undefined || own(value, 'origins') !== undefined)
}

/** Reads Playwright's storage state and our own superset of it, which are one form. */
export function readStateForm(input: Input, report: ReportSink): SessionState {
  const document = input.json()
  if (!isObject(document)) throw new StateInvalidError('it is not a JSON object.')
  if (!hasStateForm(document))
    throw new StateInvalidError(
      'it has neither cookies nor origins. Pass what Playwright calls storageState.',
    )
  const cookies = own(document, 'cookies')
  const origins = own(document, 'origins')
  if (!Array.isArray(cookies) && !Array.isArray(origins))
    throw new StateInvalidError('cookies and origins must be lists.')
  return {
    cookies: parseCookies(listOf(cookies, 'cookies', report), report),
    origins: parseOrigins(listOf(origins, 'origins', report), report),
  }
}

function listOf(value: unknown, name: string, report: ReportSink): readonly unknown[] {
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

function parseCookies(list: readonly unknown[], report: ReportSink): StateCookie[] {
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

function parseOrigins(list: readonly unknown[], report: ReportSink): OriginState[] {
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
