import { registrableDomain } from './public-suffix.ts'

/**
 * Scope is by site: an entry (host, origin or URL) admits its whole registrable domain, because logins set cookies on
 * `www.` and use them on `api.`; an IP address or a name of one label admits itself.
 */
export function isHostInScope(cookieDomain: string, scope: readonly string[]): boolean {
  const site = siteOfHost(cookieDomain.replace(/^\./, ''))
  return scope.some((entry) => siteOfEntry(entry) === site)
}

export function isOriginInScope(origin: string, scope: readonly string[]): boolean {
  const site = siteOfEntry(origin)
  return scope.some((entry) => siteOfEntry(entry) === site)
}

function siteOfEntry(entry: string): string {
  return siteOfHost(
    entry.includes('://') && URL.canParse(entry) ? new URL(entry).hostname : entry.replace(/^\./, ''),
  )
}

function siteOfHost(host: string): string {
  return registrableDomain(host) ?? host
}
