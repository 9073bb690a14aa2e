import { valueInPage } from '../../http/rules/page-values.ts'
import { coversPath, isKept, type HeaderRule, type KeptSource } from '../../state/header-rule.ts'
import { valueAtPath } from '../../state/record-value.ts'
import { sightingsOf, type Sighting } from './sightings.ts'
import type { ObservedRequest } from './watch-requests.ts'

/**
 * What pages have used of late for rules that are known and whose value is kept: the newest sighting, and where none was
 * sent yet, the newest answer that brings it. By the name under which it is kept.
 */
export function observedValues(
  rules: readonly HeaderRule[],
  requests: readonly ObservedRequest[],
): Map<string, string> {
  const values = new Map<string, string>()
  const wanted = rules.filter(({ source }) => isKept(source))
  if (wanted.length === 0) return values
  const sightings = sightingsOf(requests).toReversed()
  for (const rule of wanted) {
    if (!isKept(rule.source)) continue
    const sent = sightings.find((sighting) => isMadeBy(rule, sighting))
    const value = sent?.value.slice(rule.prefix.length) ?? brought(rule.source, requests)
    if (value !== undefined && value !== '') values.set(rule.source.kept, value)
  }
  return values
}

function isMadeBy(rule: HeaderRule, { in: place, header, origin, value, request }: Sighting): boolean {
  return (
    rule.in === place &&
    rule.header.toLowerCase() === header.toLowerCase() &&
    rule.origins.includes(origin) &&
    coversPath(rule.paths, new URL(request.url).pathname) &&
    value.startsWith(rule.prefix)
  )
}

function brought(source: KeptSource, requests: readonly ObservedRequest[]): string | undefined {
  if (source.from === 'observed') return undefined
  const { origin, pathname } = new URL(source.url)
  const isHere = ({ url, method }: ObservedRequest): boolean => {
    const place = URL.canParse(url) ? new URL(url) : undefined
    const isMethod = method === (source.from === 'page' ? 'GET' : source.method)
    return isMethod && place?.origin === origin && place.pathname === pathname
  }
  for (const request of requests.toReversed()) {
    if (!isHere(request) || request.answer === undefined) continue
    const { text = '', headers } = request.answer
    const value =
      source.from === 'page'
        ? valueInPage(text, source.at)
        : 'header' in source.at
          ? headerIn(headers, source.at.header)
          : jsonIn(text, source.at.json)
    if (value !== undefined) return value
  }
  return undefined
}

function headerIn(headers: readonly (readonly [string, string])[], wanted: string): string | undefined {
  return headers.find(([name]) => name.toLowerCase() === wanted.toLowerCase())?.[1]
}

function jsonIn(text: string, path: readonly string[]): string | undefined {
  try {
    const value = valueAtPath(JSON.parse(text), path)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
