import { canonicalHost, isTooBig } from '../../policy/cookie-rules.ts'
import type { SameSite, StateCookie } from '../../state/state.ts'
import { firstMilliseconds, readExpiry } from '../formats/expiry.ts'
import { copyJson, isObject, type JsonObject, NotPlainJson, own } from './bounded-json.ts'
import type { ReportSink } from './report-sink.ts'

/** Reads one cookie; `undefined`, with a report, when it cannot be one. `place` is how the input calls it. */
export function parseCookie(entry: unknown, place: string, report: ReportSink): StateCookie | undefined {
  const needed = isObject(entry) ? neededFields(entry) : 'not an object'
  const said = isObject(entry) ? own(entry, 'name') : undefined
  const name = typeof said === 'string' && !isTooBig(said, '') ? said : ''
  const lose: Lose = (rule) => {
    report.push({ kind: 'cookie', name, where: place, reason: 'malformed', rule })
  }
  if (typeof needed === 'string' || !isObject(entry)) {
    lose(typeof needed === 'string' ? needed : 'not an object')
    return undefined
  }
  const { guess, ...plain } = needed
  if (guess !== undefined) lose(guess)
  const httpOnly = flag(entry, 'httpOnly', lose)
  const secure = flag(entry, 'secure', lose)
  const sameSite = sameSiteOf(own(entry, 'sameSite'))
  if (sameSite === 'unknown') lose('sameSite is none of Strict, Lax, None; taken as not said')
  return {
    ...unknownFields(entry, lose),
    ...plain,
    httpOnly,
    secure,
    ...(sameSite !== undefined && sameSite !== 'unknown' && { sameSite }),
    ...partitionOf(entry, lose),
    ...sourceOf(entry, lose),
  }
}

type Lose = (rule: string) => void

/** What makes it a cookie at all, or what is wrong with that. */
function neededFields(
  entry: JsonObject,
): (Pick<StateCookie, 'name' | 'value' | 'domain' | 'path' | 'expires'> & { guess?: string }) | string {
  const name = own(entry, 'name')
  const value = own(entry, 'value')
  const domain = domainOf(own(entry, 'domain'))
  const path = own(entry, 'path') ?? '/'
  const expires = own(entry, 'expires') ?? -1
  if (typeof name !== 'string') return 'name is not a string'
  if (typeof value !== 'string') return 'value is not a string'
  if (domain === undefined) return 'domain is not a host name'
  if (typeof path !== 'string') return 'path is not a string'
  if (typeof expires === 'number' && Number.isFinite(expires) && expires < firstMilliseconds)
    return { name, value, domain, path, expires }
  const guess = readExpiry(expires)
  if (guess.rule === undefined || guess.expires === -1) return 'expires is not a time'
  return { name, value, domain, path, expires: guess.expires, guess: guess.rule }
}

/** As URLs spell hosts, so that the same cookie is the same whoever wrote it down. */
function domainOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const dot = value.startsWith('.') ? '.' : ''
  const host = canonicalHost(value.slice(dot.length))
  return host === undefined ? undefined : `${dot}${host}`
}

function flag(entry: JsonObject, field: string, lose: Lose): boolean {
  const value = own(entry, field)
  if (value !== undefined && typeof value !== 'boolean') lose(`${field} is not true or false; taken as false`)
  return value === true
}

function sameSiteOf(value: unknown): SameSite | 'unknown' | undefined {
  if (value === undefined || value === null) return undefined
  switch (typeof value === 'string' ? value.toLowerCase() : '?') {
    case 'strict':
      return 'Strict'
    case 'lax':
      return 'Lax'
    case 'none':
    case 'no_restriction':
      return 'None'
    case '':
    case 'unspecified':
      return undefined
    default:
      return 'unknown'
  }
}

/** As Playwright has it (a site beside a flag that is true when absent) or as Chromium's protocol has it (an object). */
function partitionOf(
  entry: JsonObject,
  lose: Lose,
): Pick<StateCookie, 'partitionKey' | '_crHasCrossSiteAncestor'> | undefined {
  const key = own(entry, 'partitionKey')
  if (key === undefined || key === null || key === '') return undefined
  const site = isObject(key) ? own(key, 'topLevelSite') : key
  if (typeof site !== 'string' || !URL.canParse(site)) {
    lose('partitionKey is not a site; taken as not partitioned')
    return undefined
  }
  const ancestor = isObject(key) ? own(key, 'hasCrossSiteAncestor') : own(entry, '_crHasCrossSiteAncestor')
  return { partitionKey: site, _crHasCrossSiteAncestor: ancestor !== false }
}

const schemes = new Set<unknown>(['Unset', 'NonSecure', 'Secure'])
const priorities = new Set<unknown>(['Low', 'Medium', 'High'])

function sourceOf(
  entry: JsonObject,
  lose: Lose,
): Pick<StateCookie, 'sourceScheme' | 'sourcePort' | 'priority'> {
  const scheme = own(entry, 'sourceScheme')
  const port = own(entry, 'sourcePort')
  const priority = own(entry, 'priority')
  const isPort = typeof port === 'number' && Number.isInteger(port) && port >= -1 && port <= 65_535
  if (scheme !== undefined && !schemes.has(scheme)) lose('sourceScheme is none of Unset, NonSecure, Secure')
  if (port !== undefined && !isPort) lose('sourcePort is not a port')
  if (priority !== undefined && !priorities.has(priority)) lose('priority is none of Low, Medium, High')
  return {
    ...(schemes.has(scheme) && { sourceScheme: scheme as NonNullable<StateCookie['sourceScheme']> }),
    ...(isPort && { sourcePort: port }),
    ...(priorities.has(priority) && { priority: priority as NonNullable<StateCookie['priority']> }),
  }
}

const knownFields = new Set([
  'name',
  'value',
  'domain',
  'path',
  'expires',
  'httpOnly',
  'secure',
  'sameSite',
  'partitionKey',
  '_crHasCrossSiteAncestor',
  'sourceScheme',
  'sourcePort',
  'priority',
])

/** Whether a field of a cookie is one that every part of the house knows. */
export function isCookieField(field: string): boolean {
  return knownFields.has(field)
}

/** Fields of newer Playwrights or other tools stay with the cookie, as far as they are plain JSON. */
function unknownFields(entry: JsonObject, lose: Lose): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const field of Object.keys(entry)) {
    if (knownFields.has(field)) continue
    try {
      if (field === '__proto__') throw new NotPlainJson('a key named __proto__')
      if (entry[field] !== undefined) fields[field] = copyJson(entry[field])
    } catch (error) {
      if (!(error instanceof NotPlainJson)) throw error
      lose(`an unknown field was left out: ${error.message}`)
    }
  }
  return fields
}
