import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFetch, type SessionFetch } from '../../src/http/fetch.ts'
import type { Carrier } from '../../src/http/carrier.ts'
import { createNodeTransport, NodeWire } from '../../src/http/wire/node-wire.ts'
import { createUndiciTransport } from '../../src/http/wire/undici-transport.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import type { Echo } from '../site/workbench.ts'
import { carrierOf, cookie } from './clients.ts'

/** What libraries that take a fetch rely on: each case holds for Node's own fetch, too. */
let shop: Shop
let fetch: SessionFetch
let fetches: Record<'node' | 'undici', SessionFetch>
let carrier: Carrier
let release: () => void

beforeAll(async () => {
  shop = await startShop()
  carrier = carrierOf({ cookies: [cookie({ name: 'sid', value: 'one' })] })
  const options = { lookup: shop.lookup, ca: shop.ca }
  fetches = {
    node: createFetch(carrier, options, createNodeTransport(new NodeWire(options))),
    undici: createFetch(carrier, options, createUndiciTransport(options)),
  }
  shop.on('shop.test', '/parts', (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/plain' }).write('first ')
    release = () => res.end('second')
  })
  shop.on('shop.test', '/big', (_req, res) => {
    res.end(Buffer.alloc(3_000_000, 'x'))
  })
  shop.on('shop.test', '/bom', (_req, res) => {
    res.end('\ufeff{"a":1}')
  })
  shop.on('shop.test', '/form', (_req, res) => {
    res.writeHead(200, { 'content-type': 'application/x-www-form-urlencoded' }).end('a=1&b=2')
  })
  shop.on('shop.test', '/empty', (_req, res) => {
    res.writeHead(204).end()
  })
  shop.on('shop.test', '/twice', (_req, res) => {
    res.writeHead(200, { 'set-cookie': ['a=1', 'b=2'], 'x-odd': 'caf\u00e9' }).end('twice')
  })
})

afterAll(async () => {
  await Promise.all([fetches.node.close(), fetches.undici.close()])
  await shop.close()
})

const at = (path: string): string => shop.url('shop.test', path)
const echo = async (input: string | URL | Request, init?: RequestInit): Promise<Echo> =>
  (await (await fetch(input, init)).json()) as Echo
const header = (seen: Echo, name: string): string | undefined =>
  seen.headers.find(([key]) => key.toLowerCase() === name)?.[1]

describe.each(['node', 'undici'] as const)('the response over %s', (name) => {
  beforeAll(() => {
    fetch = fetches[name]
  })

  test('is a Response with its place', async () => {
    const response = await fetch(at('/redirect?to=/echo#part'))
    expect(response).toBeInstanceOf(Response)
    expect(response).toMatchObject({
      status: 200,
      ok: true,
      redirected: true,
      type: 'basic',
      statusText: 'OK',
    })
    expect(response.url).toBe(at('/echo'))
    expect((await fetch(at('/echo'))).redirected).toBe(false)
  })

  test('is one to everybody who looks at it as a caller may', async () => {
    const response = await fetch(at('/form'))
    expect(Object.prototype.toString.call(response)).toBe('[object Response]')
    expect(Object.prototype.isPrototypeOf.call(Response.prototype, response)).toBe(true)
    expect(Object.keys(Response.prototype).filter((name) => !(name in response))).toEqual([])
    const copy = new Response(response.body, response)
    expect([...copy.headers]).toEqual([...response.headers])
    expect([...(await copy.formData()).keys()]).toEqual(['a', 'b'])
    expect(response.bodyUsed).toBe(true)
    // Node's private fields it has not: better an error than the empty text of a stand-in.
    await expect(Response.prototype.text.call(await fetch(at('/form')))).rejects.toThrow(TypeError)
  })

  test('keeps several Set-Cookie lines apart', async () => {
    const { headers } = await fetch(at('/twice'))
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(headers.get('x-odd')).toBe('caf\u00e9')
    expect(headers).toBeInstanceOf(Headers)
  })

  test('can be read once, in every form', async () => {
    const texts = [
      async (response: Response) => response.text(),
      async (response: Response) => Buffer.from(await response.arrayBuffer()).toString(),
      async (response: Response) => Buffer.from(await response.bytes()).toString(),
      async (response: Response) => (await response.blob()).text(),
      async (response: Response) => new Response(response.body).text(),
    ]
    for (const read of texts) {
      const response = await fetch(at('/twice'))
      expect(response.bodyUsed).toBe(false)
      expect(await read(response)).toBe('twice')
      expect(response.bodyUsed).toBe(true)
      await expect(response.text()).rejects.toThrow(TypeError)
      expect(() => response.clone()).toThrow(TypeError)
    }
  })

  test('gives JSON without its byte order mark, forms, and blobs with their type', async () => {
    expect(await (await fetch(at('/bom'))).json()).toEqual({ a: 1 })
    expect([...(await (await fetch(at('/form'))).formData()).entries()]).toEqual([
      ['a', '1'],
      ['b', '2'],
    ])
    expect((await (await fetch(at('/form'))).blob()).type).toBe('application/x-www-form-urlencoded')
  })

  test('can be cloned while nothing was read', async () => {
    for (const path of ['/twice', '/big']) {
      const response = await fetch(at(path))
      const twin = response.clone()
      expect(twin.url).toBe(response.url)
      expect(await twin.text()).toBe(await response.text())
    }
  })

  test('has no body where there is none', async () => {
    expect((await fetch(at('/empty'))).body).toBeNull()
    expect(await (await fetch(at('/echo'), { method: 'HEAD' })).text()).toBe('')
  })

  test('comes with its head, before its body ends', async () => {
    const response = await fetch(at('/parts'))
    const reader = response.body?.getReader()
    const first = await reader?.read()
    expect(Buffer.from(first?.value ?? []).toString()).toBe('first ')
    release()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('second')
    expect((await reader?.read())?.done).toBe(true)
  })

  test('is whole when it is large', async () => {
    expect((await (await fetch(at('/big'))).arrayBuffer()).byteLength).toBe(3_000_000)
  })

  test('lets go of a body that is not wanted', async () => {
    const response = await fetch(at('/parts'))
    await response.body?.cancel()
    expect((await fetch(at('/echo'))).status).toBe(200)
  })

  test('breaks off when the signal says so, also half-way', async () => {
    const controller = new AbortController()
    const response = await fetch(at('/parts'), { signal: controller.signal })
    const text = response.text()
    controller.abort(new Error('enough'))
    await expect(text).rejects.toThrow('enough')
  })
})

