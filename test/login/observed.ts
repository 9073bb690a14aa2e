import type { HeaderRule } from '../../src/state/header-rule.ts'
import type { ObservedRequest } from '../../src/login/learn/watch-requests.ts'
import type { SessionState, StateCookie } from '../../src/state/state.ts'

let sequence = 0

/** A request as the watch would have recorded it. */
export function seen(
  method: string,
  url: string,
  headers: Record<string, string> = {},
  facts: Partial<ObservedRequest> = {},
): ObservedRequest {
  sequence += 1
  return {
    sequence,
    at: sequence,
    method,
    url,
    resourceType: 'fetch',
    pageOrigin: 'https://shop.test',
    topLevel: false,
    crossedOrigins: false,
    headers: Object.entries(headers),
    status: 200,
    contentType: 'application/json',
    ...facts,
  }
}

export function cookie(name: string, value: string, facts: Partial<StateCookie> = {}): StateCookie {
  return { name, value, domain: 'shop.test', path: '/', expires: -1, httpOnly: false, secure: true, ...facts }
}

export function stateOf(
  cookies: readonly StateCookie[],
  stores: Record<string, { local?: Record<string, string>; session?: Record<string, string> }> = {},
): SessionState {
  const items = (record: Record<string, string> = {}): { name: string; value: string }[] =>
    Object.entries(record).map(([name, value]) => ({ name, value }))
  return {
    cookies,
    origins: Object.entries(stores).map(([origin, { local, session }]) => ({
      origin,
      localStorage: items(local),
      ...(session !== undefined && { sessionStorage: items(session) }),
    })),
  }
}

/** Of the kind that a rule is made from most often. */
export const cookieRule: HeaderRule = {
  header: 'X-CSRF-Token',
  origins: ['https://shop.test'],
  methods: 'unsafe',
  prefix: '',
  source: { from: 'cookie', name: 'csrf' },
}
