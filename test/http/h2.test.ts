import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RequestFailedError } from '../../src/errors.ts'
import { createHttp } from '../../src/http/client.ts'
import { createFetch } from '../../src/http/fetch.ts'
import { type Authority, createAuthority } from '../site/certificates.ts'
import { launchChromium } from '../site/chromium.ts'
import { lookup } from '../site/dns.ts'
import { type Shop, startShop } from '../site/shop.ts'
import type { Echo } from '../site/workbench.ts'
import { carrierOf, cookie, failureOf } from './clients.ts'

type Answer = (stream: ServerHttp2Stream, path: string) => void

/** A server with its own say over streams, beside the shop. */
let authority: Authority
let server: Http2SecureServer
let fetch: ReturnType<typeof createFetch>
const answers = new Map<string, Answer>()
const sockets = new Set<TLSSocket>()

beforeAll(async () => {
  authority = await createAuthority()
  server = createSecureServer({
    ...authority.fallback,
    allowHTTP1: true,
    settings: { maxConcurrentStreams: 10, maxFrameSize: 1_000_000, maxHeaderListSize: 1_000_000 },
    maxSendHeaderBlockLength: 1_000_000,
    maxHeaderListPairs: 1_000,
    SNICallback: (host, done) => {
      authority.contextFor(host).then((context) => {
        done(null, context)
      }, done)
    },
  })
  server.on('secureConnection', (socket: TLSSocket) => sockets.add(socket))
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    const path = headers[':path'] ?? ''
    answers.get(path.split('?')[0] ?? '')?.(stream, path)
  })
  server.on('request', (req, res) => {
    if (req.httpVersion !== '1.1') return
    if (req.url === '/huge') res.setHeader('x-huge', 'v'.repeat(240_000))
    res.end('by HTTP/1.1')
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  fetch = createFetch(carrierOf({}), { lookup, ca: authority.ca })
})

afterAll(async () => {
  await fetch.close()
  for (const socket of sockets) socket.destroy()
  server.close()
})

function place(path: string, answer: Answer): string {
  answers.set(path, answer)
  return `https://own.test:${String((server.address() as AddressInfo).port)}${path}`
}

