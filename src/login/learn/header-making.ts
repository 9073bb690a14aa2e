import { type RuleSource, sourceOrigin } from '../../state/header-rule.ts'
import { sourceKey } from './state-values.ts'
import type { Sighting } from './sightings.ts'

/** One way to make a header, and the sightings that it explains. */
export interface Making {
  readonly source: RuleSource
  readonly prefix: string
  readonly encoding: 'decoded' | undefined
  readonly explains: Sighting[]
}

/** Best first. */
export const sourceKinds: readonly RuleSource['from'][] = [
  'cookie',
  'localStorage',
  'sessionStorage',
  'indexedDB',
  'answer',
  'page',
  'observed',
]

/** Best first; the order is stated at `learnHeaderRules`. */
export function byPreference(a: Making, b: Making): number {
  return (
    b.explains.length - a.explains.length ||
    Number(isAtHome(b)) - Number(isAtHome(a)) ||
    Number(isNamedAlike(b)) - Number(isNamedAlike(a)) ||
    sourceKinds.indexOf(a.source.from) - sourceKinds.indexOf(b.source.from) ||
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
  return sourceOrigin(source) === origin
}

function isNamedAlike({ source, explains }: Making): boolean {
  return explains[0] !== undefined && resembles(explains[0].header, source)
}

function pathLength(source: RuleSource): number {
  return pathOf(source).length
}

/** The way inside an item, from the outside in. */
function pathOf(source: RuleSource): readonly string[] {
  if ('path' in source) return source.path
  return source.from === 'answer' && 'json' in source.at ? source.at.json : []
}

/** True when a cookie of that domain (leading dot: subdomains too) goes to the host. */
export function isFor(domain: string, host: string): boolean {
  return domain.startsWith('.') ? host === domain.slice(1) || host.endsWith(domain) : host === domain
}

/** True when the item is named like the header. */
export function resembles(header: string, source: RuleSource): boolean {
  const wanted = plain(header)
  return namesOf(source)
    .map(plain)
    .some((name) => name.length >= 3 && (wanted.includes(name) || name.includes(wanted)))
}

function namesOf(source: RuleSource): readonly string[] {
  switch (source.from) {
    case 'cookie':
      return [source.name]
    case 'localStorage':
    case 'sessionStorage':
      return [source.key, ...source.path]
    case 'indexedDB':
      return [source.store, source.key ?? '', ...source.path]
    case 'answer':
      return 'json' in source.at ? source.at.json : [source.at.header]
    case 'page':
      return [source.at.name]
    case 'observed':
      return []
  }
}

/** `X-CSRF-Token`, `csrf_token` and `csrfToken` are the same word; XSRF is CSRF. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/^x-/, '')
    .replace(/[^a-z0-9]/g, '')
    .replaceAll('xsrf', 'csrf')
}
