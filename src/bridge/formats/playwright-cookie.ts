import type { Cookie } from 'playwright'
import type { StateCookie } from '../../state/state.ts'

/**
 * A cookie in Playwright's own fields only: it refuses others. It has no word for a SameSite that was not said and
 * writes Lax, and so do we. Without the undocumented flag the cookie would land in another partition.
 */
export function playwrightCookie(cookie: StateCookie): Cookie {
  const { name, value, domain, path, expires, httpOnly, secure, partitionKey } = cookie
  return {
    name,
    value,
    domain,
    path,
    expires,
    httpOnly,
    secure,
    sameSite: cookie.sameSite ?? 'Lax',
    ...(partitionKey !== undefined && {
      partitionKey,
      _crHasCrossSiteAncestor: cookie._crHasCrossSiteAncestor ?? true,
    }),
  }
}
