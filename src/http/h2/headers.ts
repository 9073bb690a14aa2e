import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import type { WireAnswer, WireHeaders, WireRequest } from '../wire/wire.ts'
import { requestTarget } from '../wire/request-target.ts'
import { headerValue } from '../wire/wire.ts'

export interface Http2Request {
  readonly headers: OutgoingHttpHeaders
  readonly priority: { readonly exclusive: true; readonly parent: 0; readonly weight: number }
}

/** What Chromium says of how urgent a page or form is, and what of everything that a script asks for. */
const ofNavigation = { exclusive: true, parent: 0, weight: 256 } as const
const ofScript = { exclusive: true, parent: 0, weight: 220 } as const

/**
 * The lines of a request as Chromium writes them in HTTP/2: its four pseudo headers in its order, content-length, ours in
 * lower case, each cookie in a line of its own, `priority` last.
 */
export function http2Request({ method, url, headers, body }: WireRequest): Http2Request {
  const lines: Record<string, string | string[] | undefined> = {
    ':method': method,
    ':authority': url.host,
    ':scheme': 'https',
    ':path': requestTarget(url),
  }
  if (body instanceof Uint8Array) lines['content-length'] = String(body.byteLength)
  let isNavigation = false
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const key = lowerCase(headers[at] ?? '')
    const value = headers[at + 1] ?? ''
    if (key === 'sec-fetch-mode') isNavigation = value === 'navigate'
    const before = lines[key]
    if (key === 'cookie') lines[key] = crumbs(value)
    else lines[key] = typeof before === 'string' ? `${before}, ${value}` : value
  }
  lines.priority ??= isNavigation ? 'u=0, i' : 'u=1, i'
  return { headers: lines, priority: isNavigation ? ofNavigation : ofScript }
}

/**
 * One field for each cookie, as all browsers send them: those that stay the same are then written down once for a
 * connection. A server has to put them together again by `"; "` before anything else sees them (RFC 9113, 8.2.3).
 */
function crumbs(value: string): string | string[] {
  return value.includes('; ') ? value.split('; ') : value
}

const known = new Map<string, string>()

function lowerCase(name: string): string {
  let lower = known.get(name)
  if (lower !== undefined) return lower
  lower = name.toLowerCase()
  if (known.size < 500) known.set(name, lower)
  return lower
}

/**
 * Without `:status` and the symbol that Node puts there. Node keeps only the first Location; two different ones must be
 * seen. `lines`: all, as they came.
 */
export function wireHeaders(headers: IncomingHttpHeaders, lines: readonly string[] = []): WireHeaders {
  const kept: Record<string, string | readonly string[] | undefined> = {}
  for (const name in headers) if (name !== ':status') kept[name] = headers[name]
  if (kept.location !== undefined)
    kept.location = lines.filter((_, at) => at % 2 === 1 && lines[at - 1] === 'location')
  return kept
}

/**
 * A stream that was reset or lost its connection ends for Node like any other; and a server may end one as if all were
 * well and have sent less than it had announced.
 */
export function isCut(
  method: string,
  { statusCode, headers }: WireAnswer,
  received: number,
  resetCode: number,
): boolean {
  const announced = headerValue(headers, 'content-length')
  const hasNone = method === 'HEAD' || statusCode === 204 || statusCode === 304
  return announced === undefined || hasNone ? resetCode !== 0 : received < Number(announced)
}
