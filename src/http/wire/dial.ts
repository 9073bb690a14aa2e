import type { TLSSocket } from 'node:tls'
import { placeOf } from './over-http2.ts'
import { openTunnel, proxyOf, serverName } from './proxy.ts'
import { type ConnectionOptions, verifiedTls } from './tls.ts'

/** A TLS connection that is being made. */
export interface Dialling {
  /** Rejects with the error of the network, the certificate or the proxy. */
  readonly socket: Promise<TLSSocket>
  abort(): void
}

/** Milliseconds until a connection has to be there; the exchange mostly says less. */
const patience = 30_000

/**
 * Connects to where `url` leads and offers `protocols` as a browser does (ALPN); which one the server took is
 * `socket.alpnProtocol`, false for a server that knows nothing of it.
 */
export function dial(url: URL, protocols: readonly string[], options: ConnectionOptions): Dialling {
  const place = placeOf(url)
  const tls = {
    ...verifiedTls(options),
    servername: serverName(place.hostname),
    ALPNProtocols: [...protocols],
  }
  const proxy = proxyOf(options)
  const { connect, TLSSocket: Tls } = process.getBuiltinModule('node:tls')
  let aborted = false
  let under: TLSSocket | undefined
  const socket = new Promise<TLSSocket>((resolve, reject) => {
    const shake = (connecting: TLSSocket): void => {
      under = connecting
      connecting.once('error', reject)
      connecting.setTimeout(patience, () => connecting.destroy(late()))
      connecting.once('secureConnect', () => {
        connecting.setTimeout(0)
        connecting.removeAllListeners('timeout')
        connecting.off('error', reject)
        connecting.on('error', () => undefined) // of the time between two owners
        resolve(connecting)
      })
      if (aborted) connecting.destroy(late())
    }
    if (proxy !== undefined)
      openTunnel(proxy, { ...place, tls }, options, (error, tunnel) => {
        if (tunnel instanceof Tls) shake(tunnel)
        else reject(error ?? new Error('no connection'))
      })
    else {
      const { lookup } = options
      const { hostname: host, port } = place
      shake(connect({ ...tls, host, port, ...(lookup !== undefined && { lookup }) }))
    }
  })
  return {
    socket,
    abort() {
      aborted = true
      under?.destroy(late())
    },
  }
}

function late(): Error {
  return Object.assign(new Error('The connection was not there in time'), { code: 'ETIMEDOUT' })
}
