import type { StateCookie } from '../state/state.ts'
import { isIpAddress } from './public-suffix.ts'

/**
 * What Chromium lets a cookie be, in one place for the gate and for the jar. Held against a real Chromium by
 * `test/laws/cookie-ingest.test.ts`.
 */

/** Name and value together, in bytes. */
export const maxNameValueBytes = 4096
/** Any attribute's value, in bytes; a longer attribute is ignored as if it were not there. */
export const maxAttributeBytes = 1024
/** Seconds; a later expiry is brought forward to this. */
export const maxLifetime = 400 * 24 * 60 * 60

/** Characters that no name or value may hold: controls (a tab too) and DEL. */
export function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}

/** What is wrong with a name and value, or `undefined` when Chromium would keep them. */
export function nameValueDefect(name: string, value: string): string | undefined {
  if (name === '' && value === '') return 'neither name nor value'
  if (hasControlCharacter(name) || hasControlCharacter(value)) return 'control character'
  if (/[;=]/.test(name) || value.includes(';')) return 'separator inside name or value'
  if (/^[ \t]|[ \t]$/.test(name) || /^[ \t]|[ \t]$/.test(value)) return 'space around name or value'
  if (name === '' && value.includes('=')) return 'no name, and a value that would read as name=value'
  return undefined
}

export function isTooBig(name: string, value: string): boolean {
  const units = name.length + value.length
  if (units * 3 <= maxNameValueBytes) return false // no UTF-16 unit takes more than three bytes
  return Buffer.byteLength(name) + Buffer.byteLength(value) > maxNameValueBytes
}

interface PrefixFacts {
  readonly name: string
  readonly value: string
  readonly secure: boolean
  readonly httpOnly: boolean
  /** Host-only, and set without a Domain attribute as far as that is known. */
  readonly hostOnly: boolean
  readonly path: string
}

/** Which promise of its `__Secure-`, `__Host-`, `__Http-` or `__Host-Http-` name a cookie breaks, if any. */
export function brokenPrefix(cookie: PrefixFacts): string | undefined {
  const prefix = prefixOf(cookie.name)
  if (cookie.name === '' && prefixOf(cookie.value) !== undefined)
    return 'prefix hidden in a cookie without name'
  if (prefix === undefined) return undefined
  if (!cookie.secure) return `${prefix} needs Secure`
  if (prefix.endsWith('Http-') && !cookie.httpOnly) return `${prefix} needs HttpOnly`
  if (!prefix.startsWith('__Host-')) return undefined
  if (!cookie.hostOnly) return `${prefix} forbids Domain`
  return cookie.path === '/' ? undefined : `${prefix} needs Path=/`
}

const prefixes = ['__Host-Http-', '__Host-', '__Secure-', '__Http-'] as const

function prefixOf(text: string): (typeof prefixes)[number] | undefined {
  if (!text.startsWith('__')) return undefined
  const lower = text.toLowerCase()
  return prefixes.find((prefix) => lower.startsWith(prefix.toLowerCase()))
}

/** What is wrong with a domain as stored: a canonical host, with a leading dot when subdomains are meant. */
export function domainDefect(domain: string): string | undefined {
  const host = domain.startsWith('.') ? domain.slice(1) : domain
  if (host === '') return 'no domain'
  if (canonicalHost(host) !== host) return 'not a canonical host name'
  if (domain.startsWith('.') && isIpAddress(host)) return 'domain cookie for an IP address'
  return undefined
}

export function pathDefect(path: string): string | undefined {
  if (!path.startsWith('/')) return 'path does not begin with /'
  if (path.includes(';') || hasControlCharacter(path)) return 'path holds ; or a control character'
  return undefined
}

/** The host as URLs spell it (lower case, punycode, IPv6 in brackets), or `undefined` if it is none. */
export function canonicalHost(host: string): string | undefined {
  if (/^[a-z\d](?:[a-z\d.-]*[a-z])?$/.test(host) && !host.includes('xn--')) return host
  if (/[\s%/\\?#@"<>^|]/.test(host) || host.endsWith('..')) return undefined
  const bare = host.startsWith('[') || !host.includes(':') ? host : `[${host}]`
  if (!URL.canParse(`http://${bare}`)) return undefined
  const { hostname, port } = new URL(`http://${bare}`)
  return port === '' && hostname !== '' ? hostname : undefined
}

/** Whether a cookie of this partition or place may be sent where only secure transport counts. */
export function isTrustworthy(url: URL): boolean {
  return url.protocol === 'https:' || url.protocol === 'wss:' || isLoopback(url.hostname)
}

/** Chromium takes loopback for as good as https, so Secure cookies travel there over http. */
export function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    (host.startsWith('127.') && isIpAddress(host))
  )
}

/** Domain and path of a cookie, for reports. */
export function whereOf(cookie: Pick<StateCookie, 'domain' | 'path'>): string {
  return `${cookie.domain}${cookie.path}`
}
