import type { RuleSource } from '../state/identity.ts'
import { sourceKey } from './state-values.ts'
import type { ObservedRequest } from './watch-requests.ts'

/** One time that a page sent a header of its own. */
export interface Sighting {
  readonly header: string
  readonly value: string
  readonly origin: string
  readonly request: ObservedRequest
}

/** One way to make a header, and the sightings that it explains. */
export interface Making {
  readonly source: RuleSource
  readonly prefix: string
  readonly encoding: 'decoded' | undefined
  readonly explains: Sighting[]
}

const kinds: readonly RuleSource['from'][] = ['cookie', 'localStorage', 'sessionStorage']

/** Best first; the order is stated at `learnHeaderRules`. */
export function byPreference(a: Making, b: Making): number {
  return (
    b.explains.length - a.explains.length ||
    Number(isAtHome(b)) - Number(isAtHome(a)) ||
    Number(isNamedAlike(b)) - Number(isNamedAlike(a)) ||
    kinds.indexOf(a.source.from) - kinds.indexOf(b.source.from) ||
    pathLength(a.source) - pathLength(b.source) ||
    Number(a.encoding === 'decoded') - Number(b.encoding === 'decoded') ||
    a.prefix.length - b.prefix.length ||
    (sourceKey(a.source) < sourceKey(b.source) ? -1 : 1)
  )
}

function isAtHome({ source, explains }: Making): boolean {
  const origin = explains.at(-1)?.request.pageOrigin
  if (origin === undefined || !URL.canParse(origin)) return false
  if (source.from === 'cookie') return isFor(source.domain ?? '', new URL(origin).hostname)
  return source.origin === origin
}

function isNamedAlike({ source, explains }: Making): boolean {
  return explains[0] !== undefined && resembles(explains[0].header, source)
}

function pathLength(source: RuleSource): number {
  return source.from === 'cookie' ? 0 : source.path.length
}

/** True when a cookie of that domain (leading dot: subdomains too) goes to the host. */
export function isFor(domain: string, host: string): boolean {
  return domain.startsWith('.') ? host === domain.slice(1) || host.endsWith(domain) : host === domain
}

/** True when the item is named like the header. */
export function resembles(header: string, source: RuleSource): boolean {
  const wanted = plain(header)
  const names = source.from === 'cookie' ? [source.name] : [source.key, ...source.path]
  return names.map(plain).some((name) => name.length >= 3 && (wanted.includes(name) || name.includes(wanted)))
}

/** `X-CSRF-Token`, `csrf_token` and `csrfToken` are the same word; XSRF is CSRF. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/^x-/, '')
    .replace(/[^a-z0-9]/g, '')
    .replaceAll('xsrf', 'csrf')
}
