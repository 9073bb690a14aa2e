import type { Report, ReportItem } from '../state/report.ts'
import type { OriginState, SessionState, StateCookie, StorageItem } from '../state/state.ts'
import { cookieKey } from '../state/state.ts'
import { cookieDefect } from './cookie-defect.ts'
import { isHostInScope, isOriginInScope } from './scope.ts'
import { isProtected, trackerOf } from './trackers.ts'

export interface GatePolicy {
  /** Hosts, origins or sites that the login touched; what belongs to none of them is cut. Absent: everything is in scope. */
  readonly scope?: readonly string[]
  /** Default `drop`. */
  readonly trackers?: 'drop' | 'keep'
  /** Cookie names and storage keys that are never cut as trackers; `*` at the end matches any rest. */
  readonly protect?: readonly string[]
}

/**
 * The one way into the system: every cookie and storage item is kept, or stands in `dropped` with a reason. Gating a
 * gated state changes nothing; kept items are the same objects; `now` is Unix milliseconds (default: the clock).
 */
export function sanitize(
  state: SessionState,
  policy: GatePolicy,
  options: { now?: number } = {},
): { state: SessionState; dropped: Report } {
  const { now = Date.now() } = options
  const dropped: ReportItem[] = []
  const cookies = withoutDuplicates(state.cookies, dropped).filter((cookie) => {
    const cut = cookieCut(cookie, policy, now)
    if (cut !== undefined) dropped.push({ kind: 'cookie', name: cookie.name, where: whereOf(cookie), ...cut })
    return cut === undefined
  })
  const origins = state.origins.flatMap((origin) => gateOrigin(origin, policy, dropped) ?? [])
  if (dropped.length === 0) return { state, dropped }
  return { state: { cookies, origins }, dropped }
}

type Cut = Pick<ReportItem, 'reason' | 'rule'>

function cookieCut(cookie: StateCookie, policy: GatePolicy, now: number): Cut | undefined {
  const defect = cookieDefect(cookie, now)
  if (defect !== undefined) return defect
  if (isProtected(cookie.name, policy.protect)) return undefined
  if (policy.scope !== undefined && !isHostInScope(cookie.domain, policy.scope))
    return { reason: 'out-of-scope' }
  return trackerCut(cookie.name, policy)
}

function trackerCut(name: string, policy: GatePolicy): Cut | undefined {
  if (policy.trackers === 'keep' || isProtected(name, policy.protect)) return undefined
  const vendor = trackerOf(name)
  return vendor === undefined ? undefined : { reason: 'tracker', rule: vendor }
}

function gateOrigin(origin: OriginState, policy: GatePolicy, dropped: ReportItem[]): OriginState | undefined {
  if (!isWebOrigin(origin.origin)) {
    dropped.push({ kind: 'origin', name: origin.origin, where: origin.origin, reason: 'malformed' })
    return undefined
  }
  if (policy.scope !== undefined && !isOriginInScope(origin.origin, policy.scope)) {
    dropped.push({ kind: 'origin', name: origin.origin, where: origin.origin, reason: 'out-of-scope' })
    return undefined
  }
  const keep = (kind: 'localStorage' | 'sessionStorage') => (item: StorageItem) => {
    const cut = trackerCut(item.name, policy)
    if (cut !== undefined) dropped.push({ kind, name: item.name, where: origin.origin, ...cut })
    return cut === undefined
  }
  const before = dropped.length
  const localStorage = origin.localStorage.filter(keep('localStorage'))
  const sessionStorage = origin.sessionStorage?.filter(keep('sessionStorage'))
  if (dropped.length === before) return origin
  return { ...origin, localStorage, ...(sessionStorage !== undefined && { sessionStorage }) }
}

/** Of cookies with the same identity the last counts, as it would when they are set one after the other. */
function withoutDuplicates(cookies: readonly StateCookie[], dropped: ReportItem[]): readonly StateCookie[] {
  const last = new Map(cookies.map((cookie) => [cookieKey(cookie), cookie]))
  if (last.size === cookies.length) return cookies
  return cookies.filter((cookie) => {
    if (last.get(cookieKey(cookie)) === cookie) return true
    dropped.push({ kind: 'cookie', name: cookie.name, where: whereOf(cookie), reason: 'duplicate' })
    return false
  })
}

function whereOf(cookie: StateCookie): string {
  return cookie.domain + cookie.path
}

function isWebOrigin(origin: string): boolean {
  if (!URL.canParse(origin)) return false
  const url = new URL(origin)
  return (url.protocol === 'https:' || url.protocol === 'http:') && url.origin === origin
}
