import { canonicalHost } from './cookie-rules.ts'
import { registrableDomain } from './public-suffix.ts'

/**
 * Why a host does not belong to one of the sites that the login touched; `undefined` when it does. `scope` names hosts,
 * domains or origins; what counts is the registrable domain, so `https://www.shop.test:8443` lets in `api.shop.test` and
 * `.shop.test`. An IP address or a name of one label lets in only itself. Without a scope everything belongs.
 */
export function scopeRule(scope: readonly string[] | undefined): (host: string) => string | undefined {
  if (scope === undefined) return () => undefined
  const sites = new Set(scope.map((place) => siteOfHost(hostOf(place))))
  const first = [...sites].slice(0, 3).join(', ')
  const touched = sites.size > 3 ? `${first} and ${String(sites.size - 3)} more` : first || 'no site at all'
  return (host) => {
    const site = siteOfHost(host.replace(/^\./, ''))
    return sites.has(site) ? undefined : `no page of the login stood on ${site}, only on ${touched}`
  }
}

function siteOfHost(host: string): string {
  return registrableDomain(host) ?? host
}

function hostOf(place: string): string {
  if (place.includes('://') && URL.canParse(place)) return new URL(place).hostname
  const host = place.replace(/^\./, '').replace(/(?<=[^:]):\d+$/, '')
  return canonicalHost(host) ?? host
}
