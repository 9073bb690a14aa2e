import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { NotRepeatedError } from '../../src/http/trouble/traffic-errors.ts'
import { SessionDeadError } from '../../src/errors.ts'
import type { Carrier } from '../../src/http/carrier.ts'
import { createHttp } from '../../src/http/client.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import { clientNames, clientOf, dyingCarrier, failureOf, type Asked, type Client } from './clients.ts'

let shop: Shop
let asked: string[]

const loginPage =
  '<!doctype html><title>Sign in</title><form method=post><input name=email><input name=pw type="password"></form>'

/** How sites answer somebody who is not signed in. */
const deaths: Record<string, (req: IncomingMessage, res: ServerResponse) => void> = {
  'status 401': (_, res) => res.writeHead(401).end(),
  'status 403': (_, res) => res.writeHead(403).end('Forbidden'),
  'status 419': (_, res) => res.writeHead(419).end(),
  'status 440': (_, res) => res.writeHead(440).end(),
  'a redirect to the login page': (_, res) => res.writeHead(302, { location: '/login-here?next=x' }).end(),
  'two redirects, the last to the login page': (_, res) =>
    res.writeHead(303, { location: '/on-the-way' }).end(),
  'a redirect to where the probe saw the dead sent': (_, res) =>
    res.writeHead(302, { location: shop.url('id.test', '/sso/start?a=b') }).end(),
  'the login page itself': (_, res) => res.writeHead(200, { 'content-type': 'text/html' }).end(loginPage),
  'the login page, gzipped': (_, res) =>
    res
      .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-encoding': 'gzip' })
      .end(gzipSync(loginPage)),
  'a page as for nobody': (_, res) =>
    res
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<!doctype html><p id="personal-login">Everybody’s page ${String(Math.random())}`),
  'JSON that says so with status 200': (_, res) => {
    json(res, 200, { success: false, message: 'Not logged in' })
  },
  'JSON with a code of 401 and status 200': (_, res) => {
    json(res, 200, { code: 401, msg: 'x' })
  },
  'JSON that says so with status 400': (_, res) => {
    json(res, 400, { error: { type: 'OAuthException', code: 'invalid_token' } })
  },
  'a GraphQL error': (_, res) => {
    json(res, 200, {
      data: null,
      errors: [{ message: 'Go away', extensions: { code: 'UNAUTHENTICATED' } }],
    })
  },
  'a GraphQL error after much data': (_, res) => {
    json(res, 200, {
      data: { pages: 'x'.repeat(9_000) },
      errors: [{ message: 'no', extensions: { code: 'invalid-jwt' } }],
    })
  },
  'what the recipe knows': (_, res) => res.writeHead(200, { 'x-user': 'nobody' }).end('hello, stranger'),
}
const disguised = Object.keys(deaths).filter((kind) => !/status 4/.test(kind))

beforeAll(async () => {
  shop = await startShop()
  shop.on('shop.test', '/on-the-way', (_, res) => {
    res.writeHead(302, { location: '/login-here' }).end()
  })
  shop.on('shop.test', '/login-here', (_, res) => {
    res.writeHead(200, { 'content-type': 'text/html' }).end(loginPage)
  })
  shop.on('id.test', '/sso/start', (_, res) => {
    res.writeHead(200, { 'content-type': 'text/html' }).end(loginPage)
  })
  for (const [kind, die] of Object.entries(deaths))
    shop.on('shop.test', `/dies/${encodeURIComponent(kind)}`, (req, res) => {
      asked.push(`${req.method ?? ''} ${req.headers.cookie ?? ''}`)
      if (req.headers.cookie === 'sid=renewed') res.end('welcome')
      else die(req, res)
    })
  for (const [kind, die] of Object.entries(deaths))
    shop.on('shop.test', `/always/${encodeURIComponent(kind)}`, (req, res) => {
      asked.push(`${req.method ?? ''} ${req.headers.cookie ?? ''}`)
      die(req, res)
    })
})

afterAll(() => shop.close())
beforeEach(() => {
  asked = []
})

const at = (place: string, kind: string): string =>
  shop.url('shop.test', `/${place}/${encodeURIComponent(kind)}`)

function dying(liveness?: 'dead' | 'alive' | 'unclear'): ReturnType<typeof dyingCarrier> {
  const pages = [new URL(shop.url('shop.test', '/login-here')).href, '/sso/start']
  const isDead = (answer: { headers: Record<string, unknown> }): boolean =>
    answer.headers['x-user'] === 'nobody'
  const marks = { ofNobody: ['personal-login'], ofSomebody: ['personal-logout'] }
  return dyingCarrier({ deadSigns: { pages, isDead, marks } }, liveness)
}

describe.each(clientNames)('%s', (name) => {
  async function using<T>(carrier: Carrier, work: (client: Client) => Promise<T>): Promise<T> {
    const client = await clientOf(name, carrier, { lookup: shop.lookup, ca: shop.ca })
    try {
      return await work(client)
    } finally {
      await client.close()
    }
  }

  const ask = (carrier: Carrier, url: string, request: Asked = {}) =>
    using(carrier, (client) => client.ask(url, request))

  test.each(Object.keys(deaths))('%s: the session is renewed once and the page is read', async (kind) => {
    const { carrier, facts } = dying()
    expect((await ask(carrier, at('dies', kind))).text).toBe('welcome')
    expect(asked).toEqual(['GET sid=dead', 'GET sid=renewed'])
    expect(facts).toHaveLength(1)
  })

  test('a redirect to the login page is known when it is not followed, too', async () => {
    const { carrier } = dying()
    const answer = await ask(carrier, at('dies', 'a redirect to the login page'), { redirect: 'manual' })
    expect([answer.status, answer.text]).toEqual([200, 'welcome'])
  })

  test.each(Object.keys(deaths))(
    '%s is the answer when the probe says that the session lives',
    async (kind) => {
      const { carrier, facts } = dying('alive')
      const first = await ask(carrier, at('always', kind))
      expect(first.status).toBe(/status (4\d\d)$/.exec(kind)?.[1] === undefined ? 200 : first.status)
      expect(carrier.cell.epoch).toBe(0)
      await ask(carrier, at('always', kind))
      // Cleared for a while; after a 401 for a second only, which a slow machine may need.
      if (kind !== 'status 401') expect(facts).toHaveLength(1)
      expect(asked).toHaveLength(2)
    },
  )

  test.each(disguised)('%s is never given for an answer while the session is dead', async (kind) => {
    const { carrier } = dying()
    const failure = await failureOf(ask(carrier, at('always', kind)))
    expect(failure).toBeInstanceOf(SessionDeadError)
    expect(failure.message).toMatch(/was renewed, and the site still answers as to nobody/)
    expect(asked).toHaveLength(2)
  })

  test('a POST is not sent again; what looks like success is an error that says so', async () => {
    const { carrier } = dying()
    const post = { method: 'POST', body: 'x=1' }
    const failure = await failureOf(ask(carrier, at('dies', 'the login page itself'), post))
    expect(failure).toBeInstanceOf(NotRepeatedError)
    expect(asked).toEqual(['POST sid=dead'])
    expect(carrier.cell.epoch).toBe(1) // but the next one will do
  })

  test('a POST with an Idempotency-Key is sent again', async () => {
    const { carrier } = dying()
    const post = { method: 'POST', body: 'x=1', headers: { 'Idempotency-Key': 'a1' } }
    expect((await ask(carrier, at('dies', 'the login page itself'), post)).text).toBe('welcome')
    expect(asked).toEqual(['POST sid=dead', 'POST sid=renewed'])
  })

  test('what is sent while a dead session is renewed waits for it, and can be called off', async () => {
    const { carrier } = dying()
    let over: () => void = () => undefined
    let pausing: Promise<void> | undefined = new Promise((resolve) => (over = resolve))
    await using({ ...carrier, pausing: () => pausing }, async (client) => {
      const controller = new AbortController()
      const off = failureOf(client.ask(at('dies', 'status 401'), { signal: controller.signal }))
      const waiting = client.ask(at('dies', 'status 401'))
      controller.abort(new Error('enough'))
      expect((await off).message).toBe('enough')
      expect(asked).toEqual([])
      carrier.cell.replace({ ...renewedState() }, 1, 'renewal')
      pausing = undefined
      over()
      expect((await waiting).text).toBe('welcome')
      expect(asked).toEqual(['GET sid=renewed'])
    })
  })
})

describe('what only looks like it', () => {
  const harmless: [string, string, string][] = [
    ['a page that speaks of passwords', 'text/html', '<p>Never tell anybody your password.</p>'],
    ['a JSON list of people', 'application/json', '[{"name":"unauthorized","status":"401"}]'],
    ['JSON whose content speaks of it', 'application/json', '{"title":"How to fix: session expired"}'],
    ['a GraphQL error of another kind', 'application/json', '{"errors":[{"message":"no such field"}]}'],
    ['broken JSON', 'application/json', '{"error":"unauthorized"'],
    ['a text', 'text/plain', 'unauthorized: please log in'],
  ]
  test.each(harmless)('%s asks nobody', async (_what, type, body) => {
    shop.on('shop.test', '/harmless', (_, res) => {
      res.writeHead(200, { 'content-type': type }).end(body)
    })
    const { carrier, facts } = dying()
    const http = createHttp(carrier, { lookup: shop.lookup, ca: shop.ca })
    expect(await http(shop.url('shop.test', '/harmless')).text()).toBe(body)
    expect(facts).toEqual([])
    await http.close()
  })

  test('the login page is what it is to who asks for it', async () => {
    const { carrier, facts } = dying()
    const http = createHttp(carrier, { lookup: shop.lookup, ca: shop.ca })
    expect(await http(shop.url('shop.test', '/login-here')).text()).toBe(loginPage)
    expect(facts).toEqual([])
    await http.close()
  })
})

test('session.http takes idempotent: true for a POST', async () => {
  const { carrier } = dying()
  const http = createHttp(carrier, { lookup: shop.lookup, ca: shop.ca })
  const answer = await http.post(at('dies', 'a GraphQL error'), {
    json: { query: '{ me }' },
    idempotent: true,
  })
  expect(answer.text()).toBe('welcome')
  expect(asked).toEqual(['POST sid=dead', 'POST sid=renewed'])
  await http.close()
})

function renewedState() {
  const { carrier } = dying()
  const [sid] = carrier.cell.state.cookies
  if (sid === undefined) throw new Error('no cookie')
  return { cookies: [{ ...sid, value: 'renewed' }], origins: [] }
}

function json(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
