import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Traffic } from '../../src/http/trouble/traffic.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import { clientNames, clientOf, dyingCarrier, type Asked } from './clients.ts'

/**
 * Law: what may change something is sent once, whatever happens to it, unless its maker allows more. A fault at every point
 * of the exchange; what the server has seen is counted.
 */
let shop: Shop
const seen = new Map<string, number>()

const faults: Record<string, (req: IncomingMessage, res: ServerResponse) => void> = {
  'cut before the request is read': (req) => req.socket.destroy(),
  'cut after the request is read': (req) => {
    req.resume().once('end', () => req.socket.destroy())
  },
  'cut in the head': (req) => {
    req.resume().once('end', () => {
      req.socket.end('HTTP/1.1 200 OK\r\ncontent-le')
    })
  },
  'cut in the body': (req, res) => {
    res.writeHead(200, { 'content-length': '100' }).write('half')
    setImmediate(() => req.socket.destroy())
  },
  'reset on a kept connection': (req) => req.socket.resetAndDestroy(),
  'no HTTP at all': (req) => req.socket.end('SSH-2.0-OpenSSH\r\n'),
  'status 401': (_, res) => res.writeHead(401).end(),
  'status 403': (_, res) => res.writeHead(403).end(),
  'status 408': (_, res) => res.writeHead(408).end(),
  'status 429': (_, res) => res.writeHead(429, { 'retry-after': '0' }).end(),
  'status 500': (_, res) => res.writeHead(500).end(),
  'status 503': (_, res) => res.writeHead(503).end(),
  'status 503 with a time': (_, res) => res.writeHead(503, { 'retry-after': '0.02' }).end(),
  'sent to the login page': (_, res) => res.writeHead(302, { location: '/enter' }).end(),
  'the login page': (_, res) =>
    res.writeHead(200, { 'content-type': 'text/html' }).end('<input type="password">'),
  'a challenge': (_, res) => res.writeHead(403, { 'cf-mitigated': 'challenge' }).end(),
}
/** Where trying again is of no use, allowed or not. */
const pointless = new Set(['a challenge', 'no HTTP at all'])

beforeAll(async () => {
  shop = await startShop()
  shop.on('*', '/enter', (_, res) => {
    res.end('enter')
  })
  // The first request of each number fails, all others are answered.
  shop.on('*', '/fault/*', (req, res) => {
    const [, , kind = '', number = ''] = (req.url ?? '').split('/')
    const count = (seen.get(number) ?? 0) + 1
    seen.set(number, count)
    if (count === 1) faults[decodeURIComponent(kind)]?.(req, res)
    else req.resume().once('end', () => res.end('fine'))
  })
})
afterAll(() => shop.close())

let counter = 0

/** How often the server saw one request that meets `fault` the first time; on a connection that has been used before. */
async function timesSeen(name: (typeof clientNames)[number], fault: string, asked: Asked): Promise<number> {
  const { carrier } = dyingCarrier({
    traffic: new Traffic({ retry: { backOff: 2 } }),
    deadSigns: { pages: ['/enter'] },
  })
  const client = await clientOf(name, carrier, { lookup: shop.lookup, ca: shop.ca })
  const number = String(++counter)
  const host = `f${number}.test`
  try {
    await client.ask(shop.httpUrl(host, '/blank'))
    await client
      .ask(shop.httpUrl(host, `/fault/${encodeURIComponent(fault)}/${number}`), asked)
      .catch(() => undefined)
  } finally {
    await client.close()
  }
  return seen.get(number) ?? 0
}

describe.each(clientNames)('%s', (name) => {
  test.each(Object.keys(faults))('%s: a POST is seen once', async (fault) => {
    expect(await timesSeen(name, fault, { method: 'POST', body: 'a=1' })).toBe(1)
  })

  test.each(['PUT', 'PATCH', 'DELETE'])('a %s is seen once, too', async (method) => {
    for (const fault of ['cut after the request is read', 'status 401', 'status 503'])
      expect(await timesSeen(name, fault, { method })).toBe(1)
  })

  test.each(Object.keys(faults))('%s: control: one that may be repeated is', async (fault) => {
    const times = pointless.has(fault) ? 1 : 2
    // A cut body is not ours to see where it is given out as a stream.
    const isStreamed = fault === 'cut in the body' && name.startsWith('fetch')
    const headers = { 'Idempotency-Key': 'k1' }
    expect(await timesSeen(name, fault, { method: 'POST', body: 'a=1', headers })).toBe(
      isStreamed ? 1 : times,
    )
    expect(await timesSeen(name, fault, {})).toBe(isStreamed ? 1 : times)
  })
})
