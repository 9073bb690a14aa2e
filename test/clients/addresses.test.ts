import { inspect } from 'node:util'
import { request as playwrightRequest, type APIRequestContext } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { fetch as undiciFetch, request as undiciRequest } from 'undici'
import {
  bearerAuth,
  crawleeClient,
  RedirectRefusedError,
  ResponseStatusError,
  sessionDispatcher,
  wearRequests,
  type Session,
} from '../../src/index.ts'
import { failureOf, vaultAt } from '../login/auth/vaults.ts'
import { startShop, type Shop } from '../site/shop.ts'

/** Where what wears a session really goes when it is led, by an address or by a redirect. */
let shop: Shop
let session: Session
const seen: string[] = []
const home = (path: string): string => shop.httpUrl('127.0.0.1', path)

beforeAll(async () => {
  shop = await startShop()
  shop.on('127.0.0.1', '*', (req, res) => {
    const url = new URL(req.url ?? '/', 'http://x')
    seen.push(`${req.method ?? ''} ${req.url ?? ''}`)
    const to = url.searchParams.get('to')
    const status = Number(url.searchParams.get('status') ?? 302)
    if (to !== null) res.writeHead(status, { location: to }).end()
    else if (req.headers.authorization !== 'Bearer home') res.writeHead(401).end()
    else if (url.pathname === '/gone') res.writeHead(410).end()
    else res.end(`${shop.canary} is no JSON`)
  })
  shop.on('evil.test', '*', (req, res) => {
    seen.push(`evil ${req.url ?? ''} ${req.headers.authorization ?? ''} ${String(req.headers['x-mine'])}`)
    res.end()
  })
})
afterAll(() => shop.close())
beforeEach(async () => {
  const recipe = bearerAuth({ name: 'home', url: home('/'), probe: home('/me') })
  session = await vaultAt(shop, { secrets: { token: 'home' } }).open(recipe)
  seen.length = 0
})
afterEach(() => session.close())

describe('undici’s dispatcher', () => {
  test('takes a path that begins with two slashes for a path, not for another host', async () => {
    const dispatcher = await sessionDispatcher(session)
    const evil = new URL(shop.httpUrl('evil.test', '/')).host
    const headers = { 'x-mine': shop.canary }
    const { statusCode } = await undiciRequest(home(`//${evil}/a`), { dispatcher, headers })
    expect(statusCode).toBe(200)
    expect((await undiciFetch(home(`//${evil}/b`), { dispatcher, headers })).status).toBe(200)
    expect(seen).toEqual([`GET //${evil}/a`, `GET //${evil}/b`])
    const at = { origin: home(''), path: shop.httpUrl('evil.test', '/c'), method: 'GET' as const }
    expect(await failureOf(dispatcher.request(at))).toBeInstanceOf(TypeError)
    expect(seen).toHaveLength(2)
  })
})

describe('Crawlee’s client', () => {
  test('says that an answer is no JSON without quoting it', async () => {
    const asked = crawleeClient(session).sendRequest({ url: home('/text'), responseType: 'json' })
    const error = await failureOf(asked)
    expect(error).toBeInstanceOf(SyntaxError)
    expect(inspect(error)).not.toContain(shop.canary.slice(0, 6))
  })
})

describe('Playwright’s requests', () => {
  let context: APIRequestContext
  beforeEach(async () => {
    context = await playwrightRequest.newContext()
  })
  afterEach(() => context.dispose())

  test('carry params to the first address only', async () => {
    const worn = wearRequests(session, context)
    expect((await worn.get(home('/from'), { params: { to: '/on?a=1' } })).status()).toBe(200)
    expect(seen).toEqual(['GET /from?to=%2Fon%3Fa%3D1', 'GET /on?a=1'])
  })

  test('keep their method where a browser’s would', async () => {
    const worn = wearRequests(session, context)
    for (const [method, status] of [
      ['DELETE', 302],
      ['PUT', 301],
      ['PUT', 303],
      ['POST', 302],
      ['HEAD', 303],
      ['PATCH', 308],
    ] as const)
      await worn.fetch(home(`/from?to=/on&status=${String(status)}`), { method })
    expect(seen.filter((request) => request.endsWith('/on'))).toEqual(
      ['DELETE', 'PUT', 'GET', 'GET', 'HEAD', 'PATCH'].map((method) => `${method} /on`),
    )
  })

  test('stop where no address follows, and fail in our words', async () => {
    const worn = wearRequests(session, context)
    for (const to of [`http://${shop.canary}:no/`, 'javascript:alert(1)'])
      expect((await worn.get(home(`/from?to=${encodeURIComponent(to)}`))).status()).toBe(302)
    const error = await failureOf(worn.get(home(`/gone?q=${shop.canary}`), { failOnStatusCode: true }))
    expect(error).toBeInstanceOf(ResponseStatusError)
    expect(inspect(error, { depth: 9 })).not.toContain(shop.canary)
    const twice = `/from?to=${encodeURIComponent('/from?to=/on')}`
    const many = await failureOf(worn.get(home(twice), { maxRedirects: 1 }))
    expect(many).toBeInstanceOf(RedirectRefusedError)
  })
})
