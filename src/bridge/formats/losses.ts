import { nameValueDefect, whereOf } from '../../policy/cookie-rules.ts'
import { registrableDomain } from '../../policy/public-suffix.ts'
import type { ReportItem } from '../../state/report.ts'
import type { OriginState, SessionState, StateCookie } from '../../state/state.ts'
import { cookieKey } from '../../state/state.ts'
import { isCookieField } from '../parse/parse-cookie.ts'
import { firstMilliseconds } from './expiry.ts'

/** What becomes of a cookie in a format: written, without some of its fields, or not written, and why. */
export type Fate = { readonly lost: readonly string[] } | { readonly unwritten: string }

export interface WrittenCookies {
  readonly written: readonly StateCookie[]
  readonly report: ReportItem[]
}

/**
 * Judges the cookies of a state for a format and reports what it cannot express: one item per cookie. `identity` is
 * what makes two cookies one to the format; of those a cookie without partition counts, else the last.
 */
export function judgeCookies(
  state: SessionState,
  title: string,
  judge: (cookie: StateCookie) => Fate,
  identity: (cookie: StateCookie) => string = cookieKey,
): WrittenCookies {
  const report: ReportItem[] = []
  const written: StateCookie[] = []
  const fates = state.cookies.map((cookie) => fateOf(cookie, judge))
  const chosen = chooseTwins(state.cookies, fates, identity)
  state.cookies.forEach((cookie, at) => {
    const fate = fates[at]
    if (fate === undefined) return
    const isTwin = 'lost' in fate && chosen.get(identity(cookie)) !== cookie
    const rule = isTwin ? `not written: to ${title} it is the same as another cookie` : ruleOf(fate, title)
    if (rule !== undefined) report.push(unsupported(cookie, rule))
    if ('lost' in fate && !isTwin) written.push(cookie)
  })
  return { written, report }
}

export function unsupported(cookie: StateCookie, rule: string): ReportItem {
  return { kind: 'cookie', name: cookie.name, where: whereOf(cookie), reason: 'unsupported', rule }
}

/** In words: `Netscape cookies.txt has no sameSite, priority`, or `not written: …`; `undefined` when nothing is lost. */
export function ruleOf(fate: Fate, title: string): string | undefined {
  if ('unwritten' in fate) return `not written: ${fate.unwritten}`
  return fate.lost.length === 0 ? undefined : `${title} has no ${fate.lost.join(', ')}`
}

/** What no foreign format would give back. */
function fateOf(cookie: StateCookie, judge: (cookie: StateCookie) => Fate): Fate {
  const defect = nameValueDefect(cookie.name, cookie.value)
  if (defect !== undefined) return { unwritten: defect }
  const { expires } = cookie
  if (expires !== -1 && !(expires >= 1 && expires < firstMilliseconds))
    return { unwritten: 'expires is over or not a time' }
  return judge(cookie)
}

function chooseTwins(
  cookies: readonly StateCookie[],
  fates: readonly Fate[],
  identity: (cookie: StateCookie) => string,
): ReadonlyMap<string, StateCookie> {
  const chosen = new Map<string, StateCookie>()
  cookies.forEach((cookie, at) => {
    const fate = fates[at]
    if (fate === undefined || 'unwritten' in fate) return
    const key = identity(cookie)
    const rival = chosen.get(key)
    if (rival === undefined || rival.partitionKey !== undefined || cookie.partitionKey === undefined)
      chosen.set(key, cookie)
  })
  return chosen
}

const optionalFields = ['sameSite', 'sourceScheme', 'sourcePort', 'priority'] as const

/** The optional fields that this cookie has and the format has not. */
export function lostFields(
  cookie: StateCookie,
  held: readonly (typeof optionalFields)[number][] = [],
): string[] {
  const lost: string[] = optionalFields.filter(
    (field) => cookie[field] !== undefined && !held.includes(field),
  )
  const further = Object.keys(cookie).some((field) => !isCookieField(field))
  return further ? [...lost, 'further fields'] : lost
}

/**
 * For formats without partitions: the cookie of a site's own partition is the one that goes to the site itself, and
 * stays that without the word. One of another site's partition would become a cookie that no browser would send.
 */
export function partitionFate(cookie: StateCookie): Fate {
  if (cookie.partitionKey === undefined) return { lost: [] }
  return isOwnPartition(cookie)
    ? { lost: ['partitionKey'] }
    : { unwritten: 'it belongs to the partition of another site' }
}

export function isOwnPartition(cookie: StateCookie): boolean {
  const host = cookie.domain.replace(/^\./, '')
  return (
    cookie._crHasCrossSiteAncestor === false &&
    cookie.partitionKey === `https://${registrableDomain(host) ?? host}`
  )
}

/** Name, domain and path: a cookie's identity where there are no partitions. */
export function plainKey(cookie: StateCookie): string {
  return `${cookie.name}\u0000${cookie.domain}\u0000${cookie.path}`
}

/** Adds what one judgement says to another. */
export function bothFates(first: Fate, second: Fate): Fate {
  if ('unwritten' in first) return first
  if ('unwritten' in second) return second
  return { lost: [...first.lost, ...second.lost] }
}

/** Octets that are not UTF-8 stand as lone surrogates in a state; a text file would hold question marks for them. */
export function isText(...parts: readonly string[]): boolean {
  return !/[\ud800-\udfff]/u.test(parts.join('\u0000'))
}

type Area = 'localStorage' | 'sessionStorage' | 'indexedDB'

/** One item for each storage item of areas that the format does not hold. */
export function storageLosses(
  origins: readonly OriginState[],
  title: string,
  areas: readonly Area[] = ['localStorage', 'sessionStorage', 'indexedDB'],
): ReportItem[] {
  return origins.flatMap((origin) =>
    areas.flatMap((area) =>
      (origin[area] ?? []).map(({ name }): ReportItem => ({
        kind: area,
        name,
        where: origin.origin,
        reason: 'unsupported',
        rule: `${title} has no ${area}`,
      })),
    ),
  )
}

/** Fields of an origin that only we carry along. */
export function originLosses(origins: readonly OriginState[], title: string): ReportItem[] {
  const known = new Set(['origin', 'localStorage', 'sessionStorage', 'indexedDB'])
  return origins
    .filter((origin) => Object.keys(origin).some((field) => !known.has(field)))
    .map(({ origin }) => ({
      kind: 'origin',
      name: origin,
      where: origin,
      reason: 'unsupported',
      rule: `${title} has no further fields`,
    }))
}

/** All that a format for cookies alone leaves of an origin: nothing, said item by item. */
export function withoutStorage(state: SessionState, title: string): ReportItem[] {
  return [...storageLosses(state.origins, title), ...originLosses(state.origins, title)]
}
