import type * as Tldts from 'tldts'

let tldts: typeof Tldts | undefined

/** The public suffix list costs some milliseconds to load, so it waits until the first question about a domain. */
function list(): typeof Tldts {
  tldts ??= process.getBuiltinModule('node:module').createRequire(import.meta.url)('tldts') as typeof Tldts
  return tldts
}

const remembered = new Map<string, string | undefined>()
const rememberedAtMost = 2_000

/**
 * The registrable domain (eTLD+1) of a canonical host name, by the public suffix list with its private section, as
 * Chromium sees it: `shop.test` for `api.shop.test`. `undefined` for IP addresses, names of one label, and hosts that
 * are themselves public suffixes.
 */
export function registrableDomain(host: string): string | undefined {
  const known = remembered.get(host)
  if (known !== undefined || remembered.has(host)) return known
  const domain = isIpAddress(host)
    ? undefined
    : (list().getDomain(host, {
        allowPrivateDomains: true,
        extractHostname: false,
        validateHostname: false,
      }) ?? undefined)
  if (remembered.size >= rememberedAtMost) remembered.clear()
  remembered.set(host, domain)
  return domain
}

/** True for `com`, `co.uk`, `github.io`, and for any name of one label: nobody may set cookies for all of it. */
export function isPublicSuffix(host: string): boolean {
  return host !== '' && !isIpAddress(host) && registrableDomain(host) === undefined
}

/** Schemeful site: scheme and registrable domain (or host), without port, as Chromium writes partition keys. */
export function siteOf(url: URL): string {
  const scheme = url.protocol === 'ws:' ? 'http:' : url.protocol === 'wss:' ? 'https:' : url.protocol
  return `${scheme}//${registrableDomain(url.hostname) ?? url.hostname}`
}

/** For canonical hosts, where four dotted numbers are always an IPv4 address and brackets always an IPv6 one. */
export function isIpAddress(host: string): boolean {
  return host.startsWith('[') || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host)
}
