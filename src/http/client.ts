import { ClosedError, ResponseStatusError } from '../errors.ts'
import type { Carrier } from './carrier.ts'
import { Deadline } from './deadline.ts'
import { decodeBody, hasNoBody } from './decode.ts'
import { createExchange, wireError, type Exchange, type Exchanged } from './exchange.ts'
import { createNodeTransport, NodeWire } from './node-wire.ts'
import { firstHop } from './headers-for.ts'
import type { Hop } from './hop.ts'
import type { HttpOptions } from './options.ts'
import { defaultMaxRedirects, defaultMaxResponseBytes, defaultTimeout, targetUrl } from './options.ts'
import { requestContent, searchParams, type HttpRequestOptions } from './request-options.ts'
import { HttpAnswer, HttpResponse } from './response.ts'
import { plainUrl } from '../errors.ts'
import { createWarmingTransport } from './warming.ts'
import type { Transport } from './wire.ts'

export type { HttpOptions } from './options.ts'
export type { HttpRequestOptions } from './request-options.ts'
export { HttpAnswer, HttpResponse } from './response.ts'

type Ask = (url: string | URL, options?: HttpRequestOptions) => HttpAnswer

/**
 * `session.http`: requests with the session's cookies, identity and learned headers through got-scraping. Answers are
 * read whole. Rejects with `ResponseStatusError` (status 400 and above), `RequestFailedError`, `RedirectRefusedError`,
 * `TimedOutError`, `ClosedError`, the signal's reason, or `TypeError` for what cannot be asked.
 */
export interface SessionHttp {
  (url: string | URL, options?: HttpRequestOptions): HttpAnswer
  readonly get: Ask
  readonly post: Ask
  readonly put: Ask
  readonly patch: Ask
  readonly delete: Ask
  readonly head: Ask
}

export function createHttp(
  carrier: Carrier,
  options: HttpOptions = {},
  transport: Transport = gotWhenWarm(options),
): SessionHttp & { close(): Promise<void> } {
  const client = new HttpClient(carrier, options, transport)
  const ask: Ask = (url, request = {}) => new HttpAnswer((asksJson) => client.ask(url, request, asksJson))
  const shortcut =
    (method: string): Ask =>
    (url, request) =>
      ask(url, { ...request, method })
  return Object.assign((url: string | URL, request?: HttpRequestOptions) => ask(url, request), {
    get: shortcut('GET'),
    post: shortcut('POST'),
    put: shortcut('PUT'),
    patch: shortcut('PATCH'),
    delete: shortcut('DELETE'),
    head: shortcut('HEAD'),
    close: () => client.close(),
  })
}

/** Node's own client for the first requests, got on the same connections for the rest. */
function gotWhenWarm(options: HttpOptions): Transport {
  const wire = new NodeWire(options)
  return createWarmingTransport(createNodeTransport(wire), async () => {
    const { createGotTransport } = await import('./got-transport.ts')
    return createGotTransport(wire)
  })
}

class HttpClient {
  readonly #carrier: Carrier
  readonly #options: HttpOptions
  readonly #transport: Transport
  readonly #exchange: Exchange
  readonly #running = new Set<Deadline>()
  #closed = false

  constructor(carrier: Carrier, options: HttpOptions, transport: Transport) {
    this.#carrier = carrier
    this.#options = options
    this.#transport = transport
    this.#exchange = createExchange(carrier, transport)
  }

  async ask(address: string | URL, request: HttpRequestOptions, asksJson: boolean): Promise<HttpResponse> {
    if (this.#closed) throw new ClosedError(`The HTTP client of ${this.#carrier.name}`)
    const method = (request.method ?? (hasContent(request) ? 'POST' : 'GET')).toUpperCase()
    const url = this.#url(address, request)
    const { written, body } = requestContent(method, request)
    const first = (): Hop => askedHop(this.#carrier, request, { method, url, written, body }, asksJson)
    const after = request.timeout ?? this.#options.timeout ?? defaultTimeout
    const deadline = new Deadline(after, () => `${method} ${plainUrl(url)}`, request.signal)
    this.#running.add(deadline)
    try {
      const exchanged = await this.#exchange(
        {
          first,
          body,
          redirect: request.followRedirect === false ? 'manual' : 'follow',
          maxRedirects: request.maxRedirects ?? this.#options.maxRedirects ?? defaultMaxRedirects,
        },
        deadline,
      )
      return await this.#response(exchanged, request, deadline)
    } finally {
      deadline.end()
      this.#running.delete(deadline)
    }
  }

  async #response(
    { answer, hop, redirects }: Exchanged,
    request: HttpRequestOptions,
    deadline: Deadline,
  ): Promise<HttpResponse> {
    const { statusCode, statusText, headers } = answer
    if (statusCode >= 400 && request.throwHttpErrors !== false) {
      answer.body.discard()
      throw new ResponseStatusError(hop.method, hop.url, statusCode)
    }
    const limit = this.#options.maxResponseBytes ?? defaultMaxResponseBytes
    try {
      const raw = await answer.body.collect(limit)
      const body = hasNoBody(hop.method, statusCode) ? raw : await decodeBody(raw, headers, limit)
      return new HttpResponse({
        method: hop.method,
        statusCode,
        statusText,
        headers,
        url: hop.url.href,
        redirects,
        body,
      })
    } catch (error) {
      throw wireError(hop, error, deadline)
    }
  }

  #url(address: string | URL, request: HttpRequestOptions): URL {
    const url = targetUrl(address, this.#options.baseUrl)
    if (request.searchParams !== undefined)
      for (const [name, value] of searchParams(request.searchParams)) url.searchParams.append(name, value)
    return url
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const deadline of this.#running) deadline.close(`The HTTP client of ${this.#carrier.name}`)
    await this.#transport.close()
  }
}

function hasContent(request: HttpRequestOptions): boolean {
  return request.json !== undefined || request.form !== undefined || request.body !== undefined
}

const jsonAccept = ['Accept', 'application/json'] as const

/** Who asks for JSON is a script of a page; who asks for anything else by GET has typed an address. */
function askedHop(
  carrier: Carrier,
  request: HttpRequestOptions,
  asked: Pick<Hop, 'method' | 'url' | 'written'> & { readonly body: Uint8Array | undefined },
  asksJson: boolean,
): Hop {
  const accept = asked.written.find(([name]) => name.toLowerCase() === 'accept')?.[1]
  const json = asksJson || /\bjson\b/i.test(accept ?? '')
  return firstHop(carrier, {
    method: asked.method,
    url: asked.url,
    written: asksJson && accept === undefined ? [...asked.written, jsonAccept] : asked.written,
    body: asked.body === undefined ? 'none' : 'bytes',
    kind: json || request.topLevelSite !== undefined ? 'fetch' : undefined,
    topLevelSite: request.topLevelSite,
  })
}
