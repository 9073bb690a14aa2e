import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import type { Shop } from '../site/shop.ts'

/** A request as it arrived at a stop of a way. */
export interface Arrival {
  readonly origin: string
  readonly method: string
  readonly body: string
  /** What differs by redirect, as far as it was said. */
  readonly said: Readonly<Record<string, string>>
}

const compared = [
  'cookie',
  'authorization',
  'x-own',
  'x-learned',
  'content-type',
  'origin',
  'referer',
  'sec-fetch-site',
  'sec-fetch-mode',
  'sec-fetch-dest',
  'sec-fetch-storage-access',
]

/** Where redirects may lead from the shop's own host, from near to far. */
export const places = {
  'the same origin': ['home'],
  'another port': ['port'],
  'another host of the site': ['sub'],
  'another site': ['abroad'],
  'another site and back': ['abroad', 'home'],
  'another site and a third': ['abroad', 'third'],
  'its own site and another': ['sub', 'abroad'],
  'http on the same host': ['down'],
  'http on another site': ['downAbroad'],
} as const

/** The same from http on the shop's own host. */
export const placesFromHttp = {
  'the same origin': ['down'],
  'https on the same host': ['home'],
  'http on another site': ['downAbroad'],
  'https on another site and back': ['abroad', 'down'],
} as const

export interface RedirectSite {
  /** `from` and the stops, the last of which answers; each stop before it redirects with `status`. */
  way(id: string, status: number, from: Stop, stops: readonly Stop[]): string
  /** All that arrived on the way with that id, in order, without what CORS asks beforehand. */
  arrivals(id: string): readonly Arrival[]
  close(): Promise<void>
}

export type Stop = 'home' | 'port' | 'sub' | 'abroad' | 'third' | 'down' | 'downAbroad'

/** Ways of redirects through a shop, which remembers what arrives where. Says no to every CORS preflight. */
export async function startRedirectSite(shop: Shop): Promise<RedirectSite> {
  const door = await openDoor(shop)
  const seen = new Map<string, Arrival[]>()
  const origins: Record<Stop, string> = {
    home: shop.url('shop.test', ''),
    port: `https://shop.test:${String((door.address() as AddressInfo).port)}`,
    sub: shop.url('api.shop.test', ''),
    abroad: shop.url('other.test', ''),
    third: shop.url('third.test', ''),
    down: shop.httpUrl('shop.test', ''),
    downAbroad: shop.httpUrl('other.test', ''),
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method === 'OPTIONS') {
      res.writeHead(403).end()
      return
    }
    const url = new URL(req.url ?? '', 'https://x')
    const arrival = await arrivalOf(req)
    const id = url.searchParams.get('id') ?? ''
    seen.set(id, [...(seen.get(id) ?? []), arrival])
    const cors = {
      'access-control-allow-origin': req.headers.origin ?? '*',
      'access-control-allow-credentials': 'true',
    }
    const [to] = url.searchParams.getAll('to')
    if (to === undefined) res.writeHead(200, cors).end('landed')
    else res.writeHead(Number(url.searchParams.get('status')), { ...cors, location: to }).end()
  }
  shop.on('*', '/stop/*', answer)

  const way: RedirectSite['way'] = (id, status, from, stops) => {
    const [next, ...rest] = stops
    const asked = new URLSearchParams({ id, status: String(status) })
    if (next !== undefined) asked.set('to', way(id, status, next, rest))
    return `${origins[from]}/stop/${from}?${asked.toString()}`
  }
  return {
    way,
    arrivals: (id) => seen.get(id) ?? [],
    async close() {
      door.close()
      await once(door, 'close')
    },
  }
}

async function arrivalOf(req: IncomingMessage): Promise<Arrival> {
  const chunks: Buffer[] = []
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk)
  const host = req.headers.host ?? String(req.headers[':authority'])
  return {
    origin: `${'encrypted' in req.socket ? 'https' : 'http'}://${host}`,
    method: req.method ?? '',
    body: Buffer.concat(chunks).toString(),
    said: Object.fromEntries(
      compared.flatMap((name) => {
        const value = req.headers[name]
        return value === undefined ? [] : [[name, String(value)]]
      }),
    ),
  }
}

/** Another port of the same host: hands every byte on. */
async function openDoor(shop: Shop): Promise<Server> {
  const door = createServer((socket) => {
    const inner = connect(shop.address.ports.https, '127.0.0.1')
    socket.on('error', () => inner.destroy()).pipe(inner)
    inner.on('error', () => socket.destroy()).pipe(socket)
    socket.once('close', () => inner.destroy())
    inner.once('close', () => socket.destroy())
  })
  door.listen(0, '127.0.0.1')
  await once(door, 'listening')
  return door
}
