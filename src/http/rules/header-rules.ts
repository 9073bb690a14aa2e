import type { Cell } from '../../state/cell.ts'
import {
  coversPath,
  isKept,
  isOfScripts,
  sourceOrigin,
  type CookieSource,
  type DatabaseSource,
  type HeaderRule,
  type RuleSource,
  type StorageSource,
} from '../../state/header-rule.ts'
import { keptValue } from '../../state/kept-values.ts'
import { recordKey, recordValue, valueAtPath } from '../../state/record-value.ts'
import type { StateCookie, StorageItem } from '../../state/state.ts'
import { isSafeMethod } from '../hop.ts'

/** A header made by a rule, from the state as it is now. */
export interface RuleHeader {
  readonly name: string
  readonly value: string
  /** Origin of the page that sent it when it was learned, where the rule tells. */
  readonly page: string | undefined
  /** Goes with what scripts ask for only (`isOfScripts`). */
  readonly ofScripts: boolean
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
    if (rule.in !== undefined || !appliesTo(rule, method, url)) continue
    for (const { name, value } of ruleValues(rule, cell, url))
      if (isHeaderValue(value))
        headers.push({ name, value, page: sourceOrigin(rule.source), ofScripts: isOfScripts(rule, value) })
  }
  return headers
}

/** Whether a request is one of those that the rule was seen with. */
export function appliesTo(rule: HeaderRule, method: string, url: URL): boolean {
  if (rule.methods === 'unsafe' && isSafeMethod(method)) return false
  return rule.origins.includes(url.origin) && coversPath(rule.paths, url.pathname)
}

interface Named {
  readonly name: string
  readonly value: string
}

/** What the rule makes at this moment: nothing when its source is gone, several when a dynamic one stands there twice. */
export function ruleValues(rule: HeaderRule, cell: Cell, url: URL): readonly Named[] {
  const { source, prefix, encoding } = rule
  return readSource(source, cell, url).map(({ name, value }) => ({
    name: name === undefined ? rule.header : rule.header.replace('*', () => name),
    value: prefix + (encoding === 'decoded' ? percentDecoded(value) : value),
  }))
}

/** A value, and what the `*` of a dynamic source has stood for. */
interface Found {
  readonly name?: string
  readonly value: string
}

function readSource(source: RuleSource, cell: Cell, url: URL): readonly Found[] {
  if (source.from === 'cookie') return readCookies(source, cell, url)
  const value = isKept(source)
    ? keptValue(cell, source.kept)
    : source.from === 'indexedDB'
      ? readRecord(source, cell)
      : readItem(source, cell)
  return value === undefined ? [] : [{ value }]
}

function readItem(source: StorageSource, cell: Cell): string | undefined {
  const items = cell.origin(source.origin)?.[source.from] ?? []
  const fits = (item: StorageItem): boolean =>
    source.dynamic === true ? starOf(source.key, item.name) !== undefined : item.name === source.key
  const item = source.dynamic === true ? items.findLast(fits) : items.find(fits)
  return item === undefined ? undefined : valueAt(item, source.path)
}

function readRecord(source: DatabaseSource, cell: Cell): string | undefined {
  const database = cell.origin(source.origin)?.indexedDB?.find(({ name }) => name === source.database)
  const store = database?.stores.find(({ name }) => name === source.store)
  if (store === undefined) return undefined
  const values = store.records
    .filter((record) => source.key === undefined || recordKey(store, record) === source.key)
    .map((record) => asText(valueAtPath(recordValue(record), source.path)))
  return values.findLast((value) => value !== undefined)
}

/** Nearest first: a cookie that the target itself gets, else any of that name, the youngest of several. */
function readCookies(source: CookieSource, cell: Cell, url: URL): readonly Found[] {
  const now = Date.now() / 1000
  const fits = (cookie: StateCookie): boolean =>
    (source.dynamic === true
      ? starOf(source.name, cookie.name) !== undefined
      : cookie.name === source.name) &&
    (source.domain === undefined || cookie.domain === source.domain) &&
    (cookie.expires === -1 || cookie.expires > now)
  const near = [...cell.cookiesFor(url.hostname)].filter(fits)
  const found = near.length > 0 ? near : cell.state.cookies.filter(fits)
  if (source.dynamic !== true) return found.slice(-1)
  // Two installations on one host have a cookie each: each header says whose it is, as its cookie does.
  return found.map(({ name, value }) => ({ name: starOf(source.name, name) ?? '', value }))
}

/** What the one `*` of a pattern stands for in a text; `undefined` where the text does not fit. Never nothing at all. */
export function starOf(pattern: string, text: string): string | undefined {
  const at = pattern.indexOf('*')
  const [before, after] = [pattern.slice(0, at), pattern.slice(at + 1)]
  const fits = text.startsWith(before) && text.endsWith(after) && text.length >= pattern.length
  return fits && at >= 0 ? text.slice(before.length, text.length - after.length) : undefined
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
  return asText(valueAtPath(value, path))
}

function asText(value: unknown): string | undefined {
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
