import type { Socket } from 'node:net'
import { credentialsOf, serverName, type TunnelTarget, type TunnelTls } from './proxy.ts'
import { type ConnectionOptions, verifiedTls } from './tls.ts'

/** Milliseconds for the proxy to open the way. */
const patience = 30_000

/** The way through the proxy to `target`. Rejects with an error whose code begins with `PROXY_` and says nothing else. */
export async function tunnel(proxy: URL, target: TunnelTarget, options: ConnectionOptions): Promise<Socket> {
  const bySocks = proxy.protocol.startsWith('socks')
  const socket = await (bySocks
    ? throughSocks(proxy, target, options)
    : throughConnect(proxy, target, options))
  return target.tls === undefined ? socket : overTls(socket, target.hostname, target.tls)
}

function throughConnect(proxy: URL, target: TunnelTarget, options: ConnectionOptions): Promise<Socket> {
  const secure = proxy.protocol === 'https:'
  const { request } = process.getBuiltinModule(secure ? 'node:https' : 'node:http')
  const place = `${target.hostname.includes(':') ? `[${target.hostname}]` : target.hostname}:${String(target.port)}`
  return new Promise((resolve, reject) => {
    const asking = request({
      protocol: proxy.protocol,
      host: hostOf(proxy),
      port: proxy.port === '' ? (secure ? 443 : 80) : Number(proxy.port),
      method: 'CONNECT',
      path: place,
      agent: false,
      headers: { Host: place, ...authorization(proxy) },
      ...lookupOf(options),
      // Node would ask for the certificate of whom Host names.
      ...(secure && { ...verifiedTls(options), servername: serverName(proxy.hostname) }),
    })
    asking.once('connect', (answer, socket, head) => {
      if (answer.statusCode !== 200) {
        socket.destroy()
        reject(proxyError(`ANSWERED_${String(answer.statusCode)}`))
        return
      }
      socket.setTimeout(0)
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    asking.on('error', (error: NodeJS.ErrnoException) => {
      reject(proxyError(error.code ?? 'FAILED'))
    })
    asking.setTimeout(patience, () => {
      asking.destroy(Object.assign(new Error('The proxy is silent'), { code: 'ETIMEDOUT' }))
    })
    asking.end()
  })
}

/** The proxy is given names, never addresses of ours: whoever can see our questions to DNS would know where we go. */
async function throughSocks(proxy: URL, target: TunnelTarget, options: ConnectionOptions): Promise<Socket> {
  const host = hostOf(proxy)
  const port = proxy.port === '' ? 1080 : Number(proxy.port)
  const [{ SocksClient }, socket] = await Promise.all([import('socks'), connected(host, port, options)])
  const { username: userId, password } = credentialsOf(proxy)
  try {
    await SocksClient.createConnection({
      command: 'connect',
      existing_socket: socket,
      timeout: patience,
      proxy: {
        host,
        port,
        type: proxy.protocol === 'socks4a:' ? 4 : 5,
        ...(userId !== '' && { userId }),
        ...(password !== '' && { password }),
      },
      destination: { host: target.hostname, port: target.port },
    })
  } catch (error) {
    socket.destroy()
    throw proxyError(socksReason(error)) // theirs holds the password
  }
  return socket
}

/** The connection to the proxy itself. */
function connected(host: string, port: number, options: ConnectionOptions): Promise<Socket> {
  const { connect } = process.getBuiltinModule('node:net')
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, ...lookupOf(options) })
    const fail = (error: NodeJS.ErrnoException): void => {
      socket.destroy()
      reject(proxyError(error.code ?? 'FAILED'))
    }
    socket.once('error', fail)
    socket.setTimeout(patience, () => {
      fail(Object.assign(new Error('The proxy is silent'), { code: 'ETIMEDOUT' }))
    })
    socket.once('connect', () => {
      socket.off('error', fail)
      socket.setTimeout(0)
      socket.removeAllListeners('timeout')
      resolve(socket)
    })
  })
}

/** What the package says in words, as a code. */
function socksReason(error: unknown): string {
  const said = error instanceof Error ? error.message : ''
  const answer = /proxy rejected connection - (?:\()?(\w+)/i.exec(said)?.[1]
  if (answer !== undefined) return `ANSWERED_${answer.toUpperCase()}`
  if (/authentication/i.test(said)) return 'AUTHENTICATION_FAILED'
  if (said.includes('timed out')) return 'ETIMEDOUT'
  if (said.includes('closed')) return 'ECONNRESET'
  return 'NOT_SOCKS'
}

/** `host`: an address has no server name, and its certificate would be held against `localhost`. */
function overTls(socket: Socket, host: string, tls: TunnelTls): Socket {
  const { connect } = process.getBuiltinModule('node:tls')
  return connect({ ALPNProtocols: ['http/1.1'], ...tls, host, socket })
}

function authorization(proxy: URL): Record<string, string> {
  const { username, password } = credentialsOf(proxy)
  if (username === '' && password === '') return {}
  const pair = Buffer.from(`${username}:${password}`).toString('base64')
  return { 'Proxy-Authorization': `Basic ${pair}` }
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

function lookupOf({ lookup }: ConnectionOptions): Pick<ConnectionOptions, 'lookup'> {
  return lookup === undefined ? {} : { lookup }
}

function proxyError(reason: string): Error {
  const code = `PROXY_${reason}`
  return Object.assign(new Error(`The proxy did not open the way: ${code}`), { code })
}
