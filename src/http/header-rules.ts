import type { Cell } from '../state/cell.ts'
import type { HeaderRule, RuleSource } from '../state/identity.ts'
import type { StateCookie, StorageItem } from '../state/state.ts'
import { isSafeMethod } from './hop.ts'

/** A header made by a rule, from the state as it is now. */
export interface RuleHeader {
  readonly name: string
  readonly value: string
  /** Origin of the page that sent it when it was learned, where the rule tells. */
  readonly page: string | undefined
}

/**
 * The learned headers of a request. Values are read from the cell at this moment, so that a rotated token follows; a
 * rule whose source is gone, or no longer fits into a header, sends nothing.
 */
export function ruleHeaders(
  rules: readonly HeaderRule[],
  cell: Cell,
  method: string,
  url: URL,
): readonly RuleHeader[] {
  const headers: RuleHeader[] = []
  for (const rule of rules) {
    if (rule.methods === 'unsafe' && isSafeMethod(method)) continue
    if (!rule.origins.includes(url.origin)) continue
    const source = readSource(rule.source, cell, url)
    if (source === undefined) continue
    const value = rule.prefix + (rule.encoding === 'decoded' ? percentDecoded(source) : source)
    if (!isHeaderValue(value)) continue
    headers.push({ name: rule.header, value, page: pageOf(rule.source) })
  }
  return headers
}

function pageOf(source: RuleSource): string | undefined {
  return source.from === 'cookie' ? undefined : source.origin
}

function readSource(source: RuleSource, cell: Cell, url: URL): string | undefined {
  if (source.from === 'cookie') return newestCookie(source, cell, url)?.value
  const items = cell.origin(source.origin)?.[source.from]
  const item = items?.find((candidate) => candidate.name === source.key)
  return item === undefined ? undefined : valueAt(item, source.path)
}

/** Nearest first: a cookie that the target itself gets, else any of that name, the youngest of several. */
function newestCookie(
  source: RuleSource & { readonly from: 'cookie' },
  cell: Cell,
  url: URL,
): StateCookie | undefined {
  const now = Date.now() / 1000
  const fits = (cookie: StateCookie): boolean =>
    cookie.name === source.name &&
    (source.domain === undefined || cookie.domain === source.domain) &&
    (cookie.expires === -1 || cookie.expires > now)
  const near = [...cell.cookiesFor(url.hostname)].filter(fits)
  return near.at(-1) ?? cell.state.cookies.filter(fits).at(-1)
}

/** Parsed once per item: items are never mutated, a change makes a new one. */
const parsed = new WeakMap<StorageItem, unknown>()

function valueAt(item: StorageItem, path: readonly string[]): string | undefined {
  if (path.length === 0) return item.value
  let value = parsed.get(item)
  if (value === undefined) {
    value = parseJson(item.value)
    parsed.set(item, value)
  }
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? value : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null // the app has written something else there since the rule was learned
  }
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // as pages do: a value that is not encoded is sent as it is
  }
}

/** What may stand in a header: no control characters, nothing beyond Latin-1 (RFC 9110, 5.5). */
export function isHeaderValue(value: string): boolean {
  return /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value)
}

/** A header name is a token (RFC 9110, 5.6.2). */
export function isHeaderName(name: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)
}
