import type { HeaderRule } from '../state/identity.ts'
import type { SessionState, StateCookie } from '../state/state.ts'

export interface Forecast {
  /** Unix milliseconds, or `undefined` when nothing that carries the session says when it ends. */
  readonly diesAt: number | undefined
  /** What ends first, in words, without values. */
  readonly because: string
}

/**
 * When the session will die at the latest, as far as it can be read off the state: the first expiry among what carries
 * it. Carriers are httpOnly cookies and the sources of header rules; a JWT's `exp` is read without verifying it (it is
 * the site's own word). A server may end a session earlier without telling anybody.
 */
export function forecast(
  state: SessionState,
  options: { now?: number; headerRules?: readonly HeaderRule[] } = {},
): Forecast {
  const { now = Date.now(), headerRules = [] } = options
  const ends = [...cookieEnds(state, headerRules), ...storageEnds(state, headerRules)].filter(
    (end) => end.at > now,
  )
  const [first] = ends.sort((a, b) => a.at - b.at)
  if (first !== undefined) return { diesAt: first.at, because: first.because }
  return { diesAt: undefined, because: 'nothing that carries the session has an expiry' }
}

interface End {
  readonly at: number
  readonly because: string
}

function cookieEnds(state: SessionState, rules: readonly HeaderRule[]): End[] {
  const sources = new Set(rules.map(({ source }) => (source.from === 'cookie' ? source.name : undefined)))
  return state.cookies
    .filter((cookie) => cookie.httpOnly || sources.has(cookie.name))
    .flatMap((cookie) => earliest(cookieExpiry(cookie), jwtExpiry(cookie.name, cookie.value)))
}

function cookieExpiry(cookie: StateCookie): End | undefined {
  return cookie.expires === -1
    ? undefined
    : { at: cookie.expires * 1000, because: `cookie ${cookie.name} expires` }
}

function storageEnds(state: SessionState, rules: readonly HeaderRule[]): End[] {
  return rules.flatMap(({ source }) => {
    if (source.from === 'cookie') return []
    const origin = state.origins.find((candidate) => candidate.origin === source.origin)
    const item = origin?.[source.from]?.find((candidate) => candidate.name === source.key)
    if (item === undefined) return []
    return earliest(jwtExpiry([source.key, ...source.path].join('.'), item.value))
  })
}

function earliest(...ends: (End | undefined)[]): End[] {
  return ends.filter((end) => end !== undefined)
}

const jwt = /eyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]*/

function jwtExpiry(where: string, text: string): End | undefined {
  const payload = jwt.exec(text)?.[1]
  if (payload === undefined) return undefined
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { exp?: unknown } | null
    if (typeof claims?.exp !== 'number' || !Number.isFinite(claims.exp)) return undefined
    return { at: claims.exp * 1000, because: `token in ${where} expires` }
  } catch {
    return undefined // looks like a JWT and is none
  }
}
