import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RedirectRefusedError } from '../../src/errors.ts'
import type { HeaderRule } from '../../src/state/identity.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import {
  carrierOf,
  clientOf,
  clientNames,
  cookie,
  failureOf,
  type Client,
  type ClientName,
} from './clients.ts'

/** What arrived at the end of a way, as the server there saw it. */
interface Landed {
  readonly method: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

let shop: Shop
/** Another port of the same host: hands every byte on. */
let door: Server
const landed = new Map<string, Landed[]>()

beforeAll(async () => {
  shop = await startShop()
  shop.on('*', '/landing/*', land)
  door = createServer((socket) => {
    const inner = connect(shop.address.ports.https, '127.0.0.1')
    socket.on('error', () => inner.destroy()).pipe(inner)
    inner.on('error', () => socket.destroy()).pipe(socket)
  })
  door.listen(0, '127.0.0.1')
  await once(door, 'listening')
})

afterAll(async () => {
  await shop.close()
  door.close()
})

async function land(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk)
  const seen = landed.get(req.url ?? '') ?? []
  landed.set(req.url ?? '', [
    ...seen,
    { method: req.method ?? '', headers: req.headers, body: Buffer.concat(chunks).toString() },
  ])
  res.end('landed')
}

const places = {
  'the same origin': (path: string) => shop.url('shop.test', path),
  'another host of the site': (path: string) => shop.url('api.shop.test', path),
  'another site': (path: string) => shop.url('other.test', path),
  'another port': (path: string) =>
    `https://shop.test:${String((door.address() as AddressInfo).port)}${path}`,
  'http on the same host': (path: string) => shop.httpUrl('shop.test', path),
  'http on another site': (path: string) => shop.httpUrl('other.test', path),
}

const requests = {
  GET: { method: 'GET' },
  'form POST': {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'body=canary-body',
  },
  'JSON PUT': { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"a":"canary-body"}' },
}

const cases = [301, 302, 303, 307, 308].flatMap((status) =>
  Object.keys(places).flatMap((place) =>
    Object.keys(requests).map(
      (request) => [status, request, place] as [number, keyof typeof requests, keyof typeof places],
    ),
  ),
)

/** Learned for the shop and, with another value, for its API: each may only ever go to its own. */
function rules(): HeaderRule[] {
  const rule = (origin: string, key: string): HeaderRule => ({
    header: 'X-Learned',
    origins: [origin],
    methods: 'all',
    prefix: '',
    source: { from: 'localStorage', origin: shop.url('shop.test', ''), key, path: [] },
  })
  return [rule(shop.url('shop.test', ''), 'home'), rule(shop.url('api.shop.test', ''), 'api')]
}

function open(name: ClientName): Promise<Client> {
  const carrier = carrierOf({
    cookies: [cookie({ name: 'sid', value: 'canary-cookie' })],
    headerRules: rules(),
    origins: [
      {
        origin: shop.url('shop.test', ''),
        localStorage: [
          { name: 'home', value: 'canary-home' },
          { name: 'api', value: 'canary-api' },
        ],
      },
    ],
  })
  return clientOf(name, carrier, { lookup: shop.lookup, ca: shop.ca })
}

