import type { ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttp } from '../../src/http/client.ts'
import { createFetch } from '../../src/http/fetch.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import { clientNames, clientOf, failureOf } from './clients.ts'
import { placeOn, trafficTo, type Answer, type Place } from './trouble.ts'

let shop: Shop

beforeAll(async () => {
  shop = await startShop()
})
afterAll(() => shop.close())

const place = (answer: Answer): Place => placeOn(shop, answer)
const withTraffic = (options?: HttpOptions): ReturnType<typeof trafficTo> => trafficTo(shop, options)

describe('limits per origin', () => {
  test('so many at a time, all of them in the end, both clients in one line', async () => {
    let most = 0
    const open: ServerResponse[] = []
    const under = place((_, res, number) => {
      most = Math.max(most, open.push(res))
      // The first three wait for each other: so many there must be.
      if (number > 2)
        setImmediate(() => {
          open.splice(0).forEach((one) => one.end('fine'))
        })
    })
    const { carrier, options } = withTraffic({ perOrigin: { concurrency: 3 } })
    const http = createHttp(carrier, options)
    const fetch = createFetch(carrier, options)
    const texts = await Promise.all(
      Array.from({ length: 40 }, async (_, n) =>
        n % 2 === 0 ? http(under.url).text() : (await fetch(under.url)).text(),
      ),
    )
    expect(texts).toEqual(Array.from({ length: 40 }, () => 'fine'))
    expect(most).toBe(3)
    await Promise.all([http.close(), fetch.close()])
  })

  test('a place is held until the end of the answer, and given back by those who fail or leave', async () => {
    const under = place((_, res, number) => {
      if (number === 1) res.writeHead(200).write('slow')
      else if (number === 2) res.writeHead(500).end()
      else res.end('fine')
    })
    const { carrier, options } = withTraffic({ retry: false, perOrigin: { concurrency: 1 } })
    const fetch = createFetch(carrier, options)
    const slow = await fetch(under.url)
    const second = fetch(under.url)
    const controller = new AbortController()
    const leaves = failureOf(fetch(under.url, { signal: controller.signal }))
    const fourth = fetch(under.url)
    controller.abort(new Error('enough'))
    expect((await leaves).message).toBe('enough')
    expect(under.arrivals).toHaveLength(1)
    await slow.body?.cancel()
    expect((await second).status).toBe(500)
    expect(await (await fourth).text()).toBe('fine')
    expect(under.arrivals).toHaveLength(3)
    await fetch.close()
  })

  test('so many a second, at even distances', async () => {
    const under = place((_, res) => res.end())
    const { carrier, options } = withTraffic({ perOrigin: { perSecond: 20 } })
    const http = createHttp(carrier, options)
    await http(under.url) // has a connection by then: none waits for one, which could outlast a distance
    const begun = performance.now()
    await Promise.all(Array.from({ length: 21 }, () => http(under.url)))
    // From before the first was sent: at the server a machine that stands still lets any of them come late.
    expect((under.arrivals.at(-1) ?? 0) - begun).toBeGreaterThanOrEqual(20 * 50 - 5)
    await http.close()
  })

  test('a line has an end and a deadline', async () => {
    const under = place(() => undefined)
    const { carrier, options } = withTraffic({ perOrigin: { concurrency: 1, queue: 1, patience: 50 } })
    const http = createHttp(carrier, options)
    const first = failureOf(http(under.url))
    await expect.poll(() => under.arrivals.length).toBe(1)
    const second = failureOf(http(under.url))
    expect(await second).toMatchObject({
      code: 'timed-out',
      operation: `Waiting in line for ${under.origin}`,
    })
    const [third, fourth] = [failureOf(http(under.url)), failureOf(http(under.url))]
    expect(await fourth).toMatchObject({ code: 'queue-full', origin: under.origin })
    expect(await third).toMatchObject({ code: 'timed-out' })
    await http.close()
    expect(await first).toMatchObject({ code: 'closed' })
  })
})

describe.each(clientNames)('time-outs of %s', (name) => {
  let silent: Server
  const sockets = new Set<Socket>()

  beforeAll(async () => {
    silent = createTcpServer((socket) => {
      sockets.add(socket.on('error', () => undefined))
    })
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
  })
  afterAll(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((done) => silent.close(done))
  })

  async function failing(url: string, options: HttpOptions): Promise<Error> {
    const under = withTraffic(options)
    const client = await clientOf(name, under.carrier, under.options)
    try {
      return await failureOf(client.ask(url))
    } finally {
      await client.close()
    }
  }

  test('connect: a peer that never speaks TLS', async () => {
    const { port } = silent.address() as AddressInfo
    const failure = await failing(`https://shop.test:${String(port)}/`, {
      timeouts: { connect: 60 },
      retry: { limit: 1, backOff: 5 },
    })
    expect(failure).toMatchObject({ code: 'timed-out', after: 60, tier: 'recoverable' })
    expect(failure.message).toMatch(/\(connect\)/)
  })

  test('headers: a server that does not answer is asked again', async () => {
    const under = place(() => undefined)
    const failure = await failing(under.url, { timeouts: { headers: 60 }, retry: { limit: 1, backOff: 5 } })
    expect(failure).toMatchObject({ code: 'timed-out', after: 60 })
    expect(failure.message).toMatch(/\(headers\)/)
    // The server may come round to what was sent after it was given up.
    await expect.poll(() => under.arrivals.length).toBe(2)
  })

  test('no time-out of one attempt disturbs the wait before the next', async () => {
    const under = place((_, res, number) => {
      if (number === 1) res.writeHead(429, { 'retry-after': '0.4' }).write('x')
      else res.end('fine')
    })
    const { carrier, options } = withTraffic({ timeouts: { body: 100 } })
    const client = await clientOf(name, carrier, options)
    expect((await client.ask(under.url)).text).toBe('fine')
    await client.close()
  })

  test('body: a server that stops in the middle', async () => {
    const under = place((_, res) => res.writeHead(200).write('x'))
    const failure = await failing(under.url, { timeouts: { body: 60 }, retry: false })
    expect(failure).toMatchObject({ code: 'timed-out', after: 60 })
    expect(failure.message).toMatch(/\(body\)/)
  })

  test('control: whoever is in time is not disturbed', async () => {
    const { carrier, options } = withTraffic({ timeouts: { connect: 20_000, headers: 20_000, body: 20_000 } })
    const client = await clientOf(name, carrier, options)
    for (let n = 0; n < 5; n++) expect((await client.ask(shop.url('shop.test', '/echo'))).status).toBe(200)
    await client.close()
  })
})

test('both clients say how their connections are used', async () => {
  const { carrier, options } = withTraffic()
  const http = createHttp(carrier, options)
  const fetch = createFetch(carrier, options)
  const url = shop.url('shop.test', '/echo')
  for (let n = 0; n < 20; n++) {
    await http(url)
    await (await fetch(url)).text()
  }
  expect(http.connections()).toMatchObject({ requests: 20, opened: 1, open: 1 })
  // Node's client for the first requests, undici with a connection of its own for the rest; the first one is let go.
  await expect.poll(() => fetch.connections()).toEqual({ requests: 20, opened: 2, open: 1, free: 1 })
  await expect.poll(() => http.connections()?.free).toBe(1)
  await Promise.all([http.close(), fetch.close()])
})
