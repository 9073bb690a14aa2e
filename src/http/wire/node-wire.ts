import type {
  Agent as HttpAgent,
  AgentOptions,
  ClientRequest,
  IncomingMessage,
  RequestOptions,
} from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { BodyBuffer } from './body-buffer.ts'
import { type Spares, takeSpare } from './over-http2.ts'
import { openTunnel, proxyOf, serverName } from './proxy.ts'
import { requestTarget } from './request-target.ts'
import { type ConnectionOptions, type PoolOptions, poolOf, verifiedTls } from './tls.ts'
import type { Cancellation, Connections, Transport, WireAnswer, WireHeaders, WireRequest } from './wire.ts'
import { maxHeaderSize } from './wire.ts'

interface Target {
  readonly host?: string | null
  readonly port?: number | string | null
}

/** Connections over Node's own HTTP/1.1 client, kept alive. got stands on the same ones. */
export class NodeWire {
  readonly #options: ConnectionOptions
  #http: HttpAgent | undefined
  #https: HttpsAgent | undefined

  readonly #proxy: URL | undefined
  readonly #limits: PoolOptions
  #requests = 0
  #opened = 0

  readonly #spares: Spares | undefined

  /** `spares`: connections that are there already. */
  constructor(options: ConnectionOptions, spares?: Spares) {
    this.#options = options
    this.#spares = spares
    this.#proxy = proxyOf(options)
    this.#limits = poolOf(options)
  }

  /** A request with exactly our lines; its body is still to be written. */
  open(request: WireRequest, callback?: (response: IncomingMessage) => void): ClientRequest {
    const { method, url } = request
    this.#requests += 1
    const path = requestTarget(url)
    const options: RequestOptions = { method, path, headers: headerLines(request), maxHeaderSize }
    if (url.protocol === 'https:') {
      const https = process.getBuiltinModule('node:https')
      this.#https ??= this.#counted(
        this.#proxied(new https.Agent({ ...this.#pool(), ...verifiedTls(this.#options) }), true),
      )
      return https.request(url, { ...options, agent: this.#https }, callback)
    }
    const http = process.getBuiltinModule('node:http')
    this.#http ??= this.#counted(this.#proxied(new http.Agent(this.#pool()), false))
    return http.request(url, { ...options, agent: this.#http }, callback)
  }

  #counted<A extends HttpAgent>(agent: A): A {
    const createConnection = agent.createConnection.bind(agent)
    agent.createConnection = (...parts) => {
      this.#opened += 1
      const { host, port } = parts[0] as Target
      const spare = takeSpare(this.#spares, { hostname: host ?? '', port: Number(port) })
      return spare ?? createConnection(...parts)
    }
    return agent
  }

  connections(): Connections {
    const agents = [this.#http, this.#https].filter((agent) => agent !== undefined)
    const count = (of: (agent: HttpAgent) => NodeJS.ReadOnlyDict<readonly Socket[]>): number =>
      agents.flatMap((agent) => Object.values(of(agent))).reduce((sum, list) => sum + (list?.length ?? 0), 0)
    const free = count((agent) => agent.freeSockets)
    return {
      requests: this.#requests,
      opened: this.#opened,
      open: free + count((agent) => agent.sockets),
      free,
    }
  }

  #proxied<A extends HttpAgent>(agent: A, secure: boolean): A {
    const proxy = this.#proxy
    if (proxy === undefined) return agent
    // The agent goes on pooling by target; only the making of a connection is another.
    const createConnection = (
      target: Target,
      connected: (error: Error | null, socket?: Socket) => void,
    ): void => {
      const hostname = target.host ?? ''
      const tls = secure ? { ...verifiedTls(this.#options), servername: serverName(hostname) } : undefined
      openTunnel(proxy, { hostname, port: Number(target.port), tls }, this.#options, connected)
    }
    Object.assign(agent, { createConnection })
    return agent
  }

  #pool(): AgentOptions {
    const { lookup } = this.#options
    const { perOrigin, keepAlive } = this.#limits
    return {
      keepAlive: true,
      ...(lookup !== undefined && { lookup }),
      ...(perOrigin !== undefined && { maxSockets: perOrigin }),
      ...(keepAlive !== undefined && { timeout: keepAlive }),
    }
  }

  /** Keeps no connection any more: another client makes its own. What runs goes on to its end. */
  retire(): void {
    for (const agent of [this.#http, this.#https]) {
      if (agent === undefined) continue
      agent.maxFreeSockets = 0
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy()
    }
  }

  close(): void {
    this.#http?.destroy()
    this.#https?.destroy()
  }
}

/** The first lines as Chromium writes them, then ours. */
function headerLines(request: WireRequest): readonly string[] {
  const head = ['Host', request.url.host, 'Connection', 'keep-alive']
  if (request.body instanceof Uint8Array) head.push('Content-Length', String(request.body.byteLength))
  return head.concat(request.headers)
}

/** The plainest client: Node's own, with nothing between. Cheapest to start; costs about half of got per request. */
export function createNodeTransport(wire: NodeWire): Transport {
  return {
    send: (request, cancellation) => sendOne(wire, request, cancellation),
    connections: () => wire.connections(),
    close() {
      wire.close()
      return Promise.resolve()
    },
  }
}

function sendOne(wire: NodeWire, request: WireRequest, cancellation: Cancellation): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const running = wire.open(request, (response) => {
      const answer = answerOf(response, response)
      // What came with the head is read first: then most bodies are whole before anybody asks for them.
      setImmediate(() => {
        resolve(answer)
      })
    })
    tellConnected(running, cancellation)
    running.on('error', reject) // may come more than once; without a listener that would end the process
    cancellation.onCancel((reason) => running.destroy(reason))
    const { body } = request
    if (body instanceof Readable) {
      running.once('close', () => body.destroy()) // also after an answer that came before its end
      body.on('error', (error) => running.destroy(error)).pipe(running)
    } else running.end(body)
  })
}

/** Says when the request has a connection that can be spoken on. */
export function tellConnected(running: ClientRequest, { connected }: Cancellation): void {
  if (connected === undefined) return
  running.once('socket', (socket: Socket) => {
    const isSecure = 'encrypted' in socket
    const isReady = isSecure ? 'authorized' in socket && socket.authorized === true : !socket.connecting
    if (isReady) connected()
    else socket.once(isSecure ? 'secureConnect' : 'connect', connected)
  })
}

/** The answer of a Node response, its body read from `stream`: the response itself, or what got makes of it. */
export function answerOf(response: IncomingMessage, stream: Readable): WireAnswer {
  const body = new BodyBuffer({
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    abort: (reason) => stream.destroy(reason),
  })
  stream.on('data', (chunk: Buffer) => {
    body.push(chunk)
  })
  stream.once('end', () => {
    body.end()
  })
  stream.on('error', (error) => {
    body.fail(error)
  })
  return {
    statusCode: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    headers: wireHeaders(response),
    body,
  }
}

/** Node keeps only the first Location; two different ones must be seen. */
function wireHeaders(response: IncomingMessage): WireHeaders {
  const { headers } = response
  if (headers.location === undefined) return headers
  return { ...headers, location: response.headersDistinct.location }
}
