import * as zlib from 'node:zlib'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ClosedError, RequestFailedError, TimedOutError } from '../../src/errors.ts'
import type { Carrier } from '../../src/http/carrier.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import type { Echo } from '../site/workbench.ts'
import {
  carrierOf,
  clientNames,
  clientOf,
  cookie,
  failureOf,
  type Client,
  type ClientName,
} from './clients.ts'

let shop: Shop
let shops: Readonly<Record<Protocol, Shop>>

beforeAll(async () => {
  shops = { 'http/1.1': await startShop(), 'HTTP/2': await startShop({ http2: true }) }
  for (const one of Object.values(shops)) addRoutes(one)
  shop = shops['http/1.1']
})

afterAll(() => Promise.all(Object.values(shops).map((one) => one.close())))

function addRoutes(shop: Shop): void {
  shop.on('shop.test', '/coded', (req, res) => {
    const coding = new URL(req.url ?? '', 'https://x').searchParams.get('as') ?? ''
    const text = Buffer.from('grüße '.repeat(50))
    const coded = {
      gzip: zlib.gzipSync(text),
      deflate: zlib.deflateSync(text),
      'raw deflate': zlib.deflateRawSync(text),
      br: zlib.brotliCompressSync(text),
      'gzip, br': zlib.brotliCompressSync(zlib.gzipSync(text)),
      identity: text,
    }[coding]
    res.writeHead(200, { 'content-encoding': coding.replace('raw ', '') }).end(coded)
  })
  shop.on('shop.test', '/bomb', (_req, res) => {
    res.writeHead(200, { 'content-encoding': 'gzip' }).end(zlib.gzipSync(Buffer.alloc(30_000_000)))
  })
  shop.on('shop.test', '/endless', (_req, res) => {
    const timer = setInterval(() => res.write(Buffer.alloc(65_536)), 1)
    res.once('close', () => {
      clearInterval(timer)
    })
  })
  shop.on('shop.test', '/silent', () => undefined)
  shop.on('shop.test', '/status', (req, res) => {
    const status = Number(new URL(req.url ?? '', 'https://x').searchParams.get('code'))
    res.writeHead(status).end(status === 204 || status === 304 ? undefined : `status ${String(status)}`)
  })
  shop.on('shop.test', '/once', (req, res) => {
    // Answers one request per connection and then hangs up without saying so.
    res.writeHead(200, { connection: 'keep-alive' }).end('once')
    setImmediate(() => req.socket.destroy())
  })
}

type Protocol = 'http/1.1' | 'HTTP/2'

const subjects: [ClientName, Protocol][] = [
  ...clientNames.map((name): [ClientName, Protocol] => [name, 'http/1.1']),
  ['http', 'HTTP/2'],
  ['fetch', 'HTTP/2'],
]

