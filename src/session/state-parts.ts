import type { ReportKind } from '../state/report.ts'
import { cookieKey, type OriginState, type SessionState } from '../state/state.ts'

/** One cookie, storage item or database of a state. */
export interface StatePart {
  readonly kind: ReportKind
  readonly name: string
  /** Domain and path of a cookie, origin of the others. */
  readonly where: string
  /** Tells it from all others of the state, whatever its value. */
  readonly key: string
}

/** What a state consists of, in its order. */
export function listParts(state: SessionState): StatePart[] {
  const cookies = state.cookies.map((cookie): StatePart => ({
    kind: 'cookie',
    name: cookie.name,
    where: cookie.domain + cookie.path,
    key: `cookie\u0000${cookieKey(cookie)}`,
  }))
  const stored = state.origins.flatMap(({ origin, localStorage, sessionStorage = [], indexedDB = [] }) => [
    ...localStorage.map(({ name }) => inOrigin('localStorage', origin, name)),
    ...sessionStorage.map(({ name }) => inOrigin('sessionStorage', origin, name)),
    ...indexedDB.map(({ name }) => inOrigin('indexedDB', origin, name)),
  ])
  return [...cookies, ...stored]
}

/** The state with these parts only; an origin that has none of them is gone. */
export function only(state: SessionState, parts: readonly StatePart[]): SessionState {
  const keys = new Set(parts.map(({ key }) => key))
  return {
    cookies: state.cookies.filter((cookie) => keys.has(`cookie\u0000${cookieKey(cookie)}`)),
    origins: state.origins.flatMap((origin) => onlyIn(origin, keys)),
  }
}

function onlyIn(origin: OriginState, keys: ReadonlySet<string>): OriginState[] {
  const { localStorage, sessionStorage, indexedDB, ...rest } = origin
  const stays =
    (kind: ReportKind) =>
    ({ name }: { readonly name: string }): boolean =>
      keys.has(inOrigin(kind, origin.origin, name).key)
  const local = localStorage.filter(stays('localStorage'))
  const session = (sessionStorage ?? []).filter(stays('sessionStorage'))
  const databases = (indexedDB ?? []).filter(stays('indexedDB'))
  if (local.length + session.length + databases.length === 0) return []
  return [
    {
      ...rest,
      localStorage: local,
      ...(session.length > 0 && { sessionStorage: session }),
      ...(databases.length > 0 && { indexedDB: databases }),
    },
  ]
}

function inOrigin(kind: ReportKind, origin: string, name: string): StatePart {
  return { kind, name, where: origin, key: `${kind}\u0000${origin}\u0000${name}` }
}
