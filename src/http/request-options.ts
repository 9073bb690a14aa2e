import { isHeaderName, isHeaderValue } from './rules/header-rules.ts'
import type { RequestKind } from './hop.ts'
import type { HeaderPair } from './wire/wire.ts'

/** One request of `session.http`. */
export interface HttpRequestOptions {
  /** Default `GET`, or `POST` when there is a body. */
  readonly method?: string
  /** These win over what the browser would send; one set to `undefined` counts as not written. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Added to the URL's own query. */
  readonly searchParams?: Readonly<Record<string, string | number | boolean | undefined>> | URLSearchParams
  /** At most one of the three. */
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string | number | boolean | undefined>> | URLSearchParams
  readonly body?: string | Uint8Array
  /** Milliseconds for the whole exchange. */
  readonly timeout?: number
  readonly signal?: AbortSignal
  /**
   * True: sending it twice changes nothing more than sending it once, so it may be sent again after a renewal or a failure.
   * Default: true for GET, HEAD and OPTIONS and with an `Idempotency-Key` header; false for the rest, whose answer is given
   * as it is.
   */
  readonly idempotent?: boolean
  /** False: the fields that pages send against forgery are not added to `form` and `json`; default: as the vault's `http` says, true. */
  readonly tokenFields?: boolean
  /** How often it is sent again after failures, if it may be; default: as the vault's `http.retry` says. */
  readonly retries?: number
  /** False: answers with 4xx and 5xx are given, not thrown. Default true. */
  readonly throwHttpErrors?: boolean
  /** Default true. */
  readonly followRedirect?: boolean
  readonly maxRedirects?: number
  /**
   * `navigation`: as the browser loads a page, which is a typed address, a link followed, or a form posted. `fetch`: as a
   * script of a page asks. Default: `fetch` for JSON, for other methods than GET, and where learned headers go; else
   * `navigation`.
   */
  readonly as?: RequestKind
  /**
   * Site, origin or address of the page in whose name to ask, where that is another one than the URL's origin; of an
   * address the `Referer` is made, as far as browsers show it.
   */
  readonly topLevelSite?: string
}

export interface RequestContent {
  readonly written: readonly HeaderPair[]
  readonly body: Uint8Array | undefined
}

/** Of the connection, not of the request: the client writes them itself. */
export const ofConnection = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Checked headers and the bytes of the body. Throws `TypeError` for what cannot be sent. */
export function requestContent(method: string, options: HttpRequestOptions): RequestContent {
  const content = contentOf(options)
  if (content !== undefined && (method === 'GET' || method === 'HEAD'))
    throw new TypeError(`A ${method} request has no body. Say method: 'POST', or leave the body away.`)
  const written = writtenHeaders(options.headers)
  if (content?.type === undefined || written.some(([name]) => name.toLowerCase() === 'content-type'))
    return { written, body: content?.bytes }
  return { written: [...written, ['Content-Type', content.type]], body: content.bytes }
}

const none: readonly HeaderPair[] = Object.freeze([])

function writtenHeaders(headers: HttpRequestOptions['headers']): readonly HeaderPair[] {
  if (headers === undefined) return none
  const written: HeaderPair[] = []
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    checkHeader(name, value)
    written.push([name, typeof value === 'string' ? value : value.join(', ')])
  }
  return written
}

function checkHeader(name: string, value: string | readonly string[]): void {
  if (!isHeaderName(name)) throw new TypeError('A header name holds a character that is not allowed there.')
  if (ofConnection.has(name.toLowerCase()))
    throw new TypeError(`Header ${name} is written by the client itself.`)
  const values = typeof value === 'string' ? [value] : value
  if (!values.every((one) => typeof one === 'string' && isHeaderValue(one)))
    throw new TypeError(`The value of header ${name} cannot be sent in a header.`)
}

function contentOf(
  options: HttpRequestOptions,
): { readonly bytes: Uint8Array; readonly type: string | undefined } | undefined {
  const { json, form, body } = options
  const given = [json, form, body].filter((content) => content !== undefined)
  if (given.length > 1) throw new TypeError('Give one of json, form and body, not several.')
  if (json !== undefined) return { bytes: Buffer.from(JSON.stringify(json)), type: 'application/json' }
  if (form !== undefined)
    return { bytes: Buffer.from(searchParams(form).toString()), type: 'application/x-www-form-urlencoded' }
  if (typeof body === 'string') return { bytes: Buffer.from(body), type: 'text/plain;charset=UTF-8' }
  return body === undefined ? undefined : { bytes: body, type: undefined }
}

export function searchParams(params: NonNullable<HttpRequestOptions['searchParams']>): URLSearchParams {
  if (params instanceof URLSearchParams) return params
  const result = new URLSearchParams()
  for (const [name, value] of Object.entries(params))
    if (value !== undefined) result.append(name, String(value))
  return result
}
