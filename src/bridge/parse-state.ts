import { StateInvalidError } from '../errors.ts'
import type { Report, ReportItem, ReportKind } from '../state/report.ts'
import type { OriginState, SessionState, StateCookie, StorageItem } from '../state/state.ts'

/** Text above this is refused unread: a state is some kilobytes, and a whole browser's some megabytes. */
const maxTextLength = 64 * 1024 * 1024
/** `JSON.stringify` overflows the stack at some thousand levels; a storage state has nine. */
const maxDepth = 200

/**
 * Reads a session state: our own JSON or Playwright's storage state, as text or as a parsed object. Item by item: what
 * is not what it must look like is in the report, and the rest is kept, fields that we do not know included. The input
 * is not changed and its objects are not shared.
 *
 * Throws `StateInvalidError` only when nothing of it is a state: no JSON, too large, or neither cookies nor origins.
 */
export function parseState(input: unknown): { state: SessionState; report: Report } {
  const root = typeof input === 'string' ? parseJson(input) : input
  if (!isRecord(root)) throw new StateInvalidError('it must be an object with "cookies" and "origins"')
  const { cookies, origins } = root
  if (!Array.isArray(cookies) && !Array.isArray(origins)) {
    throw new StateInvalidError('it has neither a list "cookies" nor a list "origins"')
  }
  const report: ReportItem[] = []
  const state: SessionState = {
    cookies: listOf(cookies).flatMap((cookie) => parseCookie(cookie, report) ?? []),
    origins: listOf(origins).flatMap((origin) => parseOrigin(origin, report) ?? []),
  }
  return { state, report }
}

function parseJson(text: string): unknown {
  if (text.length > maxTextLength) throw new StateInvalidError('it is larger than 64 MiB')
  assertShallow(text)
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    throw new StateInvalidError('it is not JSON') // the parser's own message would quote the input
  }
}

/** Counts brackets outside of strings, so that hostile nesting is refused before a recursive walk meets it. */
function assertShallow(text: string): void {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (inString) {
      if (unit === 0x5c) i++
      else if (unit === 0x22) inString = false
    } else if (unit === 0x22) inString = true
    else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > maxDepth)
        throw new StateInvalidError(`it is nested deeper than ${String(maxDepth)} levels`)
    } else if (unit === 0x7d || unit === 0x5d) depth--
  }
}

function parseCookie(input: unknown, report: ReportItem[]): StateCookie | undefined {
  const cookie = safeCopy(input)
  const { name, value, domain } = cookie
  if (typeof name !== 'string' || typeof value !== 'string' || typeof domain !== 'string' || domain === '') {
    drop(
      report,
      'cookie',
      text(name),
      `${text(domain)}${text(cookie['path'])}`,
      'name, value and domain must be text',
    )
    return undefined
  }
  const expires = cookie['expires'] ?? -1
  if (typeof expires !== 'number' || !Number.isFinite(expires)) {
    drop(report, 'cookie', name, domain, 'expires must be Unix seconds, or -1')
    return undefined
  }
  const { sameSite, ...rest } = cookie
  const isKnownSameSite = sameSite === 'Strict' || sameSite === 'Lax' || sameSite === 'None'
  if (sameSite !== undefined && !isKnownSameSite) {
    // The cookie is carried as one whose site did not say, which is what a browser makes of an unknown value.
    report.push({
      kind: 'cookie',
      name,
      where: domain,
      reason: 'malformed',
      rule: 'unknown SameSite read as not set',
    })
  }
  return {
    ...rest,
    name,
    value,
    domain,
    path: typeof cookie['path'] === 'string' && cookie['path'].startsWith('/') ? cookie['path'] : '/',
    expires,
    httpOnly: cookie['httpOnly'] === true,
    secure: cookie['secure'] === true,
    ...(isKnownSameSite && { sameSite }),
  }
}

function parseOrigin(input: unknown, report: ReportItem[]): OriginState | undefined {
  const origin = safeCopy(input)
  const name = origin['origin']
  if (typeof name !== 'string' || !URL.canParse(name)) {
    drop(report, 'origin', text(name), text(name), 'not an origin')
    return undefined
  }
  const { sessionStorage, indexedDB, ...rest } = origin
  return {
    ...rest,
    origin: name,
    localStorage: parseItems('localStorage', origin['localStorage'], name, report),
    ...(sessionStorage !== undefined && {
      sessionStorage: parseItems('sessionStorage', sessionStorage, name, report),
    }),
    ...(Array.isArray(indexedDB) && {
      indexedDB: structuredClone(indexedDB) as OriginState['indexedDB'] & object,
    }),
  }
}

function parseItems(kind: ReportKind, input: unknown, where: string, report: ReportItem[]): StorageItem[] {
  return listOf(input).flatMap((entry): StorageItem[] => {
    const { name, value } = safeCopy(entry)
    if (typeof name === 'string' && typeof value === 'string') return [{ name, value }]
    drop(report, kind, text(name), where, 'name and value must be text')
    return []
  })
}

/** A copy of an object's own fields without `__proto__`, which assigned naively would change the copy's prototype. */
function safeCopy(input: unknown): Record<string, unknown> {
  if (!isRecord(input)) return {}
  return Object.fromEntries(Object.entries(input).filter(([field]) => field !== '__proto__'))
}

function drop(report: ReportItem[], kind: ReportKind, name: string, where: string, rule: string): void {
  report.push({ kind, name, where, reason: 'malformed', rule })
}

function listOf(input: unknown): readonly unknown[] {
  return Array.isArray(input) ? input : []
}

function text(input: unknown): string {
  return typeof input === 'string' ? input : ''
}

function isRecord(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null && !Array.isArray(input)
}
