import { keptOrigin } from '../state/kept-values.ts'
import type { Report, ReportItem } from '../state/report.ts'
import type { OriginState, SessionState, StateCookie, StorageItem } from '../state/state.ts'
import { cookieKey } from '../state/state.ts'
import { cookieDefect } from './cookie-defect.ts'
import { whereOf } from './cookie-rules.ts'
import { namePatterns } from './name-patterns.ts'
import { scopeRule } from './scope.ts'
import { findTracker } from './trackers.ts'

export interface GatePolicy {
  /** Hosts, domains or origins that the login touched; default: everything is in scope. */
  readonly scope?: readonly string[]
  /** Default `drop`. */
  readonly trackers?: 'drop' | 'keep'
  /** Names of cookies and storage items that are never cut as trackers or out of scope; `*` for any rest. */
  readonly protect?: readonly string[]
}

/**
 * The one way into the system: every cookie and storage item is kept, as the same object, or is in `dropped` with its
 * reason. Sanitizing what was sanitized changes nothing; when there is nothing to drop, the same state comes back.
 * `now` is Unix milliseconds, default the clock.
 */
export function sanitize(
  state: SessionState,
  policy: GatePolicy = {},
  options: { readonly now?: number } = {},
): { state: SessionState; dropped: Report } {
  const rules = rulesOf(policy, options.now ?? Date.now())
  const dropped: ReportItem[] = []
  const cuts = state.cookies.map((cookie) => rules.cookie(cookie))
  const last = new Map<string, number>()
  state.cookies.forEach((cookie, at) => {
    if (cuts[at] === undefined) last.set(cookieKey(cookie), at)
  })
  const cookies = state.cookies.filter((cookie, at) => {
    const cut = cuts[at] ?? (last.get(cookieKey(cookie)) === at ? undefined : duplicate)
    if (cut !== undefined) dropped.push({ kind: 'cookie', name: cookie.name, where: whereOf(cookie), ...cut })
    return cut === undefined
  })
  const origins = state.origins.flatMap((origin) => {
    const cut = rules.origin(origin.origin)
    if (cut === undefined) return [keptStorage(origin, rules, dropped)]
    dropped.push({ kind: 'origin', name: origin.origin, where: origin.origin, ...cut })
    return []
  })
  return dropped.length === 0 ? { state, dropped } : { state: { cookies, origins }, dropped }
}

type Cut = Pick<ReportItem, 'reason' | 'rule'>

const duplicate: Cut = {
  reason: 'duplicate',
  rule: 'a later one has the same name, domain, path and partition',
}

interface Rules {
  cookie(cookie: StateCookie): Cut | undefined
  origin(origin: string): Cut | undefined
  item(name: string): Cut | undefined
}

function rulesOf(policy: GatePolicy, now: number): Rules {
  const outOfScope = scopeRule(policy.scope)
  const isProtected = namePatterns(policy.protect ?? [])
  const trackerCut = (name: string): Cut | undefined => {
    if (policy.trackers === 'keep' || isProtected(name)) return undefined
    const match = findTracker(name)
    return (
      match && {
        reason: 'tracker',
        rule: `${match.vendor}: ${match.pattern} in the list of ${match.list} names`,
      }
    )
  }
  const scopeCut = (host: string): Cut | undefined => {
    const rule = outOfScope(host)
    return rule === undefined ? undefined : { reason: 'out-of-scope', rule }
  }
  return {
    cookie: (cookie) =>
      cookieDefect(cookie, now) ??
      trackerCut(cookie.name) ??
      (isProtected(cookie.name) ? undefined : scopeCut(cookie.domain)),
    origin: (origin) =>
      origin === keptOrigin
        ? undefined
        : isWebOrigin(origin)
          ? scopeCut(new URL(origin).hostname)
          : { reason: 'malformed', rule: 'not the origin of a web page' },
    item: trackerCut,
  }
}

function keptStorage(origin: OriginState, rules: Rules, dropped: ReportItem[]): OriginState {
  const before = dropped.length
  const kept = (kind: 'localStorage' | 'sessionStorage', items: readonly StorageItem[]): StorageItem[] =>
    items.filter((item) => {
      const cut = rules.item(item.name)
      if (cut !== undefined) dropped.push({ kind, name: item.name, where: origin.origin, ...cut })
      return cut === undefined
    })
  const local = kept('localStorage', origin.localStorage)
  const session = origin.sessionStorage && kept('sessionStorage', origin.sessionStorage)
  if (dropped.length === before) return origin
  return { ...origin, localStorage: local, ...(session !== undefined && { sessionStorage: session }) }
}

function isWebOrigin(origin: string): boolean {
  if (!/^https?:\/\//.test(origin) || !URL.canParse(origin)) return false
  return new URL(origin).origin === origin
}
