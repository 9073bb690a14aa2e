import { once } from 'node:events'
import { createServer as createProxy, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { RequestFailedError } from '../../src/errors.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import { carrierOf, clientNames, clientOf, cookie, failureOf, type Answered } from './clients.ts'

let shop: Shop
let proxy: Server
/** What the proxy was asked, and by whom. */
let asked: { place: string; headers: object }[]

beforeAll(async () => {
  shop = await startShop()
  proxy = createProxy()
  proxy.on('connect', (req, socket) => {
    const place = req.url ?? ''
    asked.push({ place, headers: req.headers })
    socket.on('error', () => undefined)
    if (req.headers['proxy-authorization'] !== `Basic ${btoa('user:p@ss')}`) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
      return
    }
    const target = connect(Number(place.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      target.pipe(socket).pipe(target)
    })
    target.on('error', () => socket.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
})

beforeEach(() => {
  asked = []
})

afterAll(async () => {
  proxy.close()
  await shop.close()
})

function proxyUrl(userinfo = 'user:p%40ss@'): string {
  return `http://${userinfo}proxy.test:${String((proxy.address() as AddressInfo).port)}`
}

describe.each(clientNames)('%s through a proxy', (name) => {
  async function ask(url: string, options: HttpOptions): Promise<Answered[]> {
    const carrier = carrierOf({ cookies: [cookie({ name: 'sid', value: 'canary' })] })
    const client = await clientOf(name, carrier, { lookup: shop.lookup, ca: shop.ca, ...options })
    try {
      return [await client.ask(url), await client.ask(url), await client.ask(url)]
    } finally {
      await client.close()
    }
  }

  test.each([
    ['https', () => shop.url('shop.test', '/echo?token=canary')],
    ['http', () => shop.httpUrl('shop.test', '/echo?token=canary')],
  ])('%s goes through kept tunnels that show the place and nothing else', async (_scheme, url) => {
    const answers = await ask(url(), { proxyUrl: proxyUrl() })
    for (const answer of answers) {
      expect(answer.status).toBe(200)
      expect(answer.text.toLowerCase()).not.toContain('proxy-authorization')
    }
    expect(new Set(asked.map(({ place }) => place))).toEqual(new Set([new URL(url()).host]))
    expect(asked.length).toBeLessThan(answers.length)
    expect(JSON.stringify(asked)).not.toContain('canary')
  })

  test('certificates are verified all the same', async () => {
    const error = await failureOf(ask(shop.url('shop.test', '/echo'), { proxyUrl: proxyUrl(), ca: [] }))
    expect(error).toBeInstanceOf(RequestFailedError)
    expect(error.message).toMatch(/SELF_SIGNED|UNABLE_TO/)
  })

  test.each([
    ['says no', () => proxyUrl('user:wr0ng@'), /PROXY_ANSWERED_407/],
    ['is dead', () => 'http://user:p%40ss@proxy.test:1', /PROXY_ECONNREFUSED/],
    ['is unknown', () => 'http://user:p%40ss@nowhere.example', /PROXY_ENOTFOUND/],
  ])('a proxy that %s is an error, and nothing goes around it', async (_what, url, reason) => {
    const before = shop.counters.requests
    const error = await failureOf(ask(shop.url('shop.test', '/echo'), { proxyUrl: url() }))
    expect(error).toBeInstanceOf(RequestFailedError)
    expect(error.message).toMatch(reason)
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/p@ss|p%40ss|wr0ng|canary/)
    expect(shop.counters.requests).toBe(before)
  })

  test.each(['socks5://proxy.test', 'not a URL, p@ss'])('%s is a TypeError', async (url) => {
    const error = await failureOf(ask(shop.url('shop.test', '/echo'), { proxyUrl: url }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).not.toContain('p@ss')
  })
})
