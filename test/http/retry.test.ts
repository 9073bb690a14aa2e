import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttp } from '../../src/http/client.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import { clientNames, clientOf, failureOf, type Client } from './clients.ts'
import { placeOn, trafficTo, type Answer, type Place } from './trouble.ts'

let shop: Shop

beforeAll(async () => {
  shop = await startShop()
})
afterAll(() => shop.close())

const place = (answer: Answer): Place => placeOn(shop, answer)
const withTraffic = (options?: HttpOptions): ReturnType<typeof trafficTo> => trafficTo(shop, options)

/** A few ways to fail that pass. */
const passing: Record<string, Answer> = {
  'a connection that is cut before the head': (req) => req.socket.destroy(),
  'status 503': (_, res) => res.writeHead(503).end(),
  'status 500': (_, res) => res.writeHead(500).end('{}'),
  'status 429': (_, res) => res.writeHead(429, { 'retry-after': '0' }).end(),
  'status 503 with a time': (_, res) => res.writeHead(503, { 'retry-after': '0.1' }).end(),
}

describe.each(clientNames)('%s', (name) => {
  async function using<T>(
    { carrier, options }: ReturnType<typeof withTraffic>,
    work: (client: Client) => Promise<T>,
  ): Promise<T> {
    const client = await clientOf(name, carrier, options)
    try {
      return await work(client)
    } finally {
      await client.close()
    }
  }

  test.each(Object.keys(passing))('%s passes: the GET is sent again', async (kind) => {
    const { url, arrivals } = place((req, res, number) => {
      if (number <= 2) passing[kind]?.(req, res, number)
      else res.end('fine')
    })
    expect(await using(withTraffic(), async (client) => (await client.ask(url)).text)).toBe('fine')
    expect(arrivals).toHaveLength(3)
  })

  test('after three more times the last answer stands', async () => {
    const { url, arrivals } = place((_, res) => res.writeHead(503).end('down'))
    const answer = await using(withTraffic(), (client) => client.ask(url))
    expect([answer.status, answer.text, arrivals.length]).toEqual([503, 'down', 4])
  })

  test.each([
    ['retry: false', { retry: false }],
    ['limit: 0', { retry: { limit: 0 } }],
  ] as const)('with %s it is sent once', async (_what, options) => {
    const { url, arrivals } = place((_, res) => res.writeHead(503).end())
    expect((await using(withTraffic(options), (client) => client.ask(url))).status).toBe(503)
    expect(arrivals).toHaveLength(1)
  })

  test.each([404, 410, 501])('status %i does not pass', async (status) => {
    const { url, arrivals } = place((_, res) => res.writeHead(status).end())
    expect((await using(withTraffic(), (client) => client.ask(url))).status).toBe(status)
    expect(arrivals).toHaveLength(1)
  })

  test('a wait can be called off', async () => {
    const { url, arrivals } = place((_, res) => res.writeHead(429, { 'retry-after': '20' }).end())
    const under = withTraffic()
    await using(under, async (client) => {
      const controller = new AbortController()
      const failure = failureOf(client.ask(url, { signal: controller.signal }))
      await expect.poll(() => under.traffic.standings()[0]?.heldUntil).toBeDefined()
      controller.abort(new Error('enough'))
      expect((await failure).message).toBe('enough')
    })
    expect(arrivals).toHaveLength(1)
  })

  test('closing the client ends a wait', async () => {
    const { url } = place((_, res) => res.writeHead(429, { 'retry-after': '20' }).end())
    const under = withTraffic()
    const client = await clientOf(name, under.carrier, under.options)
    const failure = failureOf(client.ask(url))
    await expect.poll(() => under.traffic.standings()[0]?.heldUntil).toBeDefined()
    await client.close()
    expect(await failure).toMatchObject({ code: 'closed' })
  })
})

describe('a body that is cut off', () => {
  test('is asked for again by session.http, which reads it whole', async () => {
    const { url, arrivals } = place((req, res, number) => {
      res.writeHead(200, { 'content-length': '10' }).write('01234')
      if (number === 1) setImmediate(() => req.socket.destroy())
      else res.end('56789')
    })
    const { carrier, options } = withTraffic()
    const http = createHttp(carrier, options)
    expect(await http(url).text()).toBe('0123456789')
    expect(arrivals).toHaveLength(2)
    await http.close()
  })
})
