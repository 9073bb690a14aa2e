import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttp } from '../../src/http/client.ts'
import { createFetch } from '../../src/http/fetch.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import { carrierOf } from './clients.ts'

let shops: Readonly<Record<'https' | 'http' | 'HTTP/2', { readonly shop: Shop; url(path: string): string }>>
/** Requests that are held until so many are there. */
let held: ServerResponse[] = []
let most = 0

beforeAll(async () => {
  const old = await startShop()
  const modern = await startShop({ http2: true })
  for (const shop of [old, modern])
    shop.on('shop.test', '/together', (req, res) => {
      most = Math.max(most, held.push(res))
      if (held.length < Number(new URL(req.url ?? '', 'https://x').searchParams.get('number'))) return
      for (const one of held) one.end('done')
      held = []
    })
  shops = {
    https: { shop: old, url: (path) => old.url('shop.test', path) },
    http: { shop: old, url: (path) => old.httpUrl('shop.test', path) },
    'HTTP/2': { shop: modern, url: (path) => modern.url('shop.test', path) },
  }
})
afterAll(() => Promise.all([shops.https.shop.close(), shops['HTTP/2'].shop.close()]))

type Way = keyof typeof shops
const ways: Way[] = ['https', 'http', 'HTTP/2']

const together = (way: Way, number: number): string => shops[way].url(`/together?number=${String(number)}`)

function open(kind: 'http' | 'fetch', way: Way, options: HttpOptions) {
  const { lookup, ca } = shops[way].shop
  const carrier = carrierOf({})
  if (kind === 'http') {
    const http = createHttp(carrier, { lookup, ca, ...options })
    return { ask: (number = 1) => http(together(way, number)).text(), client: http }
  }
  const fetch = createFetch(carrier, { lookup, ca, ...options })
  return { ask: async (number = 1) => (await fetch(together(way, number))).text(), client: fetch }
}

describe.each(['http', 'fetch'] as const)('session.%s', (kind) => {
  test.each(ways)('%s: opens no more connections to an origin than allowed, and answers all', async (way) => {
    const { ask, client } = open(kind, way, { connections: { perOrigin: 2 } })
    for (let n = 0; n < 5; n++) await ask() // over the clients of the first requests
    most = 0
    const texts = await Promise.all(Array.from({ length: 30 }, () => ask(way === 'HTTP/2' ? 30 : 2)))
    expect(new Set(texts)).toEqual(new Set(['done']))
    expect(client.connections()?.open).toBeLessThanOrEqual(2)
    expect(most).toBe(way === 'HTTP/2' ? 30 : 2)
    await client.close()
  })

  test.each(ways)('%s: lets a connection go that was idle for so long', async (way) => {
    const { ask, client } = open(kind, way, { connections: { keepAlive: 50 } })
    for (let n = 0; n < 5; n++) await ask()
    await expect.poll(() => client.connections()?.open, { timeout: 20_000 }).toBe(0)
    expect(await ask()).toBe('done')
    await client.close()
  })

  test.each(ways)('control: %s: without limits many are open at once, and stay', async (way) => {
    const { ask, client } = open(kind, way, {})
    for (let n = 0; n < 5; n++) await ask()
    most = 0
    await Promise.all(Array.from({ length: 30 }, () => ask(30)))
    expect(most).toBe(30)
    expect(client.connections()?.open).toBeGreaterThan(0)
    await client.close()
  })

  test.each([{ perOrigin: 0 }, { perOrigin: 1.5 }, { keepAlive: -1 }])('%j is a TypeError', (connections) => {
    expect(() => open(kind, 'https', { connections })).toThrow(TypeError)
  })
})
