import type * as Http from 'node:http'
import type * as Https from 'node:https'
import type { Readable } from 'node:stream'
import type { GotScraping, Request } from 'got-scraping'
import { verifiedTls, type ConnectionOptions } from './tls.ts'
import type { Cancellation, Transport, WireAnswer, WireBody, WireHeaders, WireRequest } from './wire.ts'
import { BodyTooBigError, discardLimit } from './wire.ts'

interface Engine {
  readonly got: GotScraping
  readonly agents: { readonly http: Http.Agent; readonly https: Https.Agent }
  readonly http: typeof Http
  readonly https: typeof Https
}

/**
 * got-scraping, disciplined. Its own hooks make up another browser's headers, open a connection of their own to ask
 * for HTTP/2 and change TLS settings on every request; got's redirects carry custom headers along. All of that is
 * replaced here, once, so that a request costs about half. HTTP/1.1 only: with HTTP/2 got goes through http2-wrapper,
 * which was slower for one host and needs the extra connection.
 */
export function createGotTransport(options: ConnectionOptions = {}): Transport {
  let starting: Promise<Engine> | undefined
  let engine: Engine | undefined
  const start = async (): Promise<Engine> => (engine ??= await (starting ??= startEngine(options)))
  return {
    async prepare() {
      await start()
    },
    async send(request, cancellation) {
      return sendOne(engine ?? (await start()), request, cancellation)
    },
    async close() {
      const started = await starting
      started?.agents.http.destroy()
      started?.agents.https.destroy()
    },
  }
}

/** Costs 150 ms: not before the first request. */
async function startEngine(options: ConnectionOptions): Promise<Engine> {
  const [{ gotScraping }, http, https] = await Promise.all([
    import('got-scraping'),
    import('node:http'),
    import('node:https'),
  ])
  const pool = { keepAlive: true, ...(options.lookup !== undefined && { lookup: options.lookup }) }
  const agents = {
    http: new http.Agent(pool),
    https: new https.Agent({ ...pool, ...verifiedTls(options) }),
  }
  const got = gotScraping.extend({
    mutableDefaults: true,
    http2: false,
    https: { rejectUnauthorized: true },
    followRedirect: false,
    throwHttpErrors: false,
    retry: { limit: 0 },
    decompress: false,
  })
  // Hooks and handlers can only be added by `extend`, so what got-scraping brought is taken out of the new instance.
  got.defaults.handlers.length = 0
  got.defaults.options.hooks.init.length = 0
  got.defaults.options.hooks.beforeRequest.length = 0
  got.defaults.options.hooks.beforeRedirect.length = 0
  delete got.defaults.options.timeout.request // the exchange holds one deadline over all hops
  return { got, agents, http, https }
}

function sendOne(engine: Engine, request: WireRequest, cancellation: Cancellation): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const stream = engine.got.stream(request.url, {
      method: request.method as 'GET',
      // Straight to node:http with our lines as they stand: got would lower the names and move what it makes itself
      // to the end, and the two dozen settings it passes along are the agent's here.
      request: (url, _native, callback) => {
        const secure = url.protocol === 'https:'
        const agent = secure ? engine.agents.https : engine.agents.http
        const send = secure ? engine.https.request : engine.http.request
        return send(url, { method: request.method, agent, headers: nativeHeaders(request) }, callback)
      },
      ...(request.body !== undefined && { body: request.body as Buffer }),
    })
    // got waits for somebody to write the body of every other method.
    if (request.body === undefined && request.method !== 'GET' && request.method !== 'HEAD') stream.end()
    const fail = (error: Error): void => {
      cancellation.onCancel(undefined)
      reject(error)
    }
    stream.once('error', fail)
    stream.once('response', (response: Http.IncomingMessage) => {
      stream.off('error', fail)
      resolve(answerOf(stream, response))
    })
    cancellation.onCancel((reason) => stream.destroy(reason))
  })
}

/** The first lines as Chromium writes them, then ours. */
function nativeHeaders(request: WireRequest): readonly string[] {
  const head = ['Host', request.url.host, 'Connection', 'keep-alive']
  const length = contentLength(request)
  if (length !== undefined) head.push('Content-Length', String(length))
  return head.concat(request.headers)
}

function contentLength(request: WireRequest): number | undefined {
  if (request.body instanceof Uint8Array) return request.body.byteLength
  return undefined
}

function answerOf(stream: Request, response: Http.IncomingMessage): WireAnswer {
  return {
    statusCode: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    headers: wireHeaders(response),
    body: new GotBody(stream),
  }
}

/** Node keeps only the first Location; two different ones must be seen. */
function wireHeaders(response: Http.IncomingMessage): WireHeaders {
  const { headers } = response
  if (headers.location === undefined) return headers
  return { ...headers, location: response.headersDistinct.location }
}

class GotBody implements WireBody {
  readonly complete = false
  readonly #stream: Request
  constructor(stream: Request) {
    this.#stream = stream
  }

  collect(limit: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let size = 0
      this.#stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        if (size > limit) this.#stream.destroy(new BodyTooBigError(`more than ${String(limit)} bytes`))
      })
      this.#stream.once('end', () => {
        resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks))
      })
      this.#stream.once('error', reject)
    })
  }

  stream(): Readable {
    return this.#stream
  }

  discard(): void {
    let size = 0
    this.#stream.on('error', () => undefined)
    this.#stream.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > discardLimit) this.#stream.destroy()
    })
  }
}
