import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Carrier } from '../../src/http/carrier.ts'
import { createHttp } from '../../src/http/client.ts'
import { createFetch } from '../../src/http/fetch.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import { Traffic } from '../../src/http/traffic.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import { carrierOf, clientNames, clientOf, cookie, failureOf, type Client } from './clients.ts'

let shop: Shop
let host = 0

beforeAll(async () => {
  shop = await startShop()
})
afterAll(() => shop.close())

type Answer = (req: IncomingMessage, res: ServerResponse, number: number) => void

interface Place {
  readonly url: string
  readonly origin: string
  /** When the server saw them, ms. */
  readonly arrivals: number[]
}

/** A route on an origin of its own; its answers are told how many requests there were. */
function place(answer: Answer): Place {
  const name = `r${String(++host)}.test`
  const arrivals: number[] = []
  shop.on(name, '/place', (req, res) => {
    arrivals.push(performance.now())
    answer(req, res, arrivals.length)
  })
  return { url: shop.httpUrl(name, '/place'), origin: new URL(shop.httpUrl(name)).origin, arrivals }
}

function withTraffic(options: HttpOptions = {}): {
  carrier: Carrier
  traffic: Traffic
  options: HttpOptions
} {
  if (options.retry === undefined) options = { ...options, retry: { backOff: 5 } }
  const traffic = new Traffic(options)
  const carrier = carrierOf({ cookies: [cookie({ name: 'sid', value: 'one' })], traffic })
  return { carrier, traffic, options: { lookup: shop.lookup, ca: shop.ca, ...options } }
}

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

describe('an origin that says "later"', () => {
  test('law: 100 workers, one 429 with Retry-After: 2, and no request of either client before the time', async () => {
    const workers = 100
    const held: ServerResponse[] = []
    let saidAt = 0
    const under = place((_, res, number) => {
      if (number < workers) held.push(res)
      else if (number === workers) {
        saidAt = performance.now()
        res.writeHead(429, { 'retry-after': '2' }).end()
      } else res.end('later')
    })
    const { carrier, options } = withTraffic()
    const told = new Promise<void>((resolve) => Object.assign(carrier, { blocked: resolve }))
    const http = createHttp(carrier, options)
    const fetch = createFetch(carrier, options)
    const texts = Array.from({ length: workers }, async (_, n) => {
      const ask = async (): Promise<string> =>
        n % 2 === 0 ? http(under.url).text() : (await fetch(under.url)).text()
      return [await ask(), await ask()]
    })
    await told
    for (const res of held) res.end('first')
    const before = under.arrivals.length
    const other = (await http(shop.url('shop.test', '/echo'))).statusCode // another origin is not held
    const answers = (await Promise.all(texts)).flat()
    const early = under.arrivals.slice(before).filter((at) => at - saidAt < 2_000)
    console.log(
      `100 workers, one 429: the first of ${String(under.arrivals.length - before)} later requests came after ` +
        `${String(Math.round((under.arrivals[before] ?? 0) - saidAt))} ms`,
    )
    expect(before).toBe(workers)
    expect(early).toEqual([])
    expect(other).toBe(200)
    expect(answers.filter((text) => text === 'first')).toHaveLength(workers - 1)
    expect(answers.filter((text) => text === 'later')).toHaveLength(workers + 1)
    await Promise.all([http.close(), fetch.close()])
  }, 60_000)

  test('control: without shared traffic they ask at once', async () => {
    const under = place((_, res, number) => {
      if (number === 1) res.writeHead(429, { 'retry-after': '2' }).end()
      else res.end('fine')
    })
    const http = createHttp(carrierOf({}), { lookup: shop.lookup, ca: shop.ca })
    expect(await failureOf(http(under.url))).toMatchObject({ code: 'response-status', tier: 'recoverable' })
    expect(await http(under.url).text()).toBe('fine')
    await http.close()
  })

  test('for longer than a request may wait is refused at once, with the time', async () => {
    const under = place((_, res) => res.writeHead(429, { 'retry-after': '86400' }).end())
    const { carrier, options } = withTraffic()
    const http = createHttp(carrier, options)
    const begun = Date.now()
    const failure = await failureOf(http(under.url))
    expect(failure).toMatchObject({
      code: 'blocked',
      by: 'rate limit',
      tier: 'blocked',
      statusCode: undefined,
    })
    const { until } = failure as unknown as { until: number }
    expect(until - begun).toBeGreaterThan(595_000)
    expect(until - begun).toBeLessThan(700_000) // capped at ten minutes
    expect(under.arrivals).toHaveLength(1)
    await http.close()
  })

  test('with a Retry-After that makes no sense is given some time, and asked again', async () => {
    const ask = async (value: string): Promise<void> => {
      const under = place((_, res, number) => {
        if (number === 1) res.writeHead(429, { 'retry-after': value }).end()
        else res.end('fine')
      })
      const { carrier, options } = withTraffic()
      const http = createHttp(carrier, options)
      expect(await http(under.url).text()).toBe('fine')
      const [first = 0, second = 0] = under.arrivals
      expect(second - first).toBeGreaterThanOrEqual(1_000)
      await http.close()
    }
    await Promise.all(['nonsense', '-3', ''].map(ask))
  })
})

