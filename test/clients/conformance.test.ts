import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createVault, defineRecipe, generateKey, memoryStore, type Session } from '../../src/index.ts'
import { readAll } from '../login/auth/oauth-server.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { ownConnections, wear, wearers, type Wearer } from './wearers.ts'

interface Seen {
  readonly at: string
  readonly method: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

let shop: Shop
const seen: Seen[] = []
const counts = { logins: 0 }
let alive = new Set<string>()
const big = Buffer.alloc(3_000_000, 'abcdefghij')

beforeAll(async () => {
  shop = await startShop()
  for (const host of ['app.wear.test', '127.0.0.1']) home(host)
  for (const host of ['evil.test', 'localhost'])
    shop.on(host, '*', async (req, res) => {
      seen.push(await seenOf(`${host}${req.url ?? ''}`, req))
      res.writeHead(200, { 'set-cookie': 'foreign=1; Path=/' }).end('foreign')
    })
})
afterAll(() => shop.close())

/** Nothing listens there: a server had it a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function seenOf(at: string, req: Parameters<Parameters<Shop['on']>[2]>[0]): Promise<Seen> {
  return { at, method: req.method, headers: req.headers, body: (await readAll(req)).toString() }
}

/** A session is a cookie and a token in a header; both change with each login. */
function home(host: string): void {
  shop.on(host, '/login', (_, res) => {
    counts.logins += 1
    const id = `${shop.canary}-${String(counts.logins)}`
    alive.add(id)
    res.writeHead(200, { 'set-cookie': [`sid=${id}; Path=/; HttpOnly`, 'theme=dark; Path=/'] }).end(id)
  })
  const answer = (path: string, reply: (res: Parameters<Parameters<Shop['on']>[2]>[1]) => void): void => {
    shop.on(host, path, async (req, res) => {
      const one = await seenOf(`${host}${req.url ?? ''}`, req)
      seen.push(one)
      const sid = /(?:^|; )sid=([^;]*)/.exec(req.headers.cookie ?? '')?.[1] ?? ''
      if (alive.has(sid) && req.headers['x-token'] === sid) reply(res)
      else res.writeHead(401, { 'content-type': 'text/plain' }).end('who are you')
    })
  }
  answer('/me', (res) => res.writeHead(200, { 'content-type': 'text/plain' }).end('alice'))
  answer('/set', (res) =>
    res
      .writeHead(200, {
        'set-cookie': ['seen=yes; Path=/', 'theme=; Path=/; Max-Age=0', 'bad=1; Domain=evil.test'],
      })
      .end('set'),
  )
  answer('/coded', (res) =>
    res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('grüße '.repeat(99))),
  )
  answer('/big', (res) => res.writeHead(200).end(big))
  answer('/none', (res) => res.writeHead(204).end())
  answer('/teapot', (res) => res.writeHead(418).end('short and stout'))
  answer('/near', (res) => res.writeHead(302, { location: '/me', 'set-cookie': 'hop=1; Path=/' }).end())
  answer('/after-post', (res) => res.writeHead(303, { location: '/me' }).end())
  answer('/away', (res) => {
    const foreign =
      host === '127.0.0.1' ? shop.httpUrl('localhost', '/landed') : shop.url('evil.test', '/landed')
    res.writeHead(302, { location: foreign }).end()
  })
}

