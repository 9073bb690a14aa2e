import { isKept, type HeaderRule } from '../state/header-rule.ts'
import { keptOrigin } from '../state/kept-values.ts'
import type { SessionState, StateCookie } from '../state/state.ts'
import { jwtExpiry } from './jwt-expiry.ts'
import { trackerVendor } from './trackers.ts'

export interface Forecast {
  /** Unix milliseconds; `undefined` when nothing says when it ends. In the past: it is over already. */
  readonly diesAt: number | undefined
  /** In words, without values: what ends first and how that is known. */
  readonly because: string
}

/**
 * When the session dies by what it says itself: the first to end among what carries it. Cookies and storage items behind
 * header rules carry it, and so do cookies that look like a login's; only when there are none, all that are not known
 * trackers count. A cookie ends at its expiry or at the expiry of a token inside it, whichever comes first. The server
 * may end it sooner, or renew it.
 */
export function forecast(
  state: SessionState,
  options: { readonly now?: number; readonly headerRules?: readonly HeaderRule[] } = {},
): Forecast {
  const rules = options.headerRules ?? []
  const now = options.now ?? Date.now()
  const ends = [
    ...rules.flatMap((rule) => ruleEnds(rule, state)),
    ...carryingCookies(state, rules).flatMap(cookieEnds),
  ]
  let first: Forecast | undefined
  for (const end of ends) {
    if (end.diesAt !== undefined && (first?.diesAt === undefined || end.diesAt < first.diesAt)) first = end
  }
  if (first === undefined)
    return { diesAt: undefined, because: 'nothing that carries the session says when it ends' }
  const over = (first.diesAt ?? 0) <= now
  return { ...first, because: `${first.because} ${over ? 'has ended' : 'ends first'}` }
}

function ruleEnds(rule: HeaderRule, state: SessionState): Forecast[] {
  const { source } = rule
  if (source.from === 'cookie')
    return state.cookies
      .filter(({ name, domain }) => name === source.name && (source.domain ?? domain) === domain)
      .flatMap(cookieEnds)
  if (source.from === 'indexedDB') return []
  const itemOf = (origin: string, area: 'localStorage' | 'sessionStorage', key: string): string | undefined =>
    state.origins.find((candidate) => candidate.origin === origin)?.[area]?.find(({ name }) => name === key)
      ?.value
  const value = isKept(source)
    ? itemOf(keptOrigin, 'localStorage', source.kept)
    : itemOf(source.origin, source.from, source.key)
  const diesAt = value === undefined ? undefined : jwtExpiry(value)
  const place = isKept(source)
    ? 'the token'
    : `the token in ${source.from} item ${source.key} of ${source.origin},`
  const because = `${place} behind header ${rule.header},`
  return diesAt === undefined ? [] : [{ diesAt, because }]
}

function carryingCookies(state: SessionState, rules: readonly HeaderRule[]): readonly StateCookie[] {
  const carriers = state.cookies.filter(looksLikeLogin)
  if (carriers.length > 0 || rules.length > 0) return carriers
  return state.cookies.filter((cookie) => trackerVendor(cookie.name) === undefined)
}

/**
 * Scripts have no business with what proves who one is: such cookies are HttpOnly, and long enough not to be guessed, or
 * named like what they are. A preference or a CSRF cookie is neither.
 */
function looksLikeLogin(cookie: StateCookie): boolean {
  if (trackerVendor(cookie.name) !== undefined || /csrf|xsrf/i.test(cookie.name)) return false
  const named = /sess|auth|token|login|jwt|sso|^s?id$|sid$|remember|identity/i.test(cookie.name)
  return jwtExpiry(cookie.value) !== undefined || (cookie.value.length >= 8 && (cookie.httpOnly || named))
}

function cookieEnds(cookie: StateCookie): Forecast[] {
  const place = `cookie ${cookie.name === '' ? '(without name)' : cookie.name} of ${cookie.domain}`
  const token = jwtExpiry(cookie.value)
  return [
    ...(cookie.expires === -1 ? [] : [{ diesAt: cookie.expires * 1000, because: place }]),
    ...(token === undefined ? [] : [{ diesAt: token, because: `the token in ${place}` }]),
  ]
}
