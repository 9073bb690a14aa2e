import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import {
  crawleeClient,
  crawleePageHooks,
  createVault,
  defineRecipe,
  generateKey,
  memoryStore,
  type Session,
} from '../../src/index.ts'
import { chromiumPath } from '../site/chromium.ts'
import { loadCrawlee, loadPlaywrightCrawler, type Crawlee, type Crawling } from '../site/foreign-clients.ts'
import { startShop, type Shop } from '../site/shop.ts'

/** Crawlee itself, its disk included, at a site whose pages link to each other and turn their cookie with each answer. */
let shop: Shop
let crawlee: Crawlee
let session: Session
let folder: string
const pages = 12
const counts = { ids: 0, logins: 0, refused: 0, asked: new Map<string, number>() }
const alive = new Map<string, string>()
const url = (path: string): string => shop.url('crawl.test', path)

beforeAll(async () => {
  shop = await startShop()
  crawlee = await loadCrawlee()
  crawlee.log.setLevel(0)
  shop.on('crawl.test', '/login', (req, res) => {
    counts.logins += 1
    const who = new URL(req.url ?? '', url('/')).searchParams.get('who') ?? ''
    const id = `${shop.canary}-${String(++counts.ids)}`
    alive.set(id, who)
    res.writeHead(200, { 'set-cookie': `sid=${id}; Path=/; HttpOnly` }).end()
  })
  shop.on('crawl.test', '*', (req, res) => {
    const path = req.url ?? ''
    counts.asked.set(path, (counts.asked.get(path) ?? 0) + 1)
    const who = alive.get(/(?:^|; )sid=([^;]*)/.exec(req.headers.cookie ?? '')?.[1] ?? '')
    if (who === undefined) {
      counts.refused += 1
      res.writeHead(401, { 'content-type': 'text/html' }).end('who are you')
    } else pageOf(path, who, res)
  })
}, 300_000)
afterAll(() => shop.close())

function pageOf(path: string, who: string, res: ServerResponse): void {
  const next = Number(path.slice(1)) + 1
  const link = next < pages ? `<a href="/${String(next)}">next</a>` : ''
  const script = '<script>document.cookie = "bypage=yes; path=/"</script>'
  // The probe may be asked at any time, also after the last page.
  const cookie = path === '/probe' ? {} : { 'set-cookie': `last=${shop.canary}${path}; Path=/` }
  res
    .writeHead(200, { 'content-type': 'text/html', ...cookie })
    .end(`<title>${path}</title><p>${who}</p>${link}${script}`)
}

async function open(account: string): Promise<Session> {
  const recipe = defineRecipe({
    name: 'crawl',
    url: url('/'),
    probe: url('/probe'),
    signIn: async ({ http }) => {
      await http(url(`/login?who=${account}`))
    },
  })
  const http = { lookup: shop.lookup, ca: shop.ca }
  return createVault({ store: memoryStore(), key: generateKey(), http }).open(recipe, { account })
}

