import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { freePort } from '../site/free-port.ts'

/** A real HTTP proxy that leads every name to this machine, where the shop is, and remembers who was asked for. */
export interface TestProxy {
  /** With the user's name and password, where it wants them. */
  readonly url: string
  readonly asked: string[]
  close(): void
}

export async function startProxy(user?: {
  readonly name: string
  readonly password: string
}): Promise<TestProxy> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
  const expected = user === undefined ? undefined : `Basic ${btoa(`${user.name}:${user.password}`)}`
  server.on('connect', (req, socket) => {
    const place = req.url ?? ''
    if (expected !== undefined && req.headers['proxy-authorization'] !== expected) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="p"\r\n\r\n')
      return
    }
    asked.push(place)
    const target = connect(Number(place.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      target.pipe(socket).pipe(target)
    })
    socket.on('error', () => target.destroy())
    target.on('error', () => socket.destroy())
  })
  // Not one that somebody else may have a moment after it was closed: then it is to refuse.
  await once(server.listen(await freePort(), '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const access = user === undefined ? '' : `${user.name}:${encodeURIComponent(user.password)}@`
  return {
    url: `http://${access}127.0.0.1:${String(port)}`,
    asked,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
