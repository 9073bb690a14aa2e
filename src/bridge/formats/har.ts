import { Cell } from '../../state/cell.ts'
import { StateInvalidError } from '../../errors.ts'
import type { SessionState, StateCookie } from '../../state/state.ts'
import { cookieKey } from '../../state/state.ts'
import { nameValueDefect } from '../../policy/cookie-rules.ts'
import { textOfBytes } from '../jar/byte-text.ts'
import { cookiesForHost } from '../jar/cookie-header.ts'
import { ingestSetCookies } from '../jar/set-cookie.ts'
import { isObject, type JsonObject, own } from '../parse/bounded-json.ts'
import { parseCookie } from '../parse/parse-cookie.ts'
import { readExpiry } from './expiry.ts'
import type { Format, Reading } from './format.ts'
import { toHar } from './har-writing.ts'
import { headerBytes } from './header-bytes.ts'
import { type Input, trimBlanks } from './input.ts'
import type { ReportSink } from '../parse/report-sink.ts'

const by = 'har'

/** An HTTP archive: what its responses set is replayed in order, what only its requests show is added. */
export const har: Format = {
  name: 'har',
  title: 'HAR',
  readsWithUrl: false,
  writesForUrl: false,
  detect: (input) => input.isJson && entriesOf(input.json()) !== undefined,
  parse: fromHar,
  format: toHar,
}

function entriesOf(value: unknown): readonly unknown[] | undefined {
  const log = isObject(value) ? own(value, 'log') : undefined
  const entries = isObject(log) ? own(log, 'entries') : undefined
  return Array.isArray(entries) ? entries : undefined
}

function fromHar(input: Input, { report }: Reading): SessionState {
  const entries = entriesOf(input.json())
  if (entries === undefined) throw new StateInvalidError('it has no log.entries, as a HAR has.')
  const cell = new Cell()
  entries.forEach((entry, at) => {
    const exchange = exchangeOf(entry, `entries[${String(at)}]`)
    if (typeof exchange === 'string')
      report.push({
        kind: 'cookie',
        name: '',
        where: `entries[${String(at)}]`,
        reason: 'malformed',
        rule: exchange,
      })
    else {
      takeRequest(cell, exchange, report)
      takeResponse(cell, exchange, report)
    }
  })
  return { cookies: cell.state.cookies, origins: [] }
}

interface Exchange {
  readonly place: string
  readonly url: URL
  readonly request: JsonObject
  readonly response: JsonObject
  /** Unix ms. */
  readonly at: number
}

function exchangeOf(entry: unknown, place: string): Exchange | string {
  const request = isObject(entry) ? own(entry, 'request') : undefined
  if (!isObject(entry) || !isObject(request)) return 'no request'
  const address = own(request, 'url')
  const url = typeof address === 'string' && URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^(?:https?|wss?):$/.test(url.protocol)) return 'the URL is not of the web'
  const started = own(entry, 'startedDateTime')
  const at = typeof started === 'string' ? Date.parse(started) : NaN
  const response = own(entry, 'response')
  return {
    place,
    url,
    request,
    response: isObject(response) ? response : {},
    at: Number.isNaN(at) ? Date.now() : at,
  }
}

/** A cookie that was sent and that we know already keeps what we know of it, with the value that was sent. */
function takeRequest(cell: Cell, exchange: Exchange, report: ReportSink): void {
  const { url, at } = exchange
  const sent = cookieEntries(own(exchange.request, 'cookies'))
  const pairs = sent.length > 0 ? sent : headersOf(exchange.request, 'cookie').flatMap(pairsOf)
  for (const [index, pair] of pairs.entries()) {
    const place = `${exchange.place}.request.cookies[${String(index)}]`
    const name = own(pair, 'name')
    const known = cookiesForHost(cell, url, { now: at }).filter((cookie) => cookie.name === name)
    if (known.some(({ value }) => value === own(pair, 'value'))) continue
    const [only] = known
    const cookie =
      known.length === 1 ? withValue(only, own(pair, 'value')) : listedCookie(pair, exchange, place, report)
    if (cookie !== undefined) setCookie(cell, cookie, place, report)
  }
}

function withValue(cookie: StateCookie | undefined, value: unknown): StateCookie | undefined {
  return cookie === undefined || typeof value !== 'string' ? undefined : { ...cookie, value }
}

/** Set-Cookie lines say everything; browsers that clean their archives leave only the list. */
function takeResponse(cell: Cell, exchange: Exchange, report: ReportSink): void {
  const { url, response, at } = exchange
  const lines = headersOf(response, 'set-cookie')
    .flatMap((text) => text.split(/\r?\n/))
    .map(headerBytes)
  const [date] = headersOf(response, 'date')
  for (const line of lines) {
    const refusals = ingestSetCookies(cell, url, [line], { by, now: at, ...(date !== undefined && { date }) })
    for (const { reason, rule } of refusals)
      report.push({
        kind: 'cookie',
        name: '',
        where: exchange.place,
        reason,
        ...(rule !== undefined && { rule }),
      })
  }
  if (lines.length > 0) return
  for (const [index, entry] of cookieEntries(own(response, 'cookies')).entries()) {
    const place = `${exchange.place}.response.cookies[${String(index)}]`
    const cookie = listedCookie(entry, exchange, place, report)
    if (cookie !== undefined) setCookie(cell, cookie, place, report)
  }
}

function setCookie(cell: Cell, cookie: StateCookie, place: string, report: ReportSink): void {
  const defect = nameValueDefect(cookie.name, cookie.value)
  if (defect !== undefined)
    report.push({ kind: 'cookie', name: '', where: place, reason: 'malformed', rule: defect })
  else if (cell.cookie(cookieKey(cookie))?.value !== cookie.value) cell.setCookie(cookie, by)
}

/** What the list leaves out is taken at its narrowest. */
function listedCookie(
  entry: JsonObject,
  { url }: Exchange,
  place: string,
  report: ReportSink,
): StateCookie | undefined {
  const { expires, rule } = readExpiry(own(entry, 'expires'))
  // An archive writes dates: that is no surprise here.
  if (rule !== undefined && !/date/.test(rule))
    report.push({ kind: 'cookie', name: '', where: place, reason: 'malformed', rule })
  const domain = own(entry, 'domain')
  const path = own(entry, 'path')
  const fields = {
    name: own(entry, 'name'),
    value: own(entry, 'value'),
    domain: domain === undefined || domain === '' ? url.hostname : domain,
    path: path === undefined || path === '' ? '/' : path,
    expires,
    httpOnly: own(entry, 'httpOnly') ?? false,
    secure: own(entry, 'secure') ?? /^(?:https|wss):$/.test(url.protocol),
    sameSite: own(entry, 'sameSite'),
  }
  return parseCookie(fields, place, report)
}

function cookieEntries(list: unknown): JsonObject[] {
  return Array.isArray(list) ? list.filter(isObject) : []
}

function pairsOf(header: string): JsonObject[] {
  return header
    .split(';')
    .map(trimBlanks)
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      return {
        name: pair.slice(0, Math.max(equals, 0)),
        value: textOfBytes(headerBytes(pair.slice(equals + 1))),
      }
    })
}

function headersOf(message: JsonObject, name: string): string[] {
  const headers = own(message, 'headers')
  if (!Array.isArray(headers)) return []
  return headers.filter(isObject).flatMap((header) => {
    const [said, value] = [own(header, 'name'), own(header, 'value')]
    return typeof said === 'string' && said.toLowerCase() === name && typeof value === 'string' ? [value] : []
  })
}
