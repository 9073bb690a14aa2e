import type { SerializedCookie } from 'tough-cookie'
import type { ReportItem } from '../../state/report.ts'
import type { SessionState, StateCookie } from '../../state/state.ts'
import { bytesOfText } from '../jar/byte-text.ts'
import { stateCookieOf } from '../jar/cookie-object.ts'
import { isObject, own } from '../parse/bounded-json.ts'
import { CookieList } from './cookie-list.ts'
import { firstMilliseconds, readExpiry } from './expiry.ts'
import { type Format, type Formatted, jsonText, type Reading } from './format.ts'
import { firstList, type Input } from './input.ts'
import { bothFates, type Fate, isOwnPartition, judgeCookies, lostFields, withoutStorage } from './losses.ts'

const title = 'tough-cookie JSON'

/** What `jar.serialize()` gives (`{ version, cookies: [ … ] }`), or the list of cookies alone. */
export const toughCookieJson: Format = {
  name: 'tough-cookie',
  title,
  readsWithUrl: false,
  writesForUrl: false,
  detect(input) {
    const value = input.isJson ? input.json() : undefined
    const version = isObject(value) ? own(value, 'version') : undefined
    if (typeof version === 'string' && version.startsWith('tough-cookie')) return true
    return (listOf(value) ?? []).some((entry) => isObject(entry) && own(entry, 'key') !== undefined)
  },
  parse: fromToughCookie,
  format: toToughCookie,
}

function listOf(value: unknown): readonly unknown[] | undefined {
  // With origins it is a state, whatever unknown fields its cookies carry.
  const isJar = isObject(value) && own(value, 'origins') === undefined
  return firstList(value, isJar ? own(value, 'cookies') : undefined)
}

function fromToughCookie(input: Input, { report }: Reading): SessionState {
  const cookies = new CookieList(report)
  for (const [at, entry] of (listOf(input.json()) ?? []).entries()) {
    if (cookies.isOver()) break
    const place = `cookies[${String(at)}]`
    if (!isObject(entry)) cookies.say(place, 'not an object')
    else if (typeof own(entry, 'key') !== 'string') cookies.say(place, 'key is not a string')
    else if (typeof own(entry, 'value') !== 'string') cookies.say(place, 'value is not a string')
    else {
      const { rule, ...expiry } = expiryOf(own(entry, 'expires'))
      if (rule !== undefined) cookies.say(place, rule)
      // Field by field: what the jar makes of a JSON object must not reach up to a prototype of the file's making.
      const { cookie, losses } = stateCookieOf({ ...ownFields(entry), ...expiry })
      report.push(...losses.map((item): ReportItem => ({ ...item, name: '', where: place })))
      if (cookie !== undefined) cookies.add(cookie, place)
    }
  }
  return cookies.state()
}

const fields = ['key', 'value', 'domain', 'path', 'secure', 'httpOnly', 'hostOnly', 'sameSite'] as const
const further = ['extensions', 'maxAge', 'creation'] as const

function ownFields(entry: Readonly<Record<string, unknown>>): SerializedCookie {
  const copy: Record<string, unknown> = {}
  for (const field of [...fields, ...further])
    if (Object.hasOwn(entry, field)) copy[field] = own(entry, field)
  return copy
}

/** The jar writes dates; numbers come from hands. */
function expiryOf(value: unknown): { expires?: string; rule?: string } {
  if (value === undefined || value === null || value === 'Infinity') return {}
  if (typeof value === 'string' && !Number.isNaN(Date.parse(value)) && !/^\d+$/.test(value))
    return { expires: value }
  const { expires, rule } = readExpiry(value)
  return {
    ...(expires !== -1 && { expires: new Date(expires * 1000).toISOString() }),
    ...(rule !== undefined && { rule }),
  }
}

function toToughCookie(state: SessionState): Formatted {
  const { written, report } = judgeCookies(state, title, fate, jarKey)
  const document = {
    version: 'tough-cookie@6.1.0',
    storeType: 'MemoryCookieStore',
    rejectPublicSuffixes: true,
    enableLooseMode: false,
    allowSpecialUseDomain: true,
    prefixSecurity: 'silent',
    cookies: written.map(row),
  }
  return { text: jsonText(document), report: [...report, ...withoutStorage(state, title)] }
}

function fate(cookie: StateCookie): Fate {
  if (cookie.partitionKey !== undefined && !isOwnPartition(cookie))
    return { unwritten: 'it belongs to the partition of another site' }
  const ms = cookie.expires * 1000
  const fraction = Number.isInteger(ms) && ms < firstMilliseconds * 1000 ? [] : ['expires below one ms']
  return bothFates(
    { lost: cookie.expires === -1 ? [] : fraction },
    { lost: lostFields(cookie, ['sameSite']) },
  )
}

/** The memory store keeps one cookie per domain, path and name: a host-only and a domain cookie are one to it. */
function jarKey({ name, domain, path }: StateCookie): string {
  return `${name}\u0000${domain.replace(/^\./, '')}\u0000${path}`
}

function row(cookie: StateCookie, at: number): object {
  const { name, value, domain, path, expires, httpOnly, secure, sameSite, partitionKey } = cookie
  // The store orders by time of creation.
  const creation = new Date(at).toISOString()
  return {
    key: bytesOfText(name),
    value: bytesOfText(value),
    ...(expires !== -1 && { expires: new Date(expires * 1000).toISOString() }),
    domain: domain.replace(/^\./, ''),
    path,
    secure,
    httpOnly,
    ...(partitionKey !== undefined && { extensions: ['Partitioned'] }),
    hostOnly: !domain.startsWith('.'),
    creation,
    lastAccessed: creation,
    ...(sameSite !== undefined && { sameSite: sameSite.toLowerCase() }),
  }
}
