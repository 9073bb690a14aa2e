import type { Cookie } from 'tough-cookie'

/** The URL against which a cookie object is to be judged: its own host, whatever page the caller stands on. */
export function whereIs(cookie: Cookie): URL {
  const domain = (cookie.domain ?? '').replace(/^\./, '')
  const host = domain.includes(':') && !domain.startsWith('[') ? `[${domain}]` : domain
  return new URL(`https://${host}${cookie.path ?? '/'}`)
}
