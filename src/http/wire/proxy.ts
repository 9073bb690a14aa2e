import type { Socket } from 'node:net'
import type { ConnectionOptions, VerifiedTls } from './tls.ts'

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

/** With TLS: before its handshake is over. */
export type TunnelOpened = (error: Error | null, socket?: Socket) => void

const protocols = new Set(['http:', 'https:', 'socks5:', 'socks5h:', 'socks4a:'])

/** The egress of a session. Throws `TypeError` for what is no proxy that we know, without quoting it: it may hold a password. */
export function proxyOf(options: Pick<ConnectionOptions, 'proxyUrl'>): URL | undefined {
  if (options.proxyUrl === undefined) return undefined
  if (!URL.canParse(options.proxyUrl)) throw new TypeError('proxyUrl is not a URL.')
  const proxy = new URL(options.proxyUrl)
  if (!protocols.has(proxy.protocol))
    throw new TypeError(`proxyUrl must be one of ${[...protocols].join(', ')} not ${proxy.protocol}`)
  if (proxy.hostname === '') throw new TypeError('proxyUrl names no host.')
  if (proxy.protocol === 'socks4a:' && proxy.password !== '')
    throw new TypeError(
      'SOCKS 4 knows no password, only a user name: take it out of proxyUrl, or use socks5.',
    )
  return proxy
}

/**
 * A connection to `target` through the proxy, for plain http targets too: the proxy sees a name and bytes, never a
 * header. When the proxy is dead or says no, that is the end: nothing ever goes around it.
 */
export function openTunnel(
  proxy: URL,
  target: TunnelTarget,
  options: ConnectionOptions,
  opened: TunnelOpened,
): void {
  import('./tunnel.ts')
    .then(({ tunnel }) => tunnel(proxy, target, options))
    .then(
      (socket) => {
        opened(null, socket)
      },
      (error: unknown) => {
        opened(error instanceof Error ? error : new Error('no tunnel'))
      },
    )
}

/** The scheme by which Chromium knows this proxy. Playwright hands on what it does not know, and Chromium would go around it. */
export function browserScheme({ protocol }: Pick<URL, 'protocol'>): string {
  return protocol === 'socks5h:' ? 'socks5:' : protocol === 'socks4a:' ? 'socks4:' : protocol
}

/** A proxy as Playwright takes it. */
export function browserProxy(proxy: URL): {
  readonly server: string
  readonly username?: string
  readonly password?: string
} {
  const { username, password } = credentialsOf(proxy)
  return {
    server: `${browserScheme(proxy)}//${proxy.host}`,
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
  }
}

/** As they were meant: a percent sign that begins no escape is one, as in `50%off`; URLs take it, `decodeURIComponent` does not. */
export function credentialsOf({ username, password }: URL): {
  readonly username: string
  readonly password: string
} {
  const plain = (text: string): string => text.replace(/(?:%[\da-f]{2})+/gi, unescaped)
  return { username: plain(username), password: plain(password) }
}

function unescaped(escapes: string): string {
  try {
    return decodeURIComponent(escapes)
  } catch {
    return escapes
  }
}

/** Servers are asked for by name in TLS; an address is none. */
export function serverName(hostname: string): string {
  return hostname.startsWith('[') || /^[\d.]+$/.test(hostname) || hostname.includes(':') ? '' : hostname
}
