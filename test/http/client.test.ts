import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttp, type HttpRequestOptions, type SessionHttp } from '../../src/http/client.ts'
import { ResponseStatusError } from '../../src/errors.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import type { Echo } from '../site/workbench.ts'
import { carrierOf, cookie } from './clients.ts'

let shop: Shop
let http: SessionHttp & { close(): Promise<void> }

beforeAll(async () => {
  shop = await startShop()
  shop.on('shop.test', '/slow-error', (_req, res) => {
    res.writeHead(500).write('x')
  })
  shop.on('shop.test', '/large-head', (_req, res) => {
    res.writeHead(200, { 'x-large': 'x'.repeat(60_000) }).end('fine')
  })
  const cookies = [
    cookie({ name: 'lax', value: '1' }),
    cookie({ name: 'none', value: '1', sameSite: 'None' }),
    cookie({
      name: 'chips',
      value: '1',
      sameSite: 'None',
      partitionKey: 'https://top.test',
      _crHasCrossSiteAncestor: true,
    }),
  ]
  http = createHttp(carrierOf({ cookies }), { lookup: shop.lookup, ca: shop.ca })
})

afterAll(async () => {
  await http.close()
  await shop.close()
})

const at = (path = '/echo'): string => shop.url('shop.test', path)
const header = (seen: Echo, name: string): string | undefined =>
  seen.headers.find(([key]) => key.toLowerCase() === name)?.[1]

describe('an answer', () => {
  test('has shortcuts to its content', async () => {
    expect((await http(at()).json<Echo>()).method).toBe('GET')
    expect(await http(at()).text()).toContain('"method":"GET"')
    expect((await http(at()).buffer()).toString()).toContain('"method":"GET"')
    expect((await http(at())).json<Echo>().method).toBe('GET')
  })

  test('hands JSON through a check', async () => {
    const method = (value: unknown): string => (value as Echo).method
    expect(await http(at()).json(method)).toBe('GET')
    const refuse = (): never => {
      throw new Error('not of this form')
    }
    await expect(http(at()).json(refuse)).rejects.toThrow('not of this form')
  })

  test('is a promise with all that belongs to one', async () => {
    let settled = false
    await http(at()).finally(() => (settled = true))
    expect(settled).toBe(true)
    expect(await http('nowhere').catch(() => 'caught')).toBe('caught')
    expect(await Promise.all([http(at()).text(), http(at()).text()])).toHaveLength(2)
  })

  test('tells where it came from', async () => {
    const response = await http(at('/redirect?to=/echo'))
    expect(response).toMatchObject({ statusCode: 200, ok: true, url: at('/echo'), redirects: [at('/echo')] })
  })

  test('with 4xx or 5xx is an error unless asked otherwise', async () => {
    await expect(http(at('/nothing'))).rejects.toBeInstanceOf(ResponseStatusError)
    expect((await http(at('/nothing'), { throwHttpErrors: false })).statusCode).toBe(404)
  })

  test('that fails does not wait for the rest of its body', async () => {
    await expect(http(at('/slow-error'))).rejects.toMatchObject({ statusCode: 500 })
    expect((await http(at())).statusCode).toBe(200)
  })

  test('may have a head as large as in a browser', async () => {
    for (let round = 0; round < 5; round++) expect(await http(at('/large-head')).text()).toBe('fine')
  })
})

describe('a request', () => {
  test('for JSON is made as a page makes it, another GET as a typed address', async () => {
    const asked = await http(at()).json<Echo>()
    expect(header(asked, 'accept')).toBe('application/json')
    expect(header(asked, 'sec-fetch-mode')).toBe('cors')
    const typed = (await http(at())).json<Echo>()
    expect(header(typed, 'sec-fetch-mode')).toBe('navigate')
    const written = (await http(at(), { headers: { accept: 'application/json' } })).json<Echo>()
    expect(header(written, 'sec-fetch-mode')).toBe('cors')
  })

  test.each(['get', 'post', 'put', 'patch', 'delete'] as const)('http.%s uses its method', async (method) => {
    expect((await http[method](at()).json<Echo>()).method).toBe(method.toUpperCase())
  })

  test('http.head has no body', async () => {
    expect((await http.head(at())).body).toHaveLength(0)
  })

  test('adds search parameters to those of the address', async () => {
    const { url } = await http(at('/echo?a=1'), {
      searchParams: { b: 'ü', c: 2, d: true, e: undefined },
    }).json<Echo>()
    expect(url).toBe('/echo?a=1&b=%C3%BC&c=2&d=true')
  })

  const bodies: [string, HttpRequestOptions, string, string][] = [
    ['json', { json: { a: 'ü' } }, 'application/json', '{"a":"ü"}'],
    ['form', { form: { a: '1', b: 'ü' } }, 'application/x-www-form-urlencoded', 'a=1&b=%C3%BC'],
    ['text', { body: 'ü' }, 'text/plain;charset=UTF-8', 'ü'],
  ]
  test.each(bodies)('with %s is a POST of that type', async (_what, options, type, body) => {
    const seen = await http(at(), options).json<Echo>()
    expect(seen.method).toBe('POST')
    expect(header(seen, 'content-type')).toBe(type)
    expect(Buffer.from(seen.body, 'latin1').toString()).toBe(body)
  })

  test('keeps the content type that the caller writes', async () => {
    const headers = { 'content-type': 'application/vnd.own+json' }
    expect(header(await http(at(), { json: 1, headers }).json<Echo>(), 'content-type')).toBe(
      headers['content-type'],
    )
  })

  test.each<[string, HttpRequestOptions]>([
    ['two bodies', { json: 1, body: 'x' }],
    ['a GET with a body', { method: 'GET', json: 1 }],
    ['a Host header', { headers: { Host: 'evil.test' } }],
    ['a Content-Length header', { method: 'POST', headers: { 'content-length': '3' } }],
  ])('with %s is a TypeError', async (_what, options) => {
    await expect(http(at(), options)).rejects.toBeInstanceOf(TypeError)
  })

  test('in the name of a page of another site carries what that page could send', async () => {
    const seen = await http(at(), { topLevelSite: 'https://top.test' }).json<Echo>()
    expect(header(seen, 'cookie')).toBe('none=1; chips=1')
    expect(header(seen, 'origin')).toBe('https://top.test')
    expect(header(seen, 'sec-fetch-site')).toBe('cross-site')
    expect(header(await http(at()).json<Echo>(), 'cookie')).toBe('lax=1; none=1') // control
  })

  test('leaves a header out that is set to undefined', async () => {
    expect(
      header(await http(at(), { headers: { 'X-Own': undefined } }).json<Echo>(), 'x-own'),
    ).toBeUndefined()
  })
})
