import { Readable } from 'node:stream'
import { plainUrl, SessionbridgeError } from '../errors.ts'
import type { Carrier } from './carrier.ts'
import type { Deadline } from './deadline.ts'
import { decodeStream, hasNoBody } from './decode.ts'
import { wireError, type Exchanged } from './exchange.ts'
import { Exchanges } from './exchanges.ts'
import { type FetchRequest, fetchRequest, type SessionRequestInit } from './fetch-request.ts'
import { fetchResponse, type WholeBody } from './fetch-response.ts'
import { type FirstHop, firstHop } from './headers/headers-for.ts'
import { defaultMaxRedirects, defaultMaxResponseBytes, type HttpOptions } from './options.ts'
import { mayRepeat } from './hop.ts'
import { createNodeTransport, NodeWire } from './wire/node-wire.ts'
import { overHttp2 } from './wire/over-http2.ts'
import { createWarmingTransport } from './wire/warming.ts'
import { webStream } from './web-stream.ts'
import { BodyTooBigError, type Connections, discardLimit, type Transport } from './wire/wire.ts'

/**
 * `session.fetch`: the WHATWG function with the session's cookies, identity and learned headers, for every library that
 * takes a `fetch`. Differences to a page's fetch: there is no CORS, relative URLs need `baseUrl`, answers of other
 * origins can be read, `redirect: 'manual'` gives the redirect itself (as in Node), and `credentials` knows only
 * `'omit'`: everything else carries the session. A page of another site asks with `topLevelSite`.
 *
 * Rejects with a `TypeError` whose `cause` is the typed error (`RequestFailedError`, `RedirectRefusedError`,
 * `BlockedError`, `CircuitOpenError`, `SessionDeadError`, `NotRepeatedError`, `TimedOutError`, `ClosedError`), or with the signal's reason. The time limit ends with the head of the answer.
 */
export type SessionFetch = typeof globalThis.fetch & {
  (input: string | URL | Request, init?: SessionRequestInit): Promise<Response>
  close(): Promise<void>
}

export function createFetch(
  carrier: Carrier,
  options: HttpOptions = {},
  transport: Transport = undiciWhenWarm(options),
): SessionFetch & { connections(): Connections | undefined } {
  const exchanges = new Exchanges('fetch', carrier, options, transport)
  const client = new FetchClient(exchanges)
  return Object.assign(
    (input: string | URL | Request, init?: SessionRequestInit): Promise<Response> =>
      client.fetch(input, init ?? {}),
    { connections: () => exchanges.connections(), close: () => exchanges.close() },
  )
}

/** HTTP/2 where it is spoken; else Node's own client for the first requests, undici for the rest. */
function undiciWhenWarm(options: HttpOptions): Transport {
  return overHttp2(options, (spares) => {
    const wire = new NodeWire(options, spares)
    return createWarmingTransport(createNodeTransport(wire), async () => {
      const { createUndiciTransport } = await import('./wire/undici-transport.ts')
      wire.retire()
      return createUndiciTransport(options, spares)
    })
  })
}

class FetchClient {
  readonly #exchanges: Exchanges

  constructor(exchanges: Exchanges) {
    this.#exchanges = exchanges
  }

  async fetch(input: string | URL | Request, init: SessionRequestInit): Promise<Response> {
    const made = fetchRequest(input, init, this.#exchanges.options.baseUrl)
    const request = made instanceof Promise ? await made : made
    try {
      return await this.#send(request)
    } catch (error) {
      if (request.body instanceof Readable) request.body.destroy() // whoever made it hears that nobody reads on
      throw fetchError(error, request.signal)
    }
  }

  async #send(request: FetchRequest): Promise<Response> {
    const { carrier, options, exchange } = this.#exchanges
    const { method, url, body } = request
    const { written, anonymous, topLevelSite } = request
    const asked: FirstHop = {
      method,
      url,
      written,
      anonymous,
      topLevelSite,
      kind: request.as ?? 'fetch',
      body: kindOfBody(body),
    }
    const deadline = this.#exchanges.begin(() => `${method} ${plainUrl(url)}`, request.signal)
    try {
      const exchanged = await exchange(
        {
          method,
          url,
          first: () => firstHop(carrier, asked),
          body,
          fields: request.fields && (request.tokenFields ?? options.tokenFields ?? true),
          mayRepeat: mayRepeat(method, body, written, request.idempotent),
          retries: undefined,
          whole: 'none',
          redirect: request.redirect,
          maxRedirects: options.maxRedirects ?? defaultMaxRedirects,
        },
        deadline,
      )
      const { content } = exchanged
      if (content === undefined) return await this.#streaming(exchanged, deadline)
      this.#exchanges.end(deadline)
      const isNone = content.length === 0 && hasNoBody(exchanged.hop.method, exchanged.answer.statusCode)
      return responseOf(exchanged, isNone ? null : content)
    } catch (error) {
      this.#exchanges.end(deadline)
      throw error
    }
  }

  async #streaming(exchanged: Exchanged, deadline: Deadline): Promise<Response> {
    const { answer, hop } = exchanged
    if (hasNoBody(hop.method, answer.statusCode)) {
      try {
        const read = await answer.body.collect(discardLimit)
        return responseOf(exchanged, read.length === 0 ? null : read)
      } catch (error) {
        throw wireError(hop, error, deadline)
      } finally {
        this.#exchanges.end(deadline)
      }
    }
    deadline.pause()
    const source = answer.body.stream()
    const stream = await decodeStream(source, answer.headers).catch((error: unknown) => {
      source.destroy()
      throw wireError(hop, error, deadline)
    })
    stream.once('close', () => {
      this.#exchanges.end(deadline)
    })
    const wording = (error: Error): unknown => fetchError(wireError(hop, error, deadline), deadline.signal)
    return responseOf(exchanged, webStream(stream, wording), {
      limit: this.#exchanges.options.maxResponseBytes ?? defaultMaxResponseBytes,
      tooBig: () => wording(new BodyTooBigError('too big')),
    })
  }
}

function responseOf(
  { answer, hop, redirects }: Exchanged,
  body: Buffer | ReadableStream<Uint8Array> | null,
  whole?: WholeBody,
): Response {
  const { statusCode, statusText, headers } = answer
  return fetchResponse({
    method: hop.method,
    url: withoutFragment(hop.url),
    redirected: redirects.length > 0,
    statusCode,
    statusText,
    headers,
    body,
    whole,
  })
}

/** What fetch rejects with: the signal's own reason, else a TypeError around ours. */
function fetchError(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return signal.reason
  return error instanceof SessionbridgeError ? new TypeError(error.message, { cause: error }) : error
}

function kindOfBody(body: FetchRequest['body']): 'none' | 'bytes' | 'stream' {
  if (body === undefined) return 'none'
  return body instanceof Readable ? 'stream' : 'bytes'
}

/** As `Response.url` does. */
function withoutFragment(url: URL): string {
  return url.hash === '' ? url.href : url.href.slice(0, url.href.indexOf('#'))
}
