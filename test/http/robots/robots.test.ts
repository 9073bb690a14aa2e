import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createVault,
  generateKey,
  memoryStore,
  RobotsError,
  type HttpOptions,
  type Session,
} from '../../../src/index.ts'
import { startShop, type Shop } from '../../site/shop.ts'
import { signIn } from '../../session/signed-in.ts'
import { shopRecipe } from '../../session/shop-recipe.ts'

interface Robots {
  readonly status?: number
  readonly text?: string
  readonly location?: string
}

let shop: Shop
/** By host; each test has hosts of its own, as sessions remember what they have read. */
const robots = new Map<string, Robots>()
const asked: { host: string; path: string; cookie: string | undefined; at: number }[] = []
let hosts = 0

beforeAll(async () => {
  shop = await startShop()
  const note = (host: string, path: string, cookie: string | undefined): void => {
    asked.push({ host, path, cookie, at: performance.now() })
  }
  shop.on('*', '/robots.txt', (req, res) => {
    const host = hostOf(req.headers.host)
    note(host, '/robots.txt', req.headers.cookie)
    const { status = 200, text = '', location } = robots.get(host) ?? { status: 404 }
    if (status === 0) {
      res.destroy()
      return
    }
    res.writeHead(status, location === undefined ? {} : { location }).end(text)
  })
  shop.on('*', '/site/*', (req, res) => {
    note(hostOf(req.headers.host), req.url ?? '', req.headers.cookie)
    if (req.url?.startsWith('/site/away') === true) res.writeHead(302, { location: '/site/private/x' })
    res.end('page')
  })
})
afterAll(() => shop.close())

const hostOf = (host = ''): string => host.replace(/:\d+$/, '')
const of = (host: string) => asked.filter((one) => one.host === host)

function site(word: Robots): string {
  const host = `r${String(++hosts)}.many.test`
  robots.set(host, word)
  return host
}

async function open(options: HttpOptions['robots'] = true): Promise<Session> {
  const http = { lookup: shop.lookup, ca: shop.ca, robots: options, retry: false } as const
  const vault = createVault({ store: memoryStore(), key: generateKey(), http })
  await vault.put('shop/alice', await signIn(shop))
  return vault.open(shopRecipe(shop), { account: 'alice', login: 'never' })
}

const rules = 'User-agent: *\nDisallow: /site/private\nAllow: /site/private/open\n'

describe('robots.txt', () => {
  test('is read once for an origin, without the session, and what it does not allow is not asked for', async () => {
    await using session = await open()
    const host = site({ text: rules })
    const url = (path: string): string => shop.url(host, path)
    expect((await session.http(url('/site/a'))).statusCode).toBe(200)
    expect((await session.http(url('/site/private/open'))).statusCode).toBe(200)
    const refused = session.http(url('/site/private/a?token=secret'))
    await expect(refused).rejects.toBeInstanceOf(RobotsError)
    await expect(refused).rejects.toMatchObject({
      code: 'robots-disallowed',
      reason: 'disallowed',
      tier: 'final',
    })
    await expect(refused).rejects.not.toThrow('secret')
    await expect(session.fetch(url('/site/private/b'))).rejects.toMatchObject({
      cause: { code: 'robots-disallowed' },
    })
    // A redirect leads nowhere that a request may not go.
    await expect(session.http(url('/site/away'))).rejects.toBeInstanceOf(RobotsError)
    expect(of(host).map(({ path }) => path)).toEqual([
      '/robots.txt',
      '/site/a',
      '/site/private/open',
      '/site/away',
    ])
    expect(of(host)[0]?.cookie).toBeUndefined()
  })

  test.each([
    ['a 404', { status: 404 }, true],
    ['a 403', { status: 403, text: 'User-agent: *\nDisallow: /' }, true],
    ['too many redirects', { status: 302, location: '/robots.txt' }, true],
    ['a byte order mark', { text: '\ufeffUser-agent: *\nDisallow: /' }, false],
    ['a 500', { status: 500 }, false],
    ['a 429', { status: 429 }, false],
    ['no answer', { status: 0 }, false],
    ['what is beyond 500 KiB', { text: `${'#'.repeat(500 * 1024)}\nUser-agent: *\nDisallow: /` }, true],
    [
      'what stands at the end of 500 KiB',
      { text: `User-agent: *\n${'#'.repeat(400 * 1024)}\nDisallow: /` },
      false,
    ],
  ] as const)('%s is understood as RFC 9309 says', async (_what, word, allowed) => {
    await using session = await open()
    const url = shop.url(site(word), '/site/a')
    if (allowed) expect((await session.http(url)).statusCode).toBe(200)
    else await expect(session.http(url)).rejects.toBeInstanceOf(RobotsError)
  })

  test('of its groups the one for our own name counts, else the one for all', async () => {
    const text =
      'User-agent: sessionbridge\nDisallow: /site/ours\n\nUser-agent: examplebot\nDisallow: /site/theirs\n\nUser-agent: *\nDisallow: /site\n'
    const host = site({ text })
    const allowed = async (options: HttpOptions['robots'], path: string): Promise<boolean> => {
      await using session = await open(options)
      return await session.http(shop.url(host, path)).then(
        () => true,
        () => false,
      )
    }
    expect([await allowed(true, '/site/ours'), await allowed(true, '/site/theirs')]).toEqual([false, true])
    expect([
      await allowed({ userAgent: 'ExampleBot' }, '/site/ours'),
      await allowed({ userAgent: 'ExampleBot' }, '/site/theirs'),
    ]).toEqual([true, false])
    expect(await allowed({ userAgent: 'somebody' }, '/site/ours')).toBe(false)
  })

  test('its crawl delay is the distance between requests of all clients of the session, to that origin only', async () => {
    await using session = await open()
    const host = site({ text: 'User-agent: *\nCrawl-delay: 0.2\nDisallow:\n' })
    const free = site({ text: '' })
    await session.http(shop.url(free, '/site/0'))
    const ask = async (n: number): Promise<void> => {
      await (n % 2 === 0 ? session.http : session.fetch)(shop.url(host, `/site/${String(n)}`))
    }
    for (const n of [0, 1]) await ask(n) // both have a connection by then: waiting for one could outlast a distance
    const begun = performance.now()
    const slow = Array.from({ length: 9 }, (_, n) => ask(n + 2))
    await session.http(shop.url(free, '/site/1'))
    await Promise.all(slow)
    const times = of(host)
      .filter(({ path }) => path !== '/robots.txt')
      .map(({ at }) => at)
    expect(times).toHaveLength(2 + 9)
    // From before the first was sent: on the wire a machine that stands still lets any of them come late.
    expect((times.at(-1) ?? 0) - begun).toBeGreaterThanOrEqual(8 * 200 - 5)
    expect(of(free).at(-1)?.at).toBeLessThan(times.at(-1) ?? 0)
  })

  test('what a map may not ask for is listed, and is no failure', async () => {
    await using session = await open()
    const host = site({ text: rules })
    const urls = ['/site/a', '/site/private/b?x=1', '/site/c'].map((path) => shop.url(host, path))
    const result = await session.map(urls, (url) => session.fetch(url))
    expect(result).toMatchObject({ done: 2, failed: 0, skipped: 1, failures: [] })
    expect(result.disallowed).toEqual([shop.url(host, '/site/private/b')])
  })

  test('is not asked for when nobody wants it', async () => {
    await using session = await open(false)
    const host = site({ text: 'User-agent: *\nDisallow: /' })
    await session.http(shop.url(host, '/site/a'))
    expect(of(host).map(({ path }) => path)).toEqual(['/site/a'])
  })
})
