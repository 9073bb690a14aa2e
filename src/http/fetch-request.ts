import { Readable } from 'node:stream'
import { isHeaderName, isHeaderValue } from './rules/header-rules.ts'
import type { RequestKind } from './hop.ts'
import { targetUrl } from './options.ts'
import { ofConnection } from './request-options.ts'
import type { HeaderPair } from './wire/wire.ts'

/** A call of fetch, taken apart. */
export interface FetchRequest {
  readonly method: string
  readonly url: URL
  readonly written: readonly HeaderPair[]
  readonly body: Uint8Array | Readable | undefined
  readonly redirect: 'follow' | 'manual' | 'error'
  readonly signal: AbortSignal | undefined
  readonly anonymous: boolean
  readonly as: RequestKind | undefined
  readonly topLevelSite: string | undefined
  readonly idempotent: boolean | undefined
  /** The body is made of fields: a form, or a text that is said to be JSON. */
  readonly fields: boolean
  readonly tokenFields: boolean | undefined
}

/** What `session.fetch` takes besides the standard's own settings. */
export interface SessionRequestInit extends RequestInit {
  /** `navigation`: ask as the browser loads a page (a link, a form that posts), not as a script does. Default `fetch`. */
  readonly as?: RequestKind
  /** Site, origin or address of the page in whose name to ask, where that is another one than the URL's origin. */
  readonly topLevelSite?: string
  /** True: it may be sent again after a renewal or a failure, as GET may and as an `Idempotency-Key` says, too. */
  readonly idempotent?: boolean
  /** False: the fields that pages send against forgery are not added; default: as the vault's `http` says, true. */
  readonly tokenFields?: boolean
}

/** Methods that fetch writes in capitals; others stay as they are (fetch specification 2.2.1). */
const normalised = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'])
const forbidden = new Set(['CONNECT', 'TRACE', 'TRACK'])

/**
 * Reads fetch's two arguments as the specification says: at once where there is no body to be read, which is one turn less for
 * most requests. Throws, or rejects with, `TypeError` for what cannot be asked.
 */
export function fetchRequest(
  input: string | URL | Request,
  init: SessionRequestInit,
  baseUrl: string | undefined,
): FetchRequest | Promise<FetchRequest> {
  const request = isRequest(input) ? input : undefined
  const method = normalMethod(init.method ?? request?.method ?? 'GET')
  const url = targetUrl(isRequest(input) ? input.url : input, baseUrl)
  if (request === undefined && (init.body === undefined || init.body === null))
    return requestOf(method, url, init, request, undefined)
  return contentOf(init.body, init.body === undefined ? request : undefined).then((content) => {
    if (content !== undefined && (method === 'GET' || method === 'HEAD'))
      throw new TypeError(`A ${method} request has no body`)
    return requestOf(method, url, init, request, content)
  })
}

function requestOf(
  method: string,
  url: URL,
  init: SessionRequestInit,
  request: Request | undefined,
  content: Content | undefined,
): FetchRequest {
  const written = writtenHeaders(init.headers ?? request?.headers)
  const typed = content?.type === undefined || written.some(([name]) => name.toLowerCase() === 'content-type')
  return {
    method,
    url,
    written: typed ? written : [...written, ['Content-Type', content.type]],
    body: content?.body,
    redirect: init.redirect ?? request?.redirect ?? 'follow',
    signal: init.signal === null ? undefined : (init.signal ?? request?.signal),
    anonymous: (init.credentials ?? request?.credentials) === 'omit',
    as: init.as,
    topLevelSite: init.topLevelSite,
    idempotent: init.idempotent,
    fields: isOfFields(init.body, written),
    tokenFields: init.tokenFields,
  }
}

/** What a library has made of fields itself, as bytes, is not touched: it may have signed it. */
function isOfFields(body: RequestInit['body'], written: readonly HeaderPair[]): boolean {
  if (body === undefined || body === null) return false
  if (typeof body === 'string') {
    const type = written.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
    return /^application\/(?:json|x-www-form-urlencoded)\b/i.test(type)
  }
  // By its tag, as below: a look at the global class would load Node's whole fetch.
  return body instanceof URLSearchParams || Object.prototype.toString.call(body) === '[object FormData]'
}

/** By shape: a look at the global class would load Node's whole fetch, and requests of other makers fit as well. */
function isRequest(input: string | URL | Request): input is Request {
  return typeof input === 'object' && 'headers' in input && 'method' in input
}

function normalMethod(method: string): string {
  if (normalised.has(method)) return method
  const upper = method.toUpperCase()
  if (!isHeaderName(method) || forbidden.has(upper))
    throw new TypeError('This method cannot be used with fetch')
  return normalised.has(upper) ? upper : method
}

const none: readonly HeaderPair[] = Object.freeze([])

function writtenHeaders(headers: HeadersInit | undefined): readonly HeaderPair[] {
  if (headers === undefined) return none
  const pairs = isIterable(headers) ? [...headers] : Object.entries(headers)
  const byName = new Map<string, HeaderPair>()
  for (const pair of pairs) {
    const [name, value] = pair.map(String)
    if (name === undefined || value === undefined || !isHeaderName(name))
      throw new TypeError('Not a header name')
    const trimmed = value.replace(/^[\t\r\n ]+|[\t\r\n ]+$/g, '')
    if (!isHeaderValue(trimmed)) throw new TypeError(`The value of header ${name} cannot be sent in a header`)
    const key = name.toLowerCase()
    if (ofConnection.has(key)) continue // fetch leaves these out without a word
    const before = byName.get(key)
    byName.set(key, before === undefined ? [name, trimmed] : [before[0], `${before[1]}, ${trimmed}`])
  }
  return [...byName.values()]
}

function isIterable(headers: HeadersInit): headers is [string, string][] | Headers {
  return Symbol.iterator in headers
}

interface Content {
  readonly body: Uint8Array | Readable
  readonly type: string | undefined
}

async function contentOf(
  body: BodyInit | null | undefined,
  request: Request | undefined,
): Promise<Content | undefined> {
  if (request !== undefined)
    return request.body === null
      ? undefined
      : { body: new Uint8Array(await request.arrayBuffer()), type: undefined }
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string') return { body: Buffer.from(body), type: 'text/plain;charset=UTF-8' }
  if (body instanceof URLSearchParams)
    return { body: Buffer.from(body.toString()), type: 'application/x-www-form-urlencoded;charset=UTF-8' }
  if (body instanceof Uint8Array) return { body, type: undefined }
  if (body instanceof ReadableStream) return { body: Readable.fromWeb(body as never), type: undefined }
  if (Symbol.asyncIterator in body)
    return { body: Readable.from(body as AsyncIterable<Uint8Array>), type: undefined }
  // Blobs and forms: Node knows their types and boundaries. They are read whole, so that a redirect can repeat them.
  const response = new Response(body)
  return {
    body: new Uint8Array(await response.arrayBuffer()),
    type: response.headers.get('content-type') ?? undefined,
  }
}
