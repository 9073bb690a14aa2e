import type { TLSSocket } from 'node:tls'
import type { Routing } from '../h2/routing.ts'
import type { ConnectionOptions } from './tls.ts'
import type { Transport } from './wire.ts'

/** Connections that were made to ask a server for its protocol, for whoever speaks HTTP/1.1 there. */
export type Spares = Map<string, TLSSocket>

/**
 * HTTP/2 where the server speaks it, and `http1` elsewhere: the server decides (ALPN), as in a browser. All of it is
 * loaded by the first https request (docs/decisions/0009-http2.md).
 */
export function overHttp2(
  options: ConnectionOptions,
  http1: (spares: Spares | undefined) => Transport,
): Transport {
  if (options.http2 === false) return http1(undefined)
  const spares: Spares = new Map()
  const plain = http1(spares)
  let loading: Promise<Routing> | undefined
  let routing: Routing | undefined
  const load = async (): Promise<Routing> => {
    const { Routing: Class } = await import('../h2/routing.ts')
    return (routing = new Class(options, plain, spares))
  }
  return {
    send(request, cancellation) {
      if (routing !== undefined) return routing.send(request, cancellation)
      if (request.url.protocol !== 'https:') return plain.send(request, cancellation)
      return (loading ??= load()).then((loaded) => loaded.send(request, cancellation))
    },
    connections: () => (routing ?? plain).connections?.(),
    close: async () => (loading === undefined ? plain : await loading).close(),
  }
}

export interface Place {
  readonly hostname: string
  readonly port: number
}

/** Host without brackets, and port, as Node's agents and undici name them. */
export function placeOf(url: Pick<URL, 'hostname' | 'port' | 'protocol'>): Place {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  return { hostname: url.hostname.replace(/^\[|\]$/g, ''), port }
}

export function spareKey({ hostname, port }: Place): string {
  return `${hostname}:${String(port)}`
}

export function takeSpare(spares: Spares | undefined, place: Place): TLSSocket | undefined {
  if (spares === undefined || spares.size === 0) return undefined
  const spare = spares.get(spareKey(place))
  spares.delete(spareKey(place))
  return spare?.destroyed === false ? spare : undefined
}
