import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Authority } from '../site/certificates.ts'

/** Proxies that lead every name to this machine, and take only `user` with `p@ss` (SOCKS 4: only `user`). */
export const proxyKinds = ['http', 'https', 'socks5', 'socks5h', 'socks4a'] as const
export type ProxyKind = (typeof proxyKinds)[number]

export interface Proxies {
  /** What they were asked: place, and all that came with the asking. */
  readonly asked: { readonly place: string; readonly all: string }[]
  /** `userinfo` in place of the right one; `''` for none. */
  url(kind: ProxyKind, userinfo?: string): string
  /** From now on the SOCKS 5 proxy answers every request with this code. */
  answerSocks(code: number): void
  close(): Promise<void>
}

export async function startProxies(authority: Authority): Promise<Proxies> {
  const asked: { place: string; all: string }[] = []
  const sockets = new Set<Duplex>()
  let socksAnswer = 0
  const lead = (place: string, all: string, socket: Duplex, yes: Uint8Array | string): void => {
    asked.push({ place, all })
    const target = connect(Number(place.slice(place.lastIndexOf(':') + 1)), '127.0.0.1', () => {
      socket.write(yes)
      target.pipe(socket).pipe(target)
    })
    target.on('error', () => socket.destroy())
    socket.on('error', () => target.destroy()).once('close', () => target.destroy())
  }
  const tunnel = (server: Server): Server =>
    server.on('connect', (req: { url?: string; headers: Record<string, string> }, socket: Duplex) => {
      socket.on('error', () => undefined)
      if (req.headers['proxy-authorization'] === `Basic ${btoa('user:p@ss')}`)
        lead(
          req.url ?? '',
          JSON.stringify(req.headers),
          socket,
          'HTTP/1.1 200 Connection Established\r\n\r\n',
        )
      else
        socket.end(
          'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=proxy\r\n\r\n',
        )
    })
  const secure = createHttpsServer({
    ...authority.fallback,
    SNICallback: (_host, done) => {
      authority.contextFor('proxy.test').then((context) => {
        done(null, context)
      }, done)
    },
  })
  secure.on('tlsClientError', () => undefined)
  const socks5 = createServer((socket) => {
    void serveSocks5(socket, () => socksAnswer, lead).catch(() => socket.destroy())
  })
  const socks4 = createServer((socket) => {
    void serveSocks4(socket, lead).catch(() => socket.destroy())
  })
  const servers = {
    http: tunnel(createHttpServer()),
    https: tunnel(secure),
    socks5,
    socks5h: socks5,
    socks4a: socks4,
  }
  for (const server of new Set(Object.values(servers))) {
    server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  return {
    asked,
    url(kind, userinfo = kind === 'socks4a' ? 'user@' : 'user:p%40ss@') {
      return `${kind}://${userinfo}proxy.test:${String((servers[kind].address() as AddressInfo).port)}`
    },
    answerSocks(code) {
      socksAnswer = code
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await Promise.all([...new Set(Object.values(servers))].map((server) => once(server.close(), 'close')))
    },
  }
}

type Lead = (place: string, all: string, socket: Duplex, yes: Uint8Array) => void

async function serveSocks5(socket: Socket, answer: () => number, lead: Lead): Promise<void> {
  const methods = await bytes(socket, (await bytes(socket, 2))[1] ?? 0)
  if (!methods.includes(2)) {
    socket.end(Buffer.from([5, 0xff]))
    return
  }
  socket.write(Buffer.from([5, 2]))
  const user = await bytes(socket, (await bytes(socket, 2))[1] ?? 0)
  const password = await bytes(socket, (await bytes(socket, 1))[0] ?? 0)
  const known = user.toString() === 'user' && password.toString() === 'p@ss'
  socket.write(Buffer.from([1, known ? 0 : 1]))
  if (!known) return
  const kind = (await bytes(socket, 4))[3]
  const host =
    kind === 3
      ? (await bytes(socket, (await bytes(socket, 1))[0] ?? 0)).toString()
      : (await bytes(socket, kind === 1 ? 4 : 16)).join(kind === 1 ? '.' : ':')
  const place = `${host}:${String((await bytes(socket, 2)).readUInt16BE(0))}`
  const code = answer()
  const reply = Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0])
  if (code === 0) lead(place, place, socket, reply)
  else socket.end(reply)
}

async function serveSocks4(socket: Socket, lead: Lead): Promise<void> {
  const head = await bytes(socket, 8)
  const user = await text(socket)
  const address = [...head.subarray(4, 8)]
  const byName = address.slice(0, 3).every((part) => part === 0) && address[3] !== 0
  const place = `${byName ? await text(socket) : address.join('.')}:${String(head.readUInt16BE(2))}`
  const known = user === 'user'
  const reply = Buffer.from([0, known ? 90 : 91, 0, 0, 0, 0, 0, 0])
  if (known) lead(place, place, socket, reply)
  else socket.end(reply)
}

async function bytes(socket: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const read = count === 0 ? Buffer.alloc(0) : (socket.read(count) as Buffer | null)
    if (read !== null) return read
    if (socket.readableEnded || socket.destroyed) throw new Error('The client has gone')
    await Promise.race([once(socket, 'readable'), once(socket, 'close')])
  }
}

/** Up to the next zero. */
async function text(socket: Socket): Promise<string> {
  let said = ''
  for (let next = await bytes(socket, 1); next[0] !== 0; next = await bytes(socket, 1))
    said += next.toString()
  return said
}
