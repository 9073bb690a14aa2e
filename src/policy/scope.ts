import { canonicalHost } from './cookie-rules.ts'
import { registrableDomain } from './public-suffix.ts'

/**
 * Tells whether a host belongs to one of the sites that the login touched. `scope` names hosts, domains or origins; what
 * counts is the registrable domain, so `https://www.shop.test:8443` lets in `api.shop.test` and `.shop.test`. An IP
 * address or a name of one label lets in only itself. Without a scope everything belongs.
 */
export function scopeTest(scope: readonly string[] | undefined): (host: string) => boolean {
  if (scope === undefined) return () => true
  const sites = new Set(scope.map((place) => siteOfHost(hostOf(place))))
  return (host) => sites.has(siteOfHost(host.replace(/^\./, '')))
}

function siteOfHost(host: string): string {
  return registrableDomain(host) ?? host
}

function hostOf(place: string): string {
  if (place.includes('://') && URL.canParse(place)) return new URL(place).hostname
  const host = place.replace(/^\./, '').replace(/(?<=[^:]):\d+$/, '')
  return canonicalHost(host) ?? host
}
