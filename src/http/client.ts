import { plainUrl, ResponseStatusError } from '../errors.ts'
import type { Carrier } from './carrier.ts'
import type { Exchanged } from './exchange.ts'
import { Exchanges } from './exchanges.ts'
import { createNodeTransport, NodeWire } from './wire/node-wire.ts'
import { firstHop } from './headers/headers-for.ts'
import { type Hop, mayRepeat } from './hop.ts'
import type { HttpOptions } from './options.ts'
import { defaultMaxRedirects, targetUrl } from './options.ts'
import { requestContent, searchParams, type HttpRequestOptions } from './request-options.ts'
import { HttpAnswer, HttpResponse } from './response.ts'
import { overHttp2 } from './wire/over-http2.ts'
import { createWarmingTransport } from './wire/warming.ts'
import type { Connections, Transport } from './wire/wire.ts'

export type { HttpOptions } from './options.ts'
export type { HttpRequestOptions } from './request-options.ts'
export { HttpAnswer, HttpResponse } from './response.ts'

type Ask = (url: string | URL, options?: HttpRequestOptions) => HttpAnswer

/**
 * `session.http`: requests with the session's cookies, identity and learned headers through got-scraping. Answers are
 * read whole. Rejects with `ResponseStatusError` (status 400 and above), `RequestFailedError`, `RedirectRefusedError`,
 * `BlockedError`, `CircuitOpenError`, `SessionDeadError`, `NotRepeatedError`, what a renewal failed for, `TimedOutError`, `ClosedError`, the signal's reason, or `TypeError` for what cannot be asked.
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
): SessionHttp & { connections(): Connections | undefined; close(): Promise<void> } {
  const exchanges = new Exchanges('HTTP client', carrier, options, transport)
  const client = new HttpClient(exchanges)
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
    connections: () => exchanges.connections(),
    close: () => exchanges.close(),
  })
}

/** HTTP/2 where it is spoken; else Node's own client for the first requests, got on the same connections for the rest. */
function gotWhenWarm(options: HttpOptions): Transport {
  return overHttp2(options, (spares) => {
    const wire = new NodeWire(options, spares)
    return createWarmingTransport(createNodeTransport(wire), async () => {
      const { createGotTransport } = await import('./wire/got-transport.ts')
      return createGotTransport(wire)
    })
  })
}

class HttpClient {
  readonly #exchanges: Exchanges

  constructor(exchanges: Exchanges) {
    this.#exchanges = exchanges
  }

  async ask(address: string | URL, request: HttpRequestOptions, asksJson: boolean): Promise<HttpResponse> {
    const { carrier, options, exchange } = this.#exchanges
    this.#exchanges.assertOpen()
    const method = (request.method ?? (hasContent(request) ? 'POST' : 'GET')).toUpperCase()
    const url = this.#url(address, request)
    const { written, body } = requestContent(method, request)
    const first = (): Hop => askedHop(carrier, request, { method, url, written, body }, asksJson)
    const operation = (): string => `${method} ${plainUrl(url)}`
    const deadline = this.#exchanges.begin(operation, request.signal, request.timeout)
    try {
      const exchanged = await exchange(
        {
          method,
          url,
          first,
          body,
          fields:
            (request.form !== undefined || request.json !== undefined) &&
            (request.tokenFields ?? options.tokenFields ?? true),
          mayRepeat: mayRepeat(method, body, written, request.idempotent),
          retries: request.retries,
          whole: request.throwHttpErrors === false ? 'all' : 'success',
          redirect: request.followRedirect === false ? 'manual' : 'follow',
          maxRedirects: request.maxRedirects ?? options.maxRedirects ?? defaultMaxRedirects,
        },
        deadline,
      )
      return responseOf(exchanged)
    } finally {
      this.#exchanges.end(deadline)
    }
  }

  #url(address: string | URL, request: HttpRequestOptions): URL {
    const url = targetUrl(address, this.#exchanges.options.baseUrl)
    if (request.searchParams !== undefined)
      for (const [name, value] of searchParams(request.searchParams)) url.searchParams.append(name, value)
    return url
  }
}

/** Throws for answers that the caller does not take: their body was not read. */
function responseOf({ answer, hop, redirects, content, blocked }: Exchanged): HttpResponse {
  const { statusCode, statusText, headers } = answer
  const { method, url } = hop
  if (content === undefined) {
    answer.body.discard()
    throw blocked ?? new ResponseStatusError(method, url, statusCode)
  }
  return new HttpResponse({
    ...{ method, statusCode, statusText, headers, redirects },
    url: url.href,
    body: content,
  })
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
    kind: request.as ?? (json || request.topLevelSite !== undefined ? 'fetch' : undefined),
    topLevelSite: request.topLevelSite,
  })
}