describe('what is spoken', () => {
  let modern: Shop
  let old: Shop
  beforeAll(async () => {
    modern = await startShop({ http2: true })
    old = await startShop()
  })
  afterAll(() => Promise.all([modern.close(), old.close()]))

  const versions = async (shop: Shop, options: { http2?: boolean }, times = 5): Promise<string[]> => {
    const settings = { lookup: shop.lookup, ca: shop.ca, ...options }
    const http = createHttp(carrierOf({}), settings)
    const own = createFetch(carrierOf({}), settings)
    const seen: string[] = []
    for (let n = 0; n < times; n++) {
      seen.push((await http(shop.url('shop.test', '/echo')).json<Echo>()).httpVersion)
      seen.push(((await (await own(shop.url('shop.test', '/echo'))).json()) as Echo).httpVersion)
    }
    await expect.poll(() => [http.connections()?.free, own.connections()?.free]).not.toContain(0)
    const [first, second] = [http.connections(), own.connections()]
    expect([first?.requests, second?.requests]).toEqual([times, times])
    expect(first).toMatchObject({ opened: 1, open: 1, free: 1 })
    // undici opens its own after the first requests
    expect(second?.opened).toBe(options.http2 === false || shop === old ? 2 : 1)
    await Promise.all([http.close(), own.close()])
    await expect.poll(() => [http.connections()?.open, own.connections()?.open]).toEqual([0, 0])
    return [...new Set(seen)]
  }

  test('is HTTP/2 where the server offers it, over one connection, the first request included', async () => {
    expect(await versions(modern, {})).toEqual(['2.0'])
  })

  test('is HTTP/1.1 elsewhere, over the connection that asked', async () => {
    expect(await versions(old, {})).toEqual(['1.1'])
  })

  test('is HTTP/1.1 everywhere with http2: false', async () => {
    expect(await versions(modern, { http2: false })).toEqual(['1.1'])
  })

  test('many first requests at once share one handshake', async () => {
    const own = createFetch(carrierOf({}), { lookup: modern.lookup, ca: modern.ca })
    await Promise.all(
      Array.from({ length: 50 }, async () => (await own(modern.url('shop.test', '/echo'))).text()),
    )
    expect(own.connections()).toMatchObject({ requests: 50, opened: 1, open: 1 })
    await own.close()
  })

  test('one of the first requests that is called off takes nothing from the others', async () => {
    const own = createFetch(carrierOf({}), { lookup: modern.lookup, ca: modern.ca })
    const controller = new AbortController()
    const called = failureOf(own(modern.url('shop.test', '/echo'), { signal: controller.signal }))
    const other = own(modern.url('shop.test', '/echo'))
    controller.abort(new Error('enough'))
    expect((await called).message).toBe('enough')
    expect((await other).status).toBe(200)
    await own.close()
  })

  test('a connection that nobody waits for any more is given up, and closing ends one that is being made', async () => {
    const silent = (await import('node:net')).createServer()
    const accepted: Socket[] = []
    silent.on('connection', (socket) => {
      socket.on('error', () => undefined).resume()
      accepted.push(socket)
    })
    await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening))
    const url = `https://silent.test:${String((silent.address() as AddressInfo).port)}/`
    const own = createFetch(carrierOf({}), { lookup })
    const controller = new AbortController()
    const called = failureOf(own(url, { signal: controller.signal }))
    await expect.poll(() => accepted.length).toBe(1)
    controller.abort(new Error('enough'))
    expect((await called).message).toBe('enough')
    await expect.poll(() => accepted[0]?.readableEnded).toBe(true)
    const closed = failureOf(own(url))
    await expect.poll(() => accepted.length).toBe(2)
    await own.close()
    expect(await closed).toMatchObject({ code: 'closed' })
    await expect.poll(() => accepted[1]?.readableEnded).toBe(true)
    silent.close()
  })
})

