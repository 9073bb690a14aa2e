import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ResponseStatusError } from '../../src/errors.ts'
import { createHttp } from '../../src/http/client.ts'
import type { Carrier, DeadAnswer, Revival } from '../../src/http/carrier.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import { carrierOf, clientNames, clientOf, cookie, type Client } from './clients.ts'

let shop: Shop
let asked: string[]

beforeAll(async () => {
  shop = await startShop()
  // Takes only the renewed session.
  shop.on('shop.test', '/guarded', (req, res) => {
    asked.push(`${req.method ?? ''} ${req.headers.cookie ?? ''}`)
    const alive = req.headers.cookie === 'sid=renewed'
    res.writeHead(alive ? 200 : 401).end(alive ? 'welcome' : 'who are you?')
  })
})

afterAll(() => shop.close())

/** A carrier that renews itself, and what it was asked. */
function renewing(renews = true): { carrier: Carrier; facts: DeadAnswer[] } {
  const facts: DeadAnswer[] = []
  const carrier = carrierOf({
    cookies: [cookie({ name: 'sid', value: 'dead' })],
    revive: (fact) => {
      facts.push(fact)
      if (!renews) return Promise.resolve('unclear')
      const state = { cookies: [cookie({ name: 'sid', value: 'renewed' })], origins: [] }
      carrier.cell.replace(state, carrier.cell.epoch + 1, 'renewal')
      return Promise.resolve('renewed')
    },
  })
  return { carrier, facts }
}

describe.each(clientNames)('%s', (name) => {
  async function using<T>(carrier: Carrier, work: (client: Client) => Promise<T>): Promise<T> {
    asked = []
    const client = await clientOf(name, carrier, { lookup: shop.lookup, ca: shop.ca })
    try {
      return await work(client)
    } finally {
      await client.close()
    }
  }

  test('a 401 renews the session and the request is sent again with what is new', async () => {
    const { carrier, facts } = renewing()
    const answer = await using(carrier, (client) => client.ask(shop.url('shop.test', '/guarded')))
    expect(answer.text).toBe('welcome')
    expect(asked).toEqual(['GET sid=dead', 'GET sid=renewed'])
    expect(facts).toMatchObject([{ epoch: 0, status: 401, url: new URL(shop.url('shop.test', '/guarded')) }])
  })

  test('without a renewal the 401 is the answer', async () => {
    const { carrier, facts } = renewing(false)
    const answer = await using(carrier, (client) => client.ask(shop.url('shop.test', '/guarded')))
    expect([answer.status, answer.text]).toEqual([401, 'who are you?'])
    expect(asked).toHaveLength(1)
    expect(facts).toHaveLength(1)
  })

  test('it is sent again once, not for ever', async () => {
    const { carrier, facts } = renewing()
    shop.on('shop.test', '/never', (_req, res) => {
      res.writeHead(401).end()
    })
    const answer = await using(carrier, (client) => client.ask(shop.url('shop.test', '/never')))
    expect(answer.status).toBe(401)
    expect(facts).toHaveLength(1)
  })

  test('what changes something on the server is not sent again, but the next one finds a renewed session', async () => {
    const { carrier, facts } = renewing()
    const request = { method: 'POST', body: 'x' }
    const answer = await using(carrier, (client) => client.ask(shop.url('shop.test', '/guarded'), request))
    expect(answer.status).toBe(401)
    expect(asked).toEqual(['POST sid=dead'])
    expect(facts).toHaveLength(1)
    expect(carrier.cell.epoch).toBe(1)
  })

  test('a renewal can be aborted', async () => {
    let revived: ((revival: Revival) => void) | undefined
    const { carrier } = renewing()
    const slow: Carrier = { ...carrier, revive: () => new Promise<Revival>((resolve) => (revived = resolve)) }
    await using(slow, async (client) => {
      const controller = new AbortController()
      const answer = client.ask(shop.url('shop.test', '/guarded'), { signal: controller.signal })
      const ended = answer.catch((error: unknown) => error)
      await expect.poll(() => asked.length).toBe(1)
      controller.abort(new Error('enough'))
      expect(await ended).toMatchObject({ message: 'enough' })
      revived?.('renewed')
    })
  })
})

test('session.http throws the 401 of a session that cannot be renewed', async () => {
  const http = createHttp(renewing(false).carrier, { lookup: shop.lookup, ca: shop.ca })
  await expect(http(shop.url('shop.test', '/guarded'))).rejects.toBeInstanceOf(ResponseStatusError)
  await http.close()
})
