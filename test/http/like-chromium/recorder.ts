import { readBody } from '../../site/exchange.ts'
import type { Shop } from '../../site/shop.ts'

/** One request as it came over the wire. */
export interface Recorded {
  readonly protocol: string
  readonly method: string
  /** Host, port, path and query. */
  readonly place: string
  /** Names as spelled and values, in order; pseudo headers of HTTP/2 included. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

export interface Recorder {
  /** What has come since the last call, and whether any of it was a preflight. */
  take(): { readonly requests: readonly Recorded[]; readonly preflights: number }
}

/**
 * Records what comes to `/rec/…` on every host of the shop. `?to=<url>&status=<code>` redirects; `?header=<name>:<value>`
 * is said with the answer. Preflights are allowed and only counted: nobody but a page sends them.
 */
export function recordWire(shop: Shop): Recorder {
  let requests: Recorded[] = []
  let preflights = 0
  shop.on('*', '/rec/*', async (req, res) => {
    const { origin } = req.headers
    if (origin !== undefined) {
      res.setHeader('access-control-allow-origin', origin)
      res.setHeader('access-control-allow-credentials', 'true')
      res.setHeader('access-control-allow-methods', 'GET, HEAD, POST, PUT, PATCH, DELETE')
      res.setHeader('access-control-allow-headers', req.headers['access-control-request-headers'] ?? '*')
    }
    if (req.method === 'OPTIONS') {
      preflights += 1
      res.writeHead(204).end()
      return
    }
    const body = (await readBody({ req } as never)).toString('latin1')
    const host = req.headers.host ?? String(req.headers[':authority'])
    const { httpVersion: protocol, method = '', url = '' } = req
    const headers = req.rawHeaders.flatMap((name, at, raw): [string, string][] =>
      at % 2 === 0 ? [[name, raw[at + 1] ?? '']] : [],
    )
    requests.push({ protocol, method, place: host + url, headers, body })
    const asked = new URL(url, 'https://rec.test').searchParams
    for (const line of asked.getAll('header')) {
      const at = line.indexOf(':')
      res.setHeader(line.slice(0, at), line.slice(at + 1))
    }
    res.setHeader('cache-control', 'no-store')
    const to = asked.get('to')
    if (to === null) res.writeHead(200, { 'content-type': 'text/html' }).end(blankPage)
    else res.writeHead(Number(asked.get('status') ?? '302'), { location: to }).end()
  })
  return {
    take() {
      const taken = { requests, preflights }
      requests = []
      preflights = 0
      return taken
    },
  }
}

const blankPage = '<!doctype html><link rel="icon" href="data:,"><p>recorded</p>'