beforeEach(async () => {
  alive.clear()
  folder = await mkdtemp(join(tmpdir(), 'sessionbridge-crawlee-'))
  session = await open('alice')
  Object.assign(counts, { logins: 0, refused: 0 })
  counts.asked.clear()
})
afterEach(async () => {
  await session.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

function onDisk(): object {
  const { Configuration } = crawlee
  return new Configuration({
    storageClientOptions: { localDataDirectory: folder },
    persistStateIntervalMillis: 50,
  })
}

/** Crawlee writes in the background. */
const waiting = { timeout: 120_000, interval: 50 }

/** All that Crawlee has written, as one text. */
async function written(): Promise<string> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const texts = files
    .filter((file) => file.isFile())
    .map((file) => readFile(join(file.parentPath, file.name), 'utf8'))
  return (await Promise.all(texts)).join('\n')
}

test('a crawl goes on when the session is revoked: renewed once, no page asked for by Crawlee again', async () => {
  const seen: string[] = []
  const errors: unknown[] = []
  const crawler = new crawlee.CheerioCrawler(
    {
      httpClient: crawleeClient(session),
      errorHandler: (_: unknown, error: unknown) => errors.push(error),
      async requestHandler({ request, $, session: entry, enqueueLinks }: CheerioCrawling) {
        seen.push(`${new URL(request.url).pathname} ${$('p').text()} ${String(entry?.isUsable())}`)
        if (seen.length === 5) alive.clear()
        await enqueueLinks()
      },
    },
    onDisk(),
  )
  const figures = await crawler.run([url('/0')])
  expect([figures.requestsFinished, figures.requestsFailed, errors]).toEqual([pages, 0, []])
  expect(seen).toEqual(Array.from({ length: pages }, (_, n) => `/${String(n)} alice true`))
  expect([counts.logins, counts.refused > 0]).toEqual([1, true])
  expect(session.state.cookies.find(({ name }) => name === 'last')?.value).toMatch(/\/11$/)
  const text = await vi.waitFor(async () => {
    const found = await written()
    expect(found).toContain(url('/11'))
    expect(found).toContain('usageCount') // of the entries of the pool
    return found
  }, waiting)
  expect(text).not.toContain(shop.canary)
})

test("Crawlee's own client writes cookies to its disk: the files would show them", async () => {
  const crawler = new crawlee.CheerioCrawler({ requestHandler: () => undefined }, onDisk())
  shop.on('127.0.0.1', '/open', (_, res) => {
    const headers = { 'content-type': 'text/html', 'set-cookie': `own=${shop.canary}; Path=/` }
    res.writeHead(200, headers).end('<p>open</p>')
  })
  await crawler.run([shop.httpUrl('127.0.0.1', '/open')])
  await vi.waitFor(async () => {
    expect(await written()).toContain(shop.canary)
  }, waiting)
})

test('each entry of the pool keeps one of several sessions, and sendRequest is of that one', async () => {
  const bob = await open('bob')
  const seen = new Map<string, Set<string>>()
  const crawler = new crawlee.CheerioCrawler(
    {
      httpClient: crawleeClient([session, bob]),
      sessionPoolOptions: { maxPoolSize: 2 },
      async requestHandler({ $, session: entry, sendRequest }: CheerioCrawling) {
        const { body } = await sendRequest({ url: url('/sent') })
        const who = [$('p').text(), /<p>(\w+)<\/p>/.exec(body)?.[1] ?? '']
        const key = entry?.id ?? ''
        seen.set(key, new Set([...(seen.get(key) ?? []), ...who]))
      },
    },
    onDisk(),
  )
  await crawler.run(Array.from({ length: 20 }, (_, n) => url(`/${String(100 + n)}`)))
  await bob.close()
  expect([...seen.values()].map((who) => [...who]).sort()).toEqual([['alice'], ['bob']])
})

test('a crawler that has a proxy of its own is refused, and told where proxies belong', async () => {
  const errors: string[] = []
  const crawler = new crawlee.CheerioCrawler(
    {
      httpClient: crawleeClient(session),
      proxyConfiguration: new crawlee.ProxyConfiguration({ proxyUrls: ['http://proxy.test:8000'] }),
      maxRequestRetries: 0,
      requestHandler: () => undefined,
      failedRequestHandler: (_: unknown, error: Error) => errors.push(error.message),
    },
    onDisk(),
  )
  await crawler.run([url('/0')])
  expect(errors).toEqual([expect.stringContaining('give the proxy to the vault')])
  expect(counts.asked.size).toBe(0)
})

test('pages of a PlaywrightCrawler wear the session, and take home what they change', async () => {
  const PlaywrightCrawler = await loadPlaywrightCrawler()
  const hooks = crawleePageHooks(session)
  const seen: string[] = []
  const crawler = new PlaywrightCrawler(
    {
      ...hooks,
      launchContext: {
        ...hooks.launchContext,
        launchOptions: {
          executablePath: await chromiumPath(),
          chromiumSandbox: false,
          // Crawlee puts a proxy of its own between, which looks names up by itself.
          proxy: { server: 'http://127.0.0.1:9', bypass: '*.test' },
          args: [...shop.address.browserArgs],
        },
      },
      async requestHandler({ page, request }: Crawling) {
        seen.push(`${new URL(request.url).pathname} ${(await page.textContent('p')) ?? ''}`)
      },
    },
    onDisk(),
  )
  const figures = await crawler.run(['/201', '/202', '/203'].map(url))
  expect([figures.requestsFinished, figures.requestsFailed]).toEqual([3, 0])
  expect(seen.sort()).toEqual(['/201 alice', '/202 alice', '/203 alice'])
  expect(session.state.cookies.map(({ name }) => name)).toContain('bypage')
  const text = await written()
  expect(text).toContain(url('/203'))
  expect(text).not.toContain(shop.canary)
})

interface CheerioCrawling extends Crawling {
  readonly $: (selector: string) => { text(): string }
  readonly enqueueLinks: () => Promise<unknown>
}
