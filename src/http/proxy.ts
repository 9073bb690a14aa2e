import type { Socket } from 'node:net'
import type { ConnectionOptions, VerifiedTls } from './tls.ts'
import { verifiedTls } from './tls.ts'

/** Where a connection is to lead, as Node's agents and undici name it. */
export interface TunnelTarget {
  readonly hostname: string
  readonly port: number
  /** For TLS to the target; `undefined` speaks plainly to it. */
  readonly tls: TunnelTls | undefined
}

export interface TunnelTls extends VerifiedTls {
  readonly servername: string
  /** Protocols to offer; default HTTP/1.1 alone. */
  readonly ALPNProtocols?: string[]
}

/** Milliseconds for the proxy to open the way. */
const patience = 30_000

type Connected = (error: Error | null, socket?: Socket) => void

/** The egress of a session. Throws `TypeError` for what is no HTTP proxy, without quoting it: it may hold a password. */
export function proxyOf(options: ConnectionOptions): URL | undefined {
  if (options.proxyUrl === undefined) return undefined
  if (!URL.canParse(options.proxyUrl)) throw new TypeError('proxyUrl is not a URL.')
  const proxy = new URL(options.proxyUrl)
  if (proxy.protocol !== 'http:' && proxy.protocol !== 'https:')
    throw new TypeError(`proxyUrl must be an http or https URL, not ${proxy.protocol}`)
  return proxy
}

/**
 * A connection to `target` through the proxy's CONNECT, for plain http targets too: the proxy sees a name and bytes,
 * never a header. When the proxy is dead or says no, that is the end: nothing ever goes around it.
 */
export function openTunnel(
  proxy: URL,
  target: TunnelTarget,
  options: ConnectionOptions,
  connected: Connected,
): void {
  const secure = proxy.protocol === 'https:'
  const { request } = process.getBuiltinModule(secure ? 'node:https' : 'node:http')
  const place = `${target.hostname}:${String(target.port)}`
  const asking = request({
    protocol: proxy.protocol,
    host: proxy.hostname,
    port: proxy.port === '' ? (secure ? 443 : 80) : Number(proxy.port),
    method: 'CONNECT',
    path: place,
    agent: false,
    headers: { Host: place, ...authorization(proxy) },
    ...(options.lookup !== undefined && { lookup: options.lookup }),
    ...(secure && verifiedTls(options)),
  })
  asking.once('connect', (answer, socket, head) => {
    if (answer.statusCode !== 200) {
      socket.destroy()
      connected(proxyError(`PROXY_ANSWERED_${String(answer.statusCode)}`))
      return
    }
    socket.setTimeout(0)
    if (head.length > 0) socket.unshift(head)
    connected(null, target.tls === undefined ? socket : overTls(socket, target.hostname, target.tls))
  })
  asking.on('error', (error: NodeJS.ErrnoException) => {
    connected(proxyError(`PROXY_${error.code ?? 'FAILED'}`))
  })
  asking.setTimeout(patience, () => {
    asking.destroy(Object.assign(new Error('The proxy is silent'), { code: 'ETIMEDOUT' }))
  })
  asking.end()
}

/** `host`: an address has no server name, and its certificate would be held against `localhost`. */
function overTls(socket: Socket, host: string, tls: TunnelTls): Socket {
  return process.getBuiltinModule('node:tls').connect({ ALPNProtocols: ['http/1.1'], ...tls, host, socket })
}

function authorization(proxy: URL): Record<string, string> {
  if (proxy.username === '' && proxy.password === '') return {}
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return { 'Proxy-Authorization': `Basic ${Buffer.from(pair).toString('base64')}` }
}

function proxyError(code: string): Error {
  return Object.assign(new Error(`The proxy did not open the way: ${code}`), { code })
}

/** Servers are asked for by name in TLS; an address is none. */
export function serverName(hostname: string): string {
  return hostname.startsWith('[') || /^[\d.]+$/.test(hostname) || hostname.includes(':') ? '' : hostname
}