describe.each(clientNames)('%s', (name) => {
  let client: Client
  beforeAll(async () => {
    client = await open(name)
  })
  afterAll(() => client.close())

  test.each(cases)('%i of a %s to %s keeps every credential home', async (status, request, place) => {
    const { method, ...rest } = requests[request]
    const path = `/landing/${name.replaceAll(' ', '-')}-${String(status)}-${request}-${place}`.replaceAll(
      ' ',
      '-',
    )
    const to = places[place](path)
    const from = shop.url('shop.test', `/redirect?status=${String(status)}&to=${encodeURIComponent(to)}`)
    const headers = {
      ...('headers' in rest && rest.headers),
      Authorization: 'canary-constant',
      'X-Own': 'canary-own',
    }
    const answer = client.ask(from, { ...rest, method, headers })

    const keepsMethod = status === 307 || status === 308 || (request === 'JSON PUT' && status !== 303)
    const crosses = place !== 'the same origin'
    const downgrades = place.startsWith('http ')
    // No rule of the shop's own makes the typed GET a script's: the learned header does.
    if (downgrades || (crosses && keepsMethod && request === 'JSON PUT')) {
      expect(await failureOf(answer)).toBeInstanceOf(RedirectRefusedError)
      expect(landed.get(path)).toBeUndefined()
      return
    }
    expect((await answer).text).toBe('landed')
    const [seen] = landed.get(path) ?? []
    expect(seen?.method).toBe(keepsMethod ? method : 'GET')
    expect(seen?.body).toBe(keepsMethod && 'body' in rest ? rest.body : '')
    expect(seen?.headers.authorization).toBe(crosses ? undefined : 'canary-constant')
    expect(seen?.headers['x-own']).toBe(crosses ? undefined : 'canary-own')
    expect(seen?.headers['x-learned']).toBe(learnedAt(place, seen?.method))
    const ownCookie =
      place === 'the same origin' || place === 'another port' ? 'sid=canary-cookie' : undefined
    expect(seen?.headers.cookie).toBe(ownCookie)
  })

  test('a jar with only a Secure cookie sends nothing to http', async () => {
    const answer = await client.ask(shop.httpUrl('shop.test', '/echo'))
    expect(answer.text).not.toContain('canary')
    const safe = await client.ask(shop.url('shop.test', '/echo'))
    expect(safe.text).toContain('canary-cookie') // control
  })

  test.each([
    ['deleted', 'sid=; Path=/; Max-Age=0', undefined],
    ['moved to another path', 'sid=canary-cookie; Path=/elsewhere; Secure; HttpOnly', 'sid=canary-cookie'],
    ['replaced', 'sid=canary-new; Path=/; Secure; HttpOnly', 'sid=canary-new'],
    ['added', 'more=canary-more; Path=/; Secure', 'sid=canary-cookie; more=canary-more'],
  ])('a cookie that is %s by the redirect is so at the next hop', async (_what, line, expected) => {
    const fresh = await open(name)
    const path = `/landing/${name.replaceAll(' ', '-')}-${encodeURIComponent(line)}`
    const asked = new URLSearchParams({ to: path, cookie: line }).toString()
    await fresh.ask(shop.url('shop.test', `/redirect?${asked}`))
    await fresh.close()
    expect(landed.get(path)?.[0]?.headers.cookie).toBe(expected)
  })

  test('a Set-Cookie on the way is taken in for the host that sent it only', async () => {
    const fresh = await open(name)
    const path = `/landing/${name.replaceAll(' ', '-')}-foreign`
    const asked = new URLSearchParams({
      to: shop.url('shop.test', path),
      cookie: 'evil=1; Domain=shop.test; Path=/',
    })
    await fresh.ask(shop.url('other.test', `/redirect?${asked.toString()}`))
    await fresh.close()
    expect(String(landed.get(path)?.[0]?.headers.cookie)).not.toContain('evil')
  })

  test('too many redirects end as a typed error', async () => {
    const round = shop.url('shop.test', '/redirect?to=' + encodeURIComponent('/redirect?to=/echo'))
    shop.on('shop.test', '/round', (_req, res) => {
      res.writeHead(302, { location: '/round?token=canary' }).end()
    })
    expect((await client.ask(round)).status).toBe(200)
    const error = await failureOf(client.ask(shop.url('shop.test', '/round')))
    expect(error).toBeInstanceOf(RedirectRefusedError)
    expect(error.message).toMatch(/there were 10 before it/)
    expect(error.message).not.toContain('canary')
  })

  test('a redirect is handed out when it is not to be followed', async () => {
    const answer = await client.ask(shop.url('shop.test', '/redirect?to=/echo'), { redirect: 'manual' })
    expect(answer.status).toBe(302)
    expect(answer.headers.get('location')).toBe('/echo')
  })

  test('user names and passwords in a Location go nowhere', async () => {
    const path = `/landing/${name.replaceAll(' ', '-')}-userinfo`
    const to = shop.url('shop.test', path).replace('https://', 'https://user:canary@')
    const answer = await client.ask(shop.url('shop.test', `/redirect?to=${encodeURIComponent(to)}`))
    expect(answer.url).not.toContain('canary')
    expect(landed.get(path)?.[0]?.headers.authorization).toBeUndefined()
  })
})

function learnedAt(place: keyof typeof places, method: string | undefined): string | undefined {
  if (place === 'the same origin') return 'canary-home'
  return place === 'another host of the site' && method === 'GET' ? 'canary-api' : undefined
}
