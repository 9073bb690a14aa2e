import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  createVault,
  defineRecipe,
  generateKey,
  memoryStore,
  RequestFailedError,
  type Session,
} from '../../src/index.ts'
import { plainIdentity } from '../bench/plain-session.ts'
import { installForeignClients } from '../site/foreign-clients.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { freePort } from '../site/free-port.ts'
import { coded, startHome, type Home, type Seen } from './home.ts'
import {
  followByThemselves,
  ownConnections,
  readWhole,
  wear,
  wearers,
  type Wearer,
  type WearerName,
} from './wearers.ts'

let shop: Shop
let home: Home

beforeAll(async () => {
  await installForeignClients()
  shop = await startShop()
  home = startHome(shop, ['app.wear.test', '127.0.0.1'], ['evil.test', 'localhost'])
}, 300_000)
afterAll(() => shop.close())

/** What a client's own connection says, or the client itself where a session says nothing. */
const ofClient: Readonly<Partial<Record<WearerName, readonly string[]>>> = {
  playwright: ['accept-encoding'],
}
const ofConnection = ['host', 'connection', 'content-length', 'transfer-encoding']

function worn({ headers }: Seen, name: WearerName): Record<string, unknown> {
  const left = new Set([...ofConnection, ...(ofClient[name] ?? [])])
  return Object.fromEntries(Object.entries(headers).filter(([header]) => !left.has(header)))
}

