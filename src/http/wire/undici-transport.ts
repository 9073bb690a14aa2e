import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { Agent, buildConnector, Dispatcher } from 'undici'
import { BodyBuffer } from './body-buffer.ts'
import { placeOf, type Spares, takeSpare } from './over-http2.ts'
import { openTunnel, proxyOf, serverName } from './proxy.ts'
import { requestTarget } from './request-target.ts'
import { type ConnectionOptions, poolOf, type VerifiedTls, verifiedTls } from './tls.ts'
import type { Cancellation, Transport, WireAnswer, WireHeaders } from './wire.ts'
import { maxHeaderSize } from './wire.ts'

type Controller = Dispatcher.DispatchController

/** undici below its `fetch` and `request`: one handler per request, nothing else. */
export function createUndiciTransport(options: ConnectionOptions = {}, spares?: Spares): Transport {
  const proxy = proxyOf(options)
  const agents: { plain?: Agent; secure?: Agent } = {}
  const counts = { requests: 0, opened: 0, closed: 0 }
  const start = (tls: VerifiedTls | object): Agent => {
    const agent = startAgent(options, proxy, tls, spares)
    agent.on('connect', () => {
      counts.opened += 1
    })
    agent.on('disconnect', () => {
      counts.closed += 1
    })
    return agent
  }
  return {
    connections() {
      const { requests, opened, closed } = counts
      const stats = [agents.plain, agents.secure].flatMap((agent) => Object.values(agent?.stats ?? {}))
      const running = stats.reduce((sum, one) => sum + one.running, 0)
      const open = opened - closed
      return { requests, opened, open, free: Math.max(0, open - running) }
    },
    send(request, cancellation) {
      counts.requests += 1
      const agent =
        request.url.protocol === 'https:'
          ? (agents.secure ??= start(verifiedTls(options)))
          : (agents.plain ??= start({}))
      const handler = new AnswerHandler(cancellation)
      const { url } = request
      agent.dispatch(
        {
          origin: url.origin,
          path: requestTarget(url),
          method: request.method,
          headers: request.headers as string[],
          body: request.body ?? null,
          headersTimeout: 0, // the exchange holds the deadline
        },
        handler,
      )
      return handler.answer
    },
    async close() {
      await Promise.all([agents.plain?.destroy(), agents.secure?.destroy()])
    },
  }
}

/** The whole of undici costs 70 ms to load, its agent alone 15. */
function startAgent(
  options: ConnectionOptions,
  proxy: URL | undefined,
  tls: VerifiedTls | object,
  spares: Spares | undefined,
): Agent {
  const require = createRequire(import.meta.url)
  const AgentClass = require('undici/lib/dispatcher/agent.js') as typeof Agent
  const direct = (): buildConnector.connector => {
    const build = require('undici/lib/core/connect.js') as typeof buildConnector
    return build({ ...tls, ...(options.lookup !== undefined && { lookup: options.lookup }) })
  }
  const make = proxy === undefined ? direct() : throughProxy(proxy, options)
  const { perOrigin, keepAlive } = poolOf(options)
  return new AgentClass({
    maxHeaderSize,
    ...(perOrigin !== undefined && { connections: perOrigin }),
    ...(keepAlive !== undefined && { keepAliveTimeout: keepAlive, keepAliveMaxTimeout: keepAlive }),
    connect: (target, connected) => {
      const spare = target.protocol === 'https:' ? takeSpare(spares, placeOf(target)) : undefined
      if (spare === undefined) make(target, connected)
      else
        queueMicrotask(() => {
          connected(null, spare)
        }) // at once it would not hear
    },
  })
}

function throughProxy(proxy: URL, options: ConnectionOptions): buildConnector.connector {
  return (target, connected) => {
    const secure = target.protocol === 'https:'
    const { hostname, port } = placeOf(target)
    const over = secure ? { ...verifiedTls(options), servername: serverName(hostname) } : undefined
    openTunnel(proxy, { hostname, port, tls: over }, options, (error, socket) => {
      if (socket === undefined) connected(error ?? new Error('no connection'), null)
      else whenUsable(socket, secure, connected)
    })
  }
}

/** undici takes a TLS connection only after its handshake. */
function whenUsable(socket: Socket, secure: boolean, connected: buildConnector.Callback): void {
  if (!secure) {
    connected(null, socket)
    return
  }
  const fail = (error: Error): void => {
    connected(error, null)
  }
  socket.once('error', fail)
  socket.once('secureConnect', () => {
    socket.off('error', fail)
    connected(null, socket)
  })
}

class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly answer: Promise<WireAnswer>
  readonly #body: BodyBuffer
  #resolve: (answer: WireAnswer) => void = () => undefined
  #reject: (error: Error) => void = () => undefined
  #controller: Controller | undefined
  #cancelled: Error | undefined
  readonly #connected: (() => void) | undefined

  constructor(cancellation: Cancellation) {
    this.#connected = cancellation.connected
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#body = new BodyBuffer({
      pause: () => this.#controller?.pause(),
      resume: () => this.#controller?.resume(),
      abort: (reason) => this.#controller?.abort(reason),
    })
    cancellation.onCancel((reason) => {
      this.#cancelled = reason
      if (this.#controller === undefined) this.#reject(reason)
      else this.#controller.abort(reason)
    })
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    this.#connected?.()
    if (this.#cancelled !== undefined) controller.abort(this.#cancelled)
  }

  onResponseStart(_controller: Controller, statusCode: number, headers: WireHeaders, statusText = ''): void {
    if (statusCode < 200) return // 100 and 103 announce an answer, they are none
    this.#resolve({ statusCode, statusText, headers, body: this.#body })
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.#body.push(chunk)
  }

  onResponseEnd(): void {
    this.#body.end()
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#reject(error)
    this.#body.fail(error)
  }
}
