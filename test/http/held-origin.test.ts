import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createHttp } from '../../src/http/client.ts'
import { createFetch } from '../../src/http/fetch.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import { carrierOf, failureOf } from './clients.ts'
import { placeOn, trafficTo, type Answer, type Place } from './trouble.ts'

let shop: Shop

beforeAll(async () => {
  shop = await startShop()
})
afterAll(() => shop.close())

const place = (answer: Answer): Place => placeOn(shop, answer)
const withTraffic = (options?: HttpOptions): ReturnType<typeof trafficTo> => trafficTo(shop, options)

describe('an origin that says "later"', () => {
  test('law: 100 workers, one 429 with Retry-After: 2, and no request of either client before the time', async () => {
    const workers = 100
    const echo = shop.url('shop.test', '/echo')
    const held: ServerResponse[] = []
    let saidAt = 0
    let saidAtUnix = 0
    const under = place((_, res, number) => {
      if (number < workers) held.push(res)
      else if (number === workers) {
        saidAt = performance.now()
        saidAtUnix = Date.now()
        res.writeHead(429, { 'retry-after': '2' }).end()
      } else res.end('later')
    })
    const { carrier, traffic, options } = withTraffic()
    const told = new Promise<void>((resolve) => Object.assign(carrier, { blocked: resolve }))
    const http = createHttp(carrier, options)
    const fetch = createFetch(carrier, options)
    for (let n = 0; n < 5; n++) await Promise.all([http(echo), fetch(echo)]) // loads what clients load once
    const texts = Array.from({ length: workers }, async (_, n) => {
      const ask = async (): Promise<string> =>
        n % 2 === 0 ? http(under.url).text() : (await fetch(under.url)).text()
      return [await ask(), await ask()]
    })
    await told
    expect(traffic.standings()[0]?.heldUntil).toBeGreaterThanOrEqual(saidAtUnix + 2_000)
    for (const res of held) res.end('first')
    const before = under.arrivals.length
    const other = (await http(echo)).statusCode // another origin is not held
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
    const cooldown = 600_000 // passes when the test says so, not while the machine stands still
    let isDown = true
    let trial: ServerResponse | undefined
    const under = place((_, res) => {
      if (isDown) res.writeHead(500).end()
      else if (trial === undefined) trial = res
      else res.end('fine')
    })
    const { carrier, traffic, options } = withTraffic({
      retry: { limit: 0 },
      circuit: { failures: 3, cooldown },
    })
    const http = createHttp(carrier, options)
    const standing = () => traffic.standings()[0]
    const uptime = process.uptime.bind(process)
    let passed = 0
    const clock = vi.spyOn(process, 'uptime').mockImplementation(() => uptime() + passed / 1_000)
    onTestFinished(() => {
      clock.mockRestore()
    })
    const cooled = (): void => {
      passed += cooldown + 1
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

    cooled()
    expect(await failureOf(http(under.url))).toMatchObject({ statusCode: 500 }) // the trial fails
    expect(standing()).toMatchObject({ circuit: 'open', failures: 4 })
    expect(await failureOf(http(under.url))).toMatchObject({ code: 'circuit-open' })
    expect(under.arrivals).toHaveLength(4)

    isDown = false
    cooled()
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
