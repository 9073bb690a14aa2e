import type { Cookie, SerializedCookie } from 'tough-cookie'
import { canonicalHost } from '../../policy/cookie-rules.ts'
import { isIpAddress, registrableDomain } from '../../policy/public-suffix.ts'
import type { Report } from '../../state/report.ts'
import type { SameSite, StateCookie } from '../../state/state.ts'
import { bytesOfText, textOfBytes } from './byte-text.ts'
import type { ToughCookie } from './tough-cookie.ts'

/** A cookie of ours as tough-cookie's object; `order` grows with the order of creation. */
export function cookieObjectOf(tough: ToughCookie, cookie: StateCookie, order: number): Cookie {
  const extensions = [
    ...(cookie.partitionKey === undefined ? [] : ['Partitioned']),
    ...(cookie.priority === 'Low' || cookie.priority === 'High' ? [`Priority=${cookie.priority}`] : []),
  ]
  const made = new tough.Cookie({
    key: bytesOfText(cookie.name),
    value: bytesOfText(cookie.value),
    domain: cookie.domain.replace(/^\./, ''),
    hostOnly: !cookie.domain.startsWith('.'),
    path: cookie.path,
    expires: cookie.expires === -1 ? 'Infinity' : new Date(cookie.expires * 1000),
    secure: cookie.secure,
    httpOnly: cookie.httpOnly,
    extensions: extensions.length === 0 ? null : extensions,
    creation: new Date(0),
    ...(cookie.sameSite !== undefined && { sameSite: cookie.sameSite.toLowerCase() }),
  })
  made.creationIndex = order
  return made
}

/**
 * A cookie of any tough-cookie jar, from its serialised form, as one of ours. `cookie` is `undefined` only when the
 * jar holds something without name and value or without a domain.
 */
export function stateCookieOf(serialized: SerializedCookie): {
  cookie: StateCookie | undefined
  losses: Report
} {
  const name = textOfBytes(text(serialized.key))
  const host = canonicalHost(text(serialized.domain).replace(/^\./, ''))
  const path = text(serialized.path) || '/'
  const where = `${text(serialized.domain)}${path}`
  if (host === undefined)
    return {
      cookie: undefined,
      losses: [{ kind: 'cookie', name, where, reason: 'malformed', rule: 'domain' }],
    }
  const sameSite = sameSites[text(serialized.sameSite).toLowerCase()]
  const extensions = Array.isArray(serialized.extensions) ? serialized.extensions.map(String) : []
  const partitioned = extensions.some((extension) => extension.toLowerCase() === 'partitioned')
  const hostOnly = serialized.hostOnly === true || isIpAddress(host)
  const cookie: StateCookie = {
    name,
    value: textOfBytes(text(serialized.value)),
    domain: hostOnly ? host : `.${host}`,
    path,
    expires: expiryOf(serialized),
    httpOnly: serialized.httpOnly === true,
    secure: serialized.secure === true,
    ...(sameSite !== undefined && { sameSite }),
    // tough-cookie does not say for which site; a plain HTTP client is its own top-level site.
    ...(partitioned && {
      partitionKey: `https://${registrableDomain(host) ?? host}`,
      _crHasCrossSiteAncestor: false,
    }),
  }
  const rule = 'the jar does not say for which site a partitioned cookie is; taken for its own'
  return { cookie, losses: partitioned ? [{ kind: 'cookie', name, where, reason: 'unsupported', rule }] : [] }
}

const sameSites: Readonly<Record<string, SameSite>> = Object.assign(
  Object.create(null) as object,
  {
    strict: 'Strict',
    lax: 'Lax',
    none: 'None',
  } as const,
)

/** Max-Age, counted from creation, goes before Expires. */
function expiryOf(serialized: SerializedCookie): number {
  const { maxAge, creation, expires } = serialized
  if (maxAge === '-Infinity') return 0
  if (typeof maxAge === 'number') {
    const created = Date.parse(text(creation))
    return Number.isNaN(created) ? -1 : Math.max(created / 1000 + maxAge, 0)
  }
  const ends = Date.parse(text(expires))
  return Number.isNaN(ends) ? -1 : Math.max(ends / 1000, 0)
}

function text(field: unknown): string {
  return typeof field === 'string' ? field : ''
}