describe.each(['node', 'undici'] as const)('the request over %s', (name) => {
  beforeAll(() => {
    fetch = fetches[name]
  })

  test('may be a Request, with its own method, headers and body', async () => {
    const request = new Request(at('/echo'), { method: 'PUT', headers: { 'X-Own': '1' }, body: 'text' })
    const seen = await echo(request)
    expect([seen.method, seen.body, header(seen, 'x-own')]).toEqual(['PUT', 'text', '1'])
    expect(header(seen, 'content-type')).toBe('text/plain;charset=UTF-8')
  })

  test('the second argument wins over the Request', async () => {
    const seen = await echo(new Request(at('/echo'), { headers: { 'X-Own': '1' } }), {
      method: 'DELETE',
      headers: { 'X-Own': '2' },
    })
    expect([seen.method, header(seen, 'x-own')]).toEqual(['DELETE', '2'])
  })

  test.each<[string, () => BodyInit, string | undefined, string]>([
    ['a string', () => 'grüße', 'text/plain;charset=UTF-8', 'grüße'],
    [
      'search parameters',
      () => new URLSearchParams({ a: '1' }),
      'application/x-www-form-urlencoded;charset=UTF-8',
      'a=1',
    ],
    ['a blob', () => new Blob(['b'], { type: 'text/css' }), 'text/css', 'b'],
    ['bytes', () => new Uint8Array([104, 105]), undefined, 'hi'],
    ['an ArrayBuffer', () => new Uint8Array([104, 105]).buffer, undefined, 'hi'],
  ])('may carry %s', async (_what, body, type, text) => {
    const seen = await echo(at('/echo'), { method: 'POST', body: body() })
    expect(Buffer.from(seen.body, 'latin1').toString()).toBe(text)
    expect(header(seen, 'content-type')).toBe(type)
  })

  test('may carry a form with files', async () => {
    const form = new FormData()
    form.append('a', '1')
    form.append('file', new Blob(['content']), 'name.txt')
    const seen = await echo(at('/echo'), { method: 'POST', body: form })
    expect(header(seen, 'content-type')).toMatch(/^multipart\/form-data; boundary=/)
    expect(seen.body).toContain('name="file"; filename="name.txt"')
  })

  test('may carry a stream', async () => {
    const body = new Blob(['streamed']).stream()
    const seen = await echo(at('/echo'), { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(seen.body).toBe('streamed')
  })

  test('takes headers in all three forms', async () => {
    for (const headers of [
      { 'X-Own': 'a' },
      [['X-Own', 'a']] as [string, string][],
      new Headers({ 'X-Own': 'a' }),
    ])
      expect(header(await echo(at('/echo'), { headers }), 'x-own')).toBe('a')
  })

  test('joins a header that comes twice and leaves out those of the connection', async () => {
    const headers: [string, string][] = [
      ['X-Own', 'a'],
      ['x-own', 'b'],
      ['Host', 'evil.test'],
      ['Connection', 'close'],
    ]
    const seen = await echo(at('/echo'), { headers })
    expect(header(seen, 'x-own')).toBe('a, b')
    expect(seen.host).toBe('shop.test')
  })

  test('with credentials omitted carries nothing of the session and takes nothing in', async () => {
    const seen = await echo(at('/echo'), { credentials: 'omit' })
    expect(header(seen, 'cookie')).toBeUndefined()
    await fetch(at('/set-cookie?line=new%3D1'), { credentials: 'omit' })
    expect(carrier.cell.state.cookies.map((one) => one.name)).not.toContain('new')
    expect(header(await echo(at('/echo')), 'cookie')).toContain('sid=one') // control
  })

  test('with redirect error fails at a redirect, with manual hands it out', async () => {
    await expect(fetch(at('/redirect?to=/echo'), { redirect: 'error' })).rejects.toThrow(TypeError)
    expect((await fetch(at('/redirect?to=/echo'), { redirect: 'manual' })).status).toBe(302)
  })

  test.each([
    ['a GET with a body', { body: 'x' }],
    ['TRACE', { method: 'TRACE' }],
    ['a method that is no token', { method: 'G ET' }],
  ])('%s is a TypeError', async (_what, init) => {
    await expect(fetch(at('/echo'), init)).rejects.toThrow(TypeError)
  })
})
