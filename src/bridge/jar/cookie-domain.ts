import { canonicalHost } from '../../policy/cookie-rules.ts'
import { isIpAddress, isPublicSuffix, registrableDomain } from '../../policy/public-suffix.ts'
import type { ReportItem } from '../../state/report.ts'

/**
 * The domain under which Chromium files a cookie from `host` with this Domain attribute (empty when there is none):
 * the host itself for a host-only cookie, a dot and the domain otherwise, or why it refuses.
 */
export function cookieDomain(host: string, attribute: string): string | Pick<ReportItem, 'reason' | 'rule'> {
  if (host.endsWith('..')) return { reason: 'refused', rule: 'host name ends in two dots' }
  if (attribute === '') return host
  const named = attribute.startsWith('.') ? attribute.slice(1) : attribute
  const site = registrableDomain(host)
  // IP addresses, names of one label and public suffixes have only themselves, and then it is a host-only cookie.
  if (site === undefined) {
    // An address in another spelling (127.1 for 127.0.0.1) is not itself.
    const itself = named.toLowerCase() === host || (!isIpAddress(host) && canonicalName(named) === host)
    return itself ? host : { reason: 'refused', rule: 'Domain is not this host' }
  }
  const domain = canonicalName(named)
  if (domain === undefined) return { reason: 'malformed', rule: 'Domain is not a host name' }
  if (host !== domain && !host.endsWith(`.${domain}`))
    return { reason: 'refused', rule: 'Domain does not cover this host' }
  if (domain.length >= site.length) return `.${domain}`
  return { reason: isPublicSuffix(domain) ? 'public-suffix' : 'refused', rule: 'Domain is a public suffix' }
}

function canonicalName(name: string): string | undefined {
  if (name === '' || name.startsWith('.') || name.includes(':')) return undefined
  return canonicalHost(name)
}