/** What both clients must do alike: every case runs against each of them. */
describe.each(subjects)('%s, %s', (name, protocol) => {
  let carrier: Carrier
  let client: Client
  const opened: Client[] = []

  async function open(options: HttpOptions = {}): Promise<Client> {
    const found = await clientOf(name, carrier, { lookup: shop.lookup, ca: shop.ca, ...options })
    opened.push(found)
    return found
  }

  beforeAll(() => {
    shop = shops[protocol]
  })

  afterAll(() => {
    shop = shops['http/1.1']
  })

  beforeEach(async () => {
    carrier = carrierOf({ cookies: [cookie({ name: 'sid', value: 'one' })] })
    client = await open()
  })

  afterEach(() => Promise.all(opened.splice(0).map((one) => one.close())))

  async function echo(path = '/echo', asked = {}): Promise<Echo> {
    const seen = JSON.parse((await client.ask(shop.url('shop.test', path), asked)).text) as Echo
    expect(seen.httpVersion).toBe(protocol === 'HTTP/2' ? '2.0' : '1.1')
    return seen
  }

  const wire = (header: string): string => (protocol === 'HTTP/2' ? header.toLowerCase() : header)

  test('cookies go and come through the one cell', async () => {
    const line = encodeURIComponent('sid=two; Path=/; Secure; HttpOnly')
    await client.ask(shop.url('shop.test', `/set-cookie?line=${line}`))
    expect((await echo()).headers).toContainEqual([wire('Cookie'), 'sid=two'])
    expect(carrier.cell.state.cookies).toMatchObject([{ name: 'sid', value: 'two', httpOnly: true }])
  })

  test('asks for the address as it stands: an empty query is one', async () => {
    for (const path of ['/echo?', '/echo', '/echo?a=?', '/echo?#?', '/echo#?'])
      expect((await echo(path)).url).toBe(path.replace(/#.*/, ''))
  })

  test('one bad Set-Cookie line does not spoil the others or the answer', async () => {
    const lines = ['bad=1; Domain=elsewhere.test', '__Host-x=1; Path=/', 'good=1; Path=/; Secure', '\u0001=;']
    const query = lines
      .slice(0, 3)
      .map((line) => `line=${encodeURIComponent(line)}`)
      .join('&')
    const answer = await client.ask(shop.url('shop.test', `/set-cookie?${query}`))
    expect(answer.status).toBe(200)
    expect(answer.headers.getSetCookie()).toHaveLength(3)
    expect(carrier.cell.state.cookies.map((one) => one.name)).toEqual(['sid', 'good'])
  })

  test('an answer from before a renewal changes nothing', async () => {
    shop.on('shop.test', '/late', async (_req, res) => {
      carrier.cell.replace(
        { cookies: [cookie({ name: 'sid', value: 'renewed' })], origins: [] },
        1,
        'renewal',
      )
      await pause(1)
      res.writeHead(200, { 'set-cookie': 'sid=stale; Path=/; Secure' }).end()
    })
    await client.ask(shop.url('shop.test', '/late'))
    expect(carrier.cell.state.cookies[0]?.value).toBe('renewed')
  })

  test.each(['gzip', 'deflate', 'raw deflate', 'br', 'gzip, br', 'identity'])(
    '%s is decoded',
    async (coding) => {
      const answer = await client.ask(shop.url('shop.test', `/coded?as=${encodeURIComponent(coding)}`))
      expect(answer.text).toBe('grüße '.repeat(50))
    },
  )

  test('it asks only for codings that it can decode', async () => {
    const asked = (await echo()).headers.find(([header]) => header === wire('Accept-Encoding'))?.[1] ?? ''
    const known = ['gzip', 'deflate', 'br', ...('createZstdDecompress' in zlib ? ['zstd'] : [])]
    expect(known).toEqual(expect.arrayContaining(asked.split(', ')))
  })

  test.each([200, 201, 204, 304, 400, 404, 500])('status %i is handed out', async (code) => {
    const answer = await client.ask(shop.url('shop.test', `/status?code=${String(code)}`))
    expect(answer.status).toBe(code)
  })

  test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    '%s is answered',
    async (method) => {
      shop.on('shop.test', '/method', (req, res) => {
        res.setHeader('x-method', req.method ?? '')
        res.end('body')
      })
      const answer = await client.ask(shop.url('shop.test', '/method'), { method })
      expect(answer.headers.get('x-method')).toBe(method)
      expect(answer.text).toBe(method === 'HEAD' ? '' : 'body')
    },
  )

  test('a body arrives whole, with its length', async () => {
    const body = 'x'.repeat(200_000)
    const seen = await echo('/echo', { method: 'POST', body, headers: { 'Content-Type': 'text/plain' } })
    expect(seen.body).toBe(body)
    expect(seen.headers.find(([header]) => header.toLowerCase() === 'content-length')?.[1]).toBe('200000')
  })

  test('what the caller writes wins over identity and jar', async () => {
    const written = { 'User-Agent': 'Own/1', Cookie: 'mine=1', 'Accept-Language': 'de', 'X-Own': 'yes' }
    const seen = await echo('/echo', { headers: written })
    for (const [header, value] of Object.entries(written))
      expect(seen.headers).toContainEqual([wire(header), value])
    expect(seen.headers.filter(([header]) => header.toLowerCase() === 'cookie')).toHaveLength(1)
  })

  test('a time limit without end is none, and not one of no time', async () => {
    for (const timeout of [Infinity, 2 ** 40]) {
      const patient = await open({ timeout, timeouts: { headers: timeout } })
      expect((await patient.ask(shop.url('shop.test', '/echo'))).status).toBe(200)
    }
  })

  test('the time limit is a typed error', async () => {
    const error = await failureOf(
      (await open({ timeout: 50 })).ask(shop.url('shop.test', '/silent?token=canary')),
    )
    expect(error).toBeInstanceOf(TimedOutError)
    expect(error.message).toBe(`GET ${shop.url('shop.test', '/silent')} did not finish within 50 ms`)
  })

  test('a signal stops it with its own reason, before and while it runs', async () => {
    const reason = new Error('enough')
    const early = client.ask(shop.url('shop.test', '/echo'), { signal: AbortSignal.abort(reason) })
    expect(await failureOf(early)).toBe(reason)
    const controller = new AbortController()
    const late = client.ask(shop.url('shop.test', '/silent'), { signal: controller.signal })
    setTimeout(() => {
      controller.abort(reason)
    }, 20)
    expect(await failureOf(late)).toBe(reason)
  })

  test('closing ends what runs and refuses what comes', async () => {
    const running = failureOf(client.ask(shop.url('shop.test', '/silent')))
    await pause(50)
    await client.close()
    expect(await running).toBeInstanceOf(ClosedError)
    expect(await failureOf(client.ask(shop.url('shop.test', '/echo')))).toBeInstanceOf(ClosedError)
  })

  test('an idle connection that the server gave up is not the end of a GET', async () => {
    for (let round = 0; round < 5; round++) {
      expect((await client.ask(shop.url('shop.test', '/once'))).text).toBe('once')
      await pause(round)
    }
  })

  test('a connection that breaks under a POST is an error, and the POST is not repeated', async () => {
    let posts = 0
    shop.on('shop.test', '/break', (req) => {
      posts++
      req.socket.destroy()
    })
    const answer = client.ask(shop.url('shop.test', '/break'), { method: 'POST', body: 'x' })
    expect(await failureOf(answer)).toBeInstanceOf(RequestFailedError)
    expect(posts).toBe(1)
  })

  test.each([
    ['nowhere', 'a relative address'],
    ['ftp://shop.test/', 'another scheme'],
    ['https://user:canary@shop.test/', 'a password in the address'],
  ])('%s is a TypeError (%s)', async (url) => {
    const error = await failureOf(client.ask(url))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).not.toContain('canary')
  })

  test.each([
    ['with a line break', { 'X-Own': 'a\r\nX-Evil: canary' }],
    ['beyond Latin-1', { 'X-Own': 'canary→' }],
    ['with a bad name', { 'X Own: canary': '1' }],
  ])('a header %s is a TypeError that does not quote it', async (_what, headers) => {
    const error = await failureOf(client.ask(shop.url('shop.test', '/echo'), { headers }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).not.toContain('canary')
  })

  test('relative addresses follow the base', async () => {
    const answer = await (await open({ baseUrl: shop.url('shop.test', '/api/') })).ask('../echo?x=1')
    expect(answer.url).toBe(shop.url('shop.test', '/echo?x=1'))
  })
})

describe.each(['http', 'http over got'] as const)('answers without end, %s', (name) => {
  test.each(['/bomb', '/endless'])('%s is read up to the limit', async (path) => {
    const options = { lookup: shop.lookup as never, ca: shop.ca, maxResponseBytes: 1_000_000 }
    const client = await clientOf(name, carrierOf({}), options)
    const error = await failureOf(client.ask(shop.url('shop.test', path)))
    expect(error).toBeInstanceOf(RequestFailedError)
    expect(error).toMatchObject({ reason: 'too-big' })
    await client.close()
  })
})
