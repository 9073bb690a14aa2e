import type { Cell } from '../state/cell.ts'
import type { Hop } from './hop.ts'
import { headerValue, type WireHeaders } from './wire/wire.ts'

interface Wish {
  /** Unix ms. */
  readonly until: number
  readonly subdomains: boolean
}

/** What hosts have asked for, by session: all its clients share it. As long as the process; the login browser does not tell. */
const wishes = new WeakMap<Cell, Map<string, Wish>>()

/** So many hosts are remembered; the oldest go first. */
const mostHosts = 1_000

/** Takes an answer's `Strict-Transport-Security` to heart, which only counts over TLS (RFC 6797, 8.1), and not for addresses. */
export function rememberSecureHost(cell: Cell, { protocol, hostname }: URL, headers: WireHeaders): void {
  const said = headerValue(headers, 'strict-transport-security')
  if (said === undefined || protocol !== 'https:' || isAddress(hostname)) return
  const [directives = ''] = said.toLowerCase().split(',') // of several headers the first one
  const maxAge = /(?:^|;)\s*max-age\s*=\s*"?(\d{1,15})"?\s*(?:;|$)/.exec(directives)?.[1]
  if (maxAge === undefined) return
  const hosts = wishes.get(cell) ?? new Map<string, Wish>()
  wishes.set(cell, hosts)
  hosts.delete(hostname)
  if (Number(maxAge) === 0) return
  const subdomains = /(?:^|;)\s*includesubdomains\s*(?:;|$)/.test(directives)
  hosts.set(hostname, { until: Date.now() + Number(maxAge) * 1_000, subdomains })
  for (const oldest of hosts.keys()) {
    if (hosts.size <= mostHosts) break
    hosts.delete(oldest)
  }
}

/** The same address over TLS, where its host has asked for that: a browser would send nothing there in the open. */
export function secureUrl(cell: Cell, url: URL): URL {
  if (url.protocol !== 'http:' || !isSecureHost(wishes.get(cell), url.hostname)) return url
  const secure = new URL(url)
  secure.protocol = 'https:'
  return secure
}

/** The same request over TLS. A page of that host that asks would be there, too. */
export function secureHop(cell: Cell, hop: Hop): Hop {
  const url = secureUrl(cell, hop.url)
  if (url === hop.url) return hop
  const { origin } = hop.url
  return {
    ...{ ...hop, url },
    initiator: hop.initiator === origin ? url.origin : hop.initiator,
    referrer: hop.referrer === `${origin}/` ? `${url.origin}/` : hop.referrer,
  }
}

function isSecureHost(hosts: ReadonlyMap<string, Wish> | undefined, hostname: string): boolean {
  if (hosts === undefined) return false
  const now = Date.now()
  for (let host = hostname, dot = 0; dot !== -1; host = host.slice(dot + 1)) {
    const wish = hosts.get(host)
    if (wish !== undefined && now < wish.until && (wish.subdomains || host === hostname)) return true
    dot = host.indexOf('.')
  }
  return false
}

function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^[\d.]+$/.test(hostname)
}
