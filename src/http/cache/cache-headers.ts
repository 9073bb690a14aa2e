import { createHash } from 'node:crypto'
import { saysWho } from '../../state/header-rule.ts'
import type { WireHeaders } from '../wire/wire.ts'

/** Headers as http-cache-semantics reads them: names in lower case, one text each. */
export type CacheHeaders = Record<string, string>

export function requestHeaders(url: URL, flat: readonly string[]): CacheHeaders {
  const headers: CacheHeaders = { host: url.host }
  for (let at = 0; at + 1 < flat.length; at += 2)
    add(headers, (flat[at] ?? '').toLowerCase(), flat[at + 1] ?? '')
  return withPlainDirectives(headers)
}

/** Without Set-Cookie: cookies are taken in once, when they come. */
export function answerHeaders(from: WireHeaders): CacheHeaders {
  const headers: CacheHeaders = {}
  for (const [name, value] of Object.entries(from)) {
    if (value === undefined || name === 'set-cookie') continue
    headers[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return withPlainDirectives(headers)
}

/** Who asks, as far as the request says it: a digest, so that the cache holds no cookie that the session has dropped. */
export function askerOf(headers: CacheHeaders): string {
  const credentials = Object.entries(headers).filter(([name]) => name === 'cookie' || saysWho.test(name))
  return createHash('sha256').update(JSON.stringify(credentials.sort())).digest('base64url')
}

/** Bytes that they take in memory, about. */
export function sizeOfHeaders(headers: CacheHeaders): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
}

/** The headers that `Vary` names, as the request had them; `undefined` for `*`. */
export function variantOf(vary: string | undefined, request: CacheHeaders): string | undefined {
  const names = (vary ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.includes('*')) return undefined
  return JSON.stringify([...new Set(names)].sort().map((name) => [name, request[name] ?? null]))
}

function add(headers: CacheHeaders, name: string, value: string): void {
  const there = headers[name]
  headers[name] = there === undefined ? value : `${there}, ${value}`
}

/** Directives are the same in any case (RFC 9111, 5.2), but http-cache-semantics 4.3 knows `No-Store` only as `no-store`. */
function withPlainDirectives(headers: CacheHeaders): CacheHeaders {
  const { 'cache-control': control, pragma } = headers
  if (control !== undefined) headers['cache-control'] = control.toLowerCase()
  if (pragma !== undefined) headers['pragma'] = pragma.toLowerCase()
  return headers
}