describe.each(wearers)('%s', (name) => {
  let session: Session
  let wearer: Wearer
  const own = ownConnections.includes(name)
  const url = (path: string): string =>
    own ? shop.httpUrl('127.0.0.1', path) : shop.url('app.wear.test', path)

  beforeEach(async () => {
    alive = new Set()
    counts.logins = 0
    const recipe = defineRecipe({
      name: 'worn',
      url: url('/'),
      probe: url('/me'),
      signIn: async ({ http, setHeader }) => {
        setHeader('X-Token', await http.post(url('/login')).text())
      },
    })
    const vault = createVault({
      store: memoryStore(),
      key: generateKey(),
      http: { retry: { backOff: 1 }, ...(!own && { lookup: shop.lookup, ca: shop.ca }) },
    })
    session = await vault.open(recipe)
    wearer = await wear(name, session)
    seen.length = 0
  })
  afterEach(async () => {
    await wearer.close()
    await session.close()
  })

  test('sends what session.fetch sends, and what the caller writes, once', async () => {
    expect(await wearer.ask(url('/me'), { headers: { 'X-Mine': 'yes', Accept: 'text/plain' } })).toEqual({
      status: 200,
      text: 'alice',
    })
    await session.fetch(url('/me'), { headers: { 'X-Mine': 'yes', Accept: 'text/plain' } })
    const [theirs, ours] = seen.map(({ headers }) => headers)
    for (const header of ['cookie', 'x-token', 'x-mine', 'accept', 'authorization'])
      expect([header, theirs?.[header]]).toEqual([header, ours?.[header]])
    expect(theirs?.['cookie']).toContain(shop.canary)
  })

  test('takes home what an answer sets, deletions too, and nothing that is not its to set', async () => {
    await wearer.ask(url('/set'))
    const cookies = Object.fromEntries(session.state.cookies.map((cookie) => [cookie.name, cookie.value]))
    expect(cookies).toMatchObject({ seen: 'yes' })
    expect(Object.keys(cookies)).not.toContain('theme')
    expect(Object.keys(cookies)).not.toContain('bad')
    await wearer.ask(url('/me'))
    expect(seen.at(-1)?.headers.cookie).toMatch(/seen=yes/)
    expect(seen.at(-1)?.headers.cookie).not.toMatch(/theme|bad/)
  })

  test('decodes, streams and reads bodies of all sizes', async () => {
    expect((await wearer.ask(url('/coded'))).text).toBe('grüße '.repeat(99))
    expect((await wearer.ask(url('/big'))).text === big.toString()).toBe(true)
    expect(await wearer.ask(url('/none'))).toEqual({ status: 204, text: '' })
    expect(await wearer.ask(url('/teapot'))).toEqual({ status: 418, text: 'short and stout' })
  })

  test('sends bodies with their type', async () => {
    const headers = { 'content-type': 'application/json' }
    const { status } = await wearer.ask(url('/me'), { method: 'POST', headers, body: '{"ä":1}' })
    expect([status, seen[0]?.method, seen[0]?.body]).toEqual([200, 'POST', '{"ä":1}'])
    expect(seen[0]?.headers['content-type']).toBe('application/json')
  })

  test('carries the session from hop to hop at home, and nothing abroad', async () => {
    const follows = name !== 'undici request' // that follows none unless an interceptor is added
    if (follows) {
      expect(await wearer.ask(url('/near'))).toEqual({ status: 200, text: 'alice' })
      expect(seen.at(-1)?.headers.cookie).toMatch(/hop=1/)
      expect(await wearer.ask(url('/after-post'), { method: 'POST', body: 'x' })).toMatchObject({
        text: 'alice',
      })
      expect([seen.at(-1)?.method, seen.at(-1)?.body]).toEqual(['GET', ''])
      expect((await wearer.ask(url('/away'), { headers: { 'X-Mine': shop.canary } })).text).toBe('foreign')
    } else {
      expect((await wearer.ask(url('/away'))).status).toBe(302)
      const foreign = shop.url('evil.test', '/landed')
      expect((await wearer.ask(foreign)).text).toBe('foreign')
    }
    const abroad = seen.filter(({ at }) => /landed/.test(at))
    expect(abroad).toHaveLength(1)
    for (const { headers } of abroad) {
      expect([headers.cookie ?? '', headers['x-token'], headers.authorization]).toEqual([
        '',
        undefined,
        undefined,
      ])
      // What the caller wrote is undici's own to drop, which keeps to the fetch specification.
      if (!/fetch$/.test(name) || name === 'session.fetch')
        expect(JSON.stringify(headers)).not.toContain(shop.canary)
    }
  })

  test('renews a dead session once for all, and is answered', async () => {
    alive.clear()
    const answers = await Promise.all(Array.from({ length: 12 }, () => wearer.ask(url('/me'))))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect([counts.logins, session.epoch]).toEqual([2, 2])
  })

  test('fails with what went wrong and nothing of the session', async () => {
    const port = String(await closedPort())
    const gone = `${own ? 'http://127.0.0.1' : 'https://app.wear.test'}:${port}/?q=1`
    const error = await wearer.ask(gone).then(
      () => undefined,
      (failure: unknown) => failure,
    )
    expect(error).toBeInstanceOf(Error)
    const text = inspect(error, { depth: 9, showHidden: true })
    expect(text).toMatch(name === 'impit' ? /RequestFailedError/ : /ECONNREFUSED/)
    expect(text).not.toContain(shop.canary)
  })
})
