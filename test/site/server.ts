import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server as NetServer, Socket } from 'node:net'
import type { Authority } from './certificates.ts'
import { type Exchange, type Handler, send } from './exchange.ts'

/** Routes by host name (`*` is every host), then by path: exact, or `/first/*` for everything below a first part. */
export type Routes = Readonly<Record<string, Readonly<Record<string, Handler>>>>

export interface RunningServer {
  readonly ports: { readonly http: number; readonly https: number }
  /** Added routes come before the built-in ones. */
  add(host: string, path: string, handler: Handler): void
  close(): Promise<void>
}

export interface ServerOptions {
  readonly authority: Authority
  readonly routes: Routes
  readonly http2: boolean
  readonly ports: { readonly http: number; readonly https: number }
  /** Called for each request before its handler. */
  readonly count: () => void
}

export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const table = new Map<string, Handler>()
  const add = (host: string, path: string, handler: Handler): void => {
    table.set(`${host.toLowerCase()} ${path}`, handler)
  }
  for (const [host, paths] of Object.entries(options.routes)) {
    for (const [path, handler] of Object.entries(paths)) add(host, path, handler)
  }

  const ports = { http: 0, https: 0 }
  const listener = (secure: boolean) => (req: IncomingMessage, res: ServerResponse) => {
    options.count()
    const exchange = exchangeOf(req, res, secure, ports)
    const handler = find(table, exchange.host, exchange.path)
    if (handler === undefined) send(exchange, 404, 'text/plain', `Nothing at ${exchange.path}\n`)
    else run(handler, exchange)
  }

  const plain = keepAlive(createServer(listener(false)))
  const tls = createTls(options, listener(true))
  const sockets = [trackSockets(plain), trackSockets(tls)]
  ports.http = await listen(plain, options.ports.http)
  ports.https = await listen(tls, options.ports.https)
  return {
    ports,
    add,
    async close() {
      const closed = [plain, tls].map((server) => new Promise((done) => server.close(done)))
      for (const open of sockets) for (const socket of open) socket.destroy()
      await Promise.all(closed)
    },
  }
}

function createTls(options: ServerOptions, listener: RequestListener): NetServer {
  const settings = {
    ...options.authority.fallback,
    SNICallback: (host: string, done: (error: Error | null, context?: SecureContextOf) => void): void => {
      options.authority.contextFor(host).then((context) => {
        done(null, context)
      }, done)
    },
  }
  // Node's HTTP/2 server offers the HTTP/1 request and answer objects to such a listener ("compatibility API").
  if (options.http2) return createSecureServer({ ...settings, allowHTTP1: true }, listener as never)
  return keepAlive(createTlsServer(settings, listener))
}

type SecureContextOf = Awaited<ReturnType<Authority['contextFor']>>

/** Connections stay open well beyond any test, so that no client meets one that closes under its hands. */
function keepAlive<S extends Pick<Server, 'keepAliveTimeout' | 'requestTimeout'>>(server: S): S {
  server.keepAliveTimeout = 120_000
  return server
}

function exchangeOf(
  req: IncomingMessage,
  res: ServerResponse,
  secure: boolean,
  ports: { readonly http: number; readonly https: number },
): Exchange {
  const authority = req.headers.host ?? String(req.headers[':authority'] ?? '')
  const url = req.url ?? '/'
  const at = url.indexOf('?')
  return {
    req,
    res,
    host: authority.replace(/:\d*$/, '').toLowerCase(),
    path: at === -1 ? url : url.slice(0, at),
    secure,
    origin: (host) =>
      secure ? `https://${host}:${String(ports.https)}` : `http://${host}:${String(ports.http)}`,
  }
}

function find(table: ReadonlyMap<string, Handler>, host: string, path: string): Handler | undefined {
  const below = `${path.slice(0, path.indexOf('/', 1) + 1)}*`
  return (
    table.get(`${host} ${path}`) ??
    (below.length > 1 ? table.get(`${host} ${below}`) : undefined) ??
    table.get(`* ${path}`) ??
    (below.length > 1 ? table.get(`* ${below}`) : undefined) ??
    table.get(`${host} *`) ??
    table.get('* *')
  )
}

/** A handler that throws answers 500 with its message: the shop is a test partner, its mistakes should be seen. */
function run(handler: Handler, exchange: Exchange): void {
  const fail = (error: unknown): void => {
    if (exchange.res.headersSent) exchange.res.destroy()
    else send(exchange, 500, 'text/plain', `${error instanceof Error ? error.message : String(error)}\n`)
  }
  try {
    const done = handler(exchange)
    if (done !== undefined) done.catch(fail)
  } catch (error) {
    fail(error)
  }
}

function trackSockets(server: NetServer): ReadonlySet<Socket> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return open
}

function listen(server: NetServer, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port)
    })
  })
}