describe('the lines of a request', () => {
  let shop: Shop
  let browser: Browser
  let page: Page
  let clients: { http: ReturnType<typeof createHttp>; fetch: ReturnType<typeof createFetch> }
  const jar = [
    { name: 'first', value: '1' },
    { name: 'second', value: 'x'.repeat(50) },
    { name: 'plain', value: 'p', secure: false },
  ]

  beforeAll(async () => {
    shop = await startShop({ http2: true })
    browser = await launchChromium(shop)
    const context = await browser.newContext()
    page = await context.newPage()
    const seen = (await (await page.goto(shop.url('shop.test', '/echo')))?.json()) as Echo
    const userAgent = seen.headers.find(([name]) => name === 'user-agent')?.[1] ?? ''
    const identity = { userAgent, languages: ['en-US'], navigationHeaders: seen.headers }
    await context.addCookies(jar.map((one) => ({ ...cookie(one), sameSite: 'Lax' as const })))
    const carrier = carrierOf({ cookies: jar.map(cookie), identity })
    const options = { lookup: shop.lookup, ca: shop.ca }
    clients = { http: createHttp(carrier, options), fetch: createFetch(carrier, options) }
  })
  afterAll(async () => {
    await Promise.all([clients.http.close(), clients.fetch.close(), browser.close()])
    await shop.close()
  })

  /** Names, values and order, pseudo headers and each cookie line included; Node 20 cannot decode zstd. */
  const lines = ({ httpVersion, method, body, headers }: Echo): unknown => ({
    httpVersion,
    method,
    body,
    headers: headers
      .filter(([name]) => name !== 'sec-fetch-storage-access')
      .map(([name, value]) =>
        name === 'accept-encoding' ? [name, value.replace(', zstd', '')] : [name, value],
      ),
  })

  test('of a typed address are Chromium’s', async () => {
    const url = shop.url('shop.test', '/echo?page=1')
    const theirs = (await (await page.goto(url))?.json()) as Echo
    expect(theirs.headers.filter(([name]) => name === 'cookie')).toHaveLength(3)
    expect(lines(await clients.http(url).json<Echo>())).not.toEqual(lines(theirs)) // json is a script’s wish
    expect(lines(JSON.parse((await clients.http(url)).text()) as Echo)).toEqual(lines(theirs))
  })

  test.each([
    ['a GET', {}],
    [
      'a form',
      { method: 'POST', body: 'a=1', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
    ],
    ['JSON', { method: 'PUT', body: '{}', headers: { 'Content-Type': 'application/json' } }],
    ['nothing by POST', { method: 'POST' }],
    ['a DELETE', { method: 'DELETE' }],
  ])('of a script are Chromium’s: %s', async (_what, init) => {
    const url = shop.url('shop.test', '/echo?page=1')
    await page.goto(shop.url('shop.test', '/blank'))
    const theirs = await page.evaluate(
      async ([target, options]) =>
        (await (await globalThis.fetch(target, { referrer: '/', ...options })).json()) as Echo,
      [url, init] as const,
    )
    expect(lines((await (await clients.fetch(url, init)).json()) as Echo)).toEqual(lines(theirs))
  })
})

test('more requests than the server takes at a time wait their turn on one connection', async () => {
  const held: ServerHttp2Stream[] = []
  let most = 0
  // Answered when as many are there as the server takes: fewer would wait for ever.
  const url = place('/turns', (stream) => {
    most = Math.max(most, held.push(stream))
    if (held.length < 10) return
    for (const one of held.splice(0)) {
      one.respond({ ':status': 200 })
      one.end('done')
    }
  })
  const first = place('/first', (stream) => {
    stream.respond({ ':status': 200 })
    stream.end('done')
  })
  const own = createFetch(carrierOf({}), { lookup, ca: authority.ca })
  await (await own(first)).text() // the server has said how many
  const texts = await Promise.all(Array.from({ length: 200 }, async () => (await own(url)).text()))
  expect(new Set(texts)).toEqual(new Set(['done']))
  expect(most).toBe(10)
  expect(own.connections()).toMatchObject({ requests: 201, opened: 1 })
  await own.close()
})

test('bodies stream both ways: each part is there before the next is sent', async () => {
  const url = place('/both', (stream) => {
    stream.respond({ ':status': 200 })
    stream.on('data', (chunk: Buffer) => stream.write(`heard ${chunk.toString()}`))
    stream.once('end', () => stream.end())
  })
  const parts = new TransformStream<Uint8Array, Uint8Array>()
  const writer = parts.writable.getWriter()
  void writer.write(Buffer.from('one'))
  const answer = await fetch(url, { method: 'POST', body: parts.readable, duplex: 'half' } as RequestInit)
  const reader = answer.body?.getReader()
  const heard = async (): Promise<string> => Buffer.from((await reader?.read())?.value ?? []).toString()
  expect(await heard()).toBe('heard one')
  void writer.write(Buffer.from('two'))
  expect(await heard()).toBe('heard two')
  await writer.close()
  expect((await reader?.read())?.done).toBe(true)
})

test('a reader that does not read stops its own sender and nobody else', async () => {
  const whole = 32 * 1024 * 1024
  let sent = 0
  const sender = { stopped: false }
  const url = place('/much', (stream) => {
    stream.respond({ ':status': 200 })
    const chunk = Buffer.alloc(64 * 1024)
    const more = (): void => {
      sender.stopped = false
      while (sent < whole) {
        sent += chunk.length
        if (!stream.write(chunk)) {
          sender.stopped = true
          stream.once('drain', more)
          return
        }
      }
      stream.end()
    }
    more()
  })
  const quick = place('/quick', (stream) => {
    stream.respond({ ':status': 200 })
    stream.end('quick')
  })
  const answer = await fetch(url)
  // It has stopped when others have had their answers many times and it has sent nothing more.
  for (let seen = -1, quiet = 0; quiet < 20; seen = sent) {
    expect(await (await fetch(quick)).text()).toBe('quick')
    quiet = seen === sent && sender.stopped ? quiet + 1 : 0
  }
  expect(sent).toBeLessThan(whole / 2)
  expect((await answer.arrayBuffer()).byteLength).toBe(whole)
})

test('a request may carry as many cookies as a browser keeps for a site', async () => {
  const url = place('/cookies', (stream) => {
    stream.respond({ ':status': 200 })
    stream.end('taken')
  })
  const cookies = Array.from({ length: 60 }, (_, n) =>
    cookie({ name: `c${String(n)}`, value: 'v'.repeat(1_500), domain: 'own.test' }),
  )
  const own = createFetch(carrierOf({ cookies }), { lookup, ca: authority.ca })
  expect(await (await own(url)).text()).toBe('taken')
  await own.close()
})

test('an origin that asks for HTTP/1.1 gets it, a POST too', async () => {
  let refused = 0
  const url = place('/old', (stream) => {
    refused += 1
    stream.close(13)
  })
  const own = createFetch(carrierOf({}), { lookup, ca: authority.ca })
  expect(await (await own(url, { method: 'POST', body: 'x' })).text()).toBe('by HTTP/1.1')
  expect(await (await own(url)).text()).toBe('by HTTP/1.1')
  expect(refused).toBe(1)
  await own.close()
})

describe('the head of an answer', () => {
  test('may have many and long lines; what is too large is a typed error, and the next request is answered', async () => {
    const url = (lines: number, length: number): string =>
      place(`/large-${String(lines)}-${String(length)}`, (stream) => {
        const headers: Record<string, string> = {}
        for (let n = 0; n < lines; n++) headers[`x-line-${String(n)}`] = 'v'.repeat(length)
        stream.respond({ ':status': 200, ...headers })
        stream.end('here')
      })
    expect(await (await fetch(url(400, 20))).text()).toBe('here')
    expect(await (await fetch(url(12, 10_000))).text()).toBe('here')
    const error = await failureOf(fetch(url(40, 10_000), { method: 'POST', body: 'once' }))
    expect(error).toBeInstanceOf(RequestFailedError)
    expect(error).toMatchObject({ reason: 'ERR_HTTP2_ERROR', tier: 'final' })
    expect(await (await fetch(url(1, 1))).text()).toBe('here')
  })

  test('may have what Chromium takes: what is too much for this protocol is asked again by HTTP/1.1, if it only asks', async () => {
    let asked = 0
    const url = place('/huge', (stream) => {
      asked += 1
      const lines = Array.from({ length: 24 }, (_, n) => [`x-line-${String(n)}`, 'v'.repeat(10_000)] as const)
      stream.respond({ ':status': 200, ...Object.fromEntries(lines) })
      stream.end('here')
    })
    const own = createFetch(carrierOf({}), { lookup, ca: authority.ca })
    const post = { method: 'POST', body: 'once' }
    expect(await failureOf(own(url, post))).toMatchObject({ reason: 'ERR_HTTP2_ERROR' })
    const answer = await own(url)
    expect([await answer.text(), answer.headers.get('x-huge')?.length]).toEqual(['by HTTP/1.1', 240_000])
    expect(await (await own(url, post)).text()).toBe('by HTTP/1.1')
    expect(asked).toBe(2)
    await own.close()
  })

  test('keeps Set-Cookie lines apart, joins others, and comes after what only announces it', async () => {
    const url = place('/lines', (stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</early>' })
      stream.respond({ ':status': 200, 'set-cookie': ['a=1; Secure', 'b=2, 3; Secure'], 'x-two': ['1', '2'] })
      stream.end()
    })
    const { status, headers } = await fetch(url)
    expect(status).toBe(200)
    expect(headers.getSetCookie()).toEqual(['a=1; Secure', 'b=2, 3; Secure'])
    expect(headers.get('x-two')).toBe('1, 2')
    expect(headers.get('link')).toBeNull()
  })
})