describe('the circuit of an origin', () => {
  test('opens after failures in a row, lets one try, and closes or opens again by that', async () => {
    let isDown = true
    let trial: ServerResponse | undefined
    const under = place((_, res) => {
      if (isDown) res.writeHead(500).end()
      else if (trial === undefined) trial = res
      else res.end('fine')
    })
    const { carrier, traffic, options } = withTraffic({
      retry: { limit: 0 },
      circuit: { failures: 3, cooldown: 300 },
    })
    const http = createHttp(carrier, options)
    const standing = () => traffic.standings()[0]
    const cooled = async (): Promise<void> => {
      const until = performance.now() + 310
      await expect.poll(() => performance.now() > until).toBe(true)
    }

    for (let n = 1; n <= 3; n++) {
      expect(await failureOf(http(under.url))).toMatchObject({ code: 'response-status', statusCode: 500 })
      expect(standing()).toMatchObject({ failures: n, circuit: n < 3 ? 'closed' : 'open' })
    }
    const refused = await failureOf(http(under.url))
    expect(refused).toMatchObject({
      code: 'circuit-open',
      tier: 'recoverable',
      origin: under.origin,
      failures: 3,
    })
    expect(under.arrivals).toHaveLength(3)
    expect((await http(shop.url('shop.test', '/echo'))).statusCode).toBe(200) // others are not concerned

    await cooled()
    expect(await failureOf(http(under.url))).toMatchObject({ statusCode: 500 }) // the trial fails
    expect(standing()).toMatchObject({ circuit: 'open', failures: 4 })
    expect(await failureOf(http(under.url))).toMatchObject({ code: 'circuit-open' })
    expect(under.arrivals).toHaveLength(4)

    isDown = false
    await cooled()
    const tried = http(under.url).text()
    await expect.poll(() => trial).toBeDefined()
    expect(standing()?.circuit).toBe('half-open')
    expect(await failureOf(http(under.url))).toMatchObject({ code: 'circuit-open' }) // one only
    trial?.end('back')
    expect(await tried).toBe('back')
    expect(traffic.standings()).toEqual([])
    expect(await http(under.url).text()).toBe('fine')
    expect(under.arrivals).toHaveLength(6)
    await http.close()
  })

  test('stays closed when failures are not in a row, and opens for lost connections too', async () => {
    const under = place((req, res, number) => {
      if (number % 3 === 0) res.end('fine')
      else req.socket.destroy()
    })
    const { carrier, options } = withTraffic({ retry: { limit: 0 }, circuit: { failures: 3 } })
    const http = createHttp(carrier, options)
    const post = () =>
      failureOf(http.post(under.url, { json: {} }).then(() => Promise.reject(new Error('fine'))))
    const said: string[] = []
    for (let n = 0; n < 9; n++) said.push((await post()).message === 'fine' ? 'fine' : 'lost')
    expect(said).toEqual(['lost', 'lost', 'fine', 'lost', 'lost', 'fine', 'lost', 'lost', 'fine'])
    await http.close()
  })

  test('a trial that is called off lets another one try', async () => {
    const under = place((_, res, number) => {
      if (number === 1) res.writeHead(500).end()
      else if (number > 2) res.end('fine')
    })
    const { carrier, options } = withTraffic({ retry: false, circuit: { failures: 1, cooldown: 50 } })
    const http = createHttp(carrier, options)
    await failureOf(http(under.url))
    const until = performance.now() + 60
    await expect.poll(() => performance.now() > until).toBe(true)
    const controller = new AbortController()
    const off = failureOf(http(under.url, { signal: controller.signal }))
    await expect.poll(() => under.arrivals.length).toBe(2)
    controller.abort(new Error('enough'))
    await off
    expect(await http(under.url).text()).toBe('fine')
    await http.close()
  })
})

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
    await Promise.all(Array.from({ length: 8 }, () => http(under.url)))
    const { arrivals } = under
    expect((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)).toBeGreaterThanOrEqual(7 * 50 - 30)
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
    expect(under.arrivals).toHaveLength(2)
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
  // Node's client for the first requests, undici with a connection of its own for the rest.
  await expect.poll(() => fetch.connections()).toEqual({ requests: 20, opened: 2, open: 2, free: 2 })
  await expect.poll(() => http.connections()?.free).toBe(1)
  await Promise.all([http.close(), fetch.close()])
})