describe.each(wearers)('%s', (name) => {
  let session: Session
  let wearer: Wearer
  const own = ownConnections.includes(name)
  const url = (path: string): string =>
    own ? shop.httpUrl('127.0.0.1', path) : shop.url('app.wear.test', path)

  beforeEach(async () => {
    home.reset()
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
    await (await vault.open(recipe)).close()
    const stored = await vault.peek('worn/default')
    if (stored !== undefined) await vault.put('worn/default', { ...stored.snapshot, identity: plainIdentity })
    session = await vault.open(recipe)
    wearer = await wear(name, session)
    home.seen.length = 0
  })
  afterEach(async () => {
    await wearer.close()
    await session.close()
  })

  test('sends the headers that session.fetch sends, all of them, and what the caller writes, once', async () => {
    const headers = { 'X-Mine': 'yes', Accept: 'text/plain' }
    expect(await wearer.ask(url('/me'), { headers })).toEqual({ status: 200, text: 'alice' })
    await session.fetch(url('/me'), { headers })
    const [theirs, ours] = home.seen
    if (theirs === undefined || ours === undefined) throw new Error('two requests were sent')
    expect(worn(theirs, name)).toEqual(worn(ours, name))
    expect(ours.headers).toMatchObject({
      'x-mine': 'yes',
      accept: 'text/plain',
      'user-agent': plainIdentity.userAgent,
    })
    for (const header of ['cookie', 'x-token']) expect(ours.headers[header]).toContain(shop.canary)
  })

  test('takes home what an answer sets, deletions too, and nothing that is not its to set', async () => {
    await wearer.ask(url('/set'))
    const cookies = Object.fromEntries(session.state.cookies.map((cookie) => [cookie.name, cookie.value]))
    expect(cookies).toMatchObject({ seen: 'yes' })
    expect(Object.keys(cookies)).not.toContain('theme')
    expect(Object.keys(cookies)).not.toContain('bad')
    await wearer.ask(url('/me'))
    expect(home.seen.at(-1)?.headers.cookie).toMatch(/seen=yes/)
    expect(home.seen.at(-1)?.headers.cookie).not.toMatch(/theme|bad/)
  })

  test('decodes, streams and reads bodies of all sizes', async () => {
    for (const coding of ['/gzip', '/br', '/deflate'])
      expect([coding, (await wearer.ask(url(coding))).text]).toEqual([coding, coded])
    expect((await wearer.ask(url('/big'))).text === home.big.toString()).toBe(true)
    expect(await wearer.ask(url('/none'))).toEqual({ status: 204, text: '' })
    expect(await wearer.ask(url('/teapot'))).toEqual({ status: 418, text: 'short and stout' })
  })

  test('gives the first half of a body while the server keeps the other one, where it gives streams', async () => {
    const first = await wearer.firstPart?.(url('/half'))
    expect(first).toBe(readWhole.includes(name) ? undefined : 'the first half')
  })

  test('sends bodies with their type', async () => {
    const headers = { 'content-type': 'application/json' }
    const { status } = await wearer.ask(url('/me'), { method: 'POST', headers, body: '{"ä":1}' })
    const [sent] = home.seen
    expect([status, sent?.method, sent?.body]).toEqual([200, 'POST', '{"ä":1}'])
    expect(sent?.headers['content-type']).toBe('application/json')
  })

  test('carries the session from hop to hop at home, and nothing abroad', async () => {
    const follows = name !== 'undici request' // that follows none unless an interceptor is added
    if (follows) {
      expect(await wearer.ask(url('/near'))).toEqual({ status: 200, text: 'alice' })
      expect(home.seen.at(-1)?.headers.cookie).toMatch(/hop=1/)
      const posted = await wearer.ask(url('/after-post'), { method: 'POST', body: 'x' })
      expect(posted).toMatchObject({ text: 'alice' })
      expect([home.seen.at(-1)?.method, home.seen.at(-1)?.body]).toEqual(['GET', ''])
      const away = await wearer.ask(url('/away'), { headers: { 'X-Mine': shop.canary } })
      expect(away.text).toBe('foreign')
    } else {
      expect((await wearer.ask(url('/away'))).status).toBe(302)
      expect((await wearer.ask(shop.url('evil.test', '/landed'))).text).toBe('foreign')
    }
    const headers = { 'X-Mine': shop.canary }
    await wearer.ask(url('/away-with-body'), { method: 'POST', body: 'for whoever is sent it', headers })
    const abroad = home.seen.filter(({ at }) => /landed/.test(at))
    expect(abroad.length).toBeGreaterThan(0)
    for (const { headers } of abroad) {
      const { 'x-mine': mine, ...rest } = headers
      expect(JSON.stringify(rest)).not.toMatch(new RegExp(`${shop.canary}|sid=|x-token`))
      // What the caller wrote is undici's own to drop, which keeps to the fetch specification.
      if (!followByThemselves.includes(name)) expect(mine).toBeUndefined()
    }
    await wearer.ask(url('/me'))
    expect(home.seen.at(-1)?.headers.cookie).not.toMatch(/foreign/)
  })

  test('renews a dead session once for all, and is answered', async () => {
    const { epoch } = session
    home.alive.clear()
    const answers = await Promise.all(Array.from({ length: 12 }, () => wearer.ask(url('/me'))))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect([home.counts.logins, session.epoch]).toEqual([2, epoch + 1])
  })

  test('sends a POST once, dead session or not, unless it says that twice is as good as once', async () => {
    const { epoch } = session
    const posts = (): number => home.seen.filter(({ method }) => method === 'POST').length
    home.alive.clear()
    expect((await wearer.ask(url('/me'), { method: 'POST', body: 'x' })).status).toBe(401)
    expect([posts(), session.epoch]).toEqual([1, epoch + 1])
    home.alive.clear()
    const headers = { 'Idempotency-Key': 'one' }
    expect((await wearer.ask(url('/me'), { method: 'POST', body: 'x', headers })).status).toBe(200)
    expect([posts(), session.epoch]).toEqual([3, epoch + 2])
  })

  test('fails with what went wrong, typed, and nothing of the session', async () => {
    const port = String(await freePort())
    const gone = `${own ? 'http://127.0.0.1' : 'https://app.wear.test'}:${port}/?q=${shop.canary}`
    const error = await failure(wearer.ask(gone))
    expect(causes(error).some((cause) => cause instanceof RequestFailedError)).toBe(true)
    const text = inspect(ours(error), { depth: 9, showHidden: true })
    expect(text).toMatch(/^impit/.test(name) ? /RequestFailedError/ : /ECONNREFUSED/)
    expect(text).not.toContain(shop.canary)
  })

  test('ends when its caller ends it, before the head and within the body', async () => {
    for (const path of ['/hang', '/half']) {
      const abort = new AbortController()
      const waiting = home.hanging()
      const asked = failure(wearer.ask(url(path), { signal: abort.signal }))
      await waiting
      abort.abort()
      expect([path, await asked]).toEqual([path, expect.any(Error)])
      if (name === 'playwright') wearer = await wear(name, session)
    }
    expect((await wearer.ask(url('/me'))).text).toBe('alice')
  })
})

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

function causes(error: unknown): unknown[] {
  return error instanceof Error ? [error, ...causes(error.cause)] : []
}

/** axios puts all that its caller wrote into its own error; what is below is ours. */
function ours(error: unknown): unknown {
  return error instanceof Error && 'isAxiosError' in error ? error.cause : error
}
