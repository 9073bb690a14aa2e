import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Browser, Page } from 'playwright'
import { createVault, generateKey, memoryStore, type HttpOptions, type Session } from '../../../src/index.ts'
import { eventually } from '../../conformance/wait.ts'
import { launchChromium } from '../../site/chromium.ts'
import { startShop, type Shop } from '../../site/shop.ts'
import { signIn } from '../../session/signed-in.ts'
import { shopRecipe } from '../../session/shop-recipe.ts'

type Headers = Readonly<Record<string, string>>

interface Case {
  readonly headers: Headers
  readonly status?: number
  /** How the second request is answered: from memory, after a question with validators, or after a plain one. */
  readonly second: 'hit' | 'asked with validators' | 'asked'
  /** Where Chromium does something else, and why that is well so. */
  readonly chromium?: Case['second']
}

const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toUTCString()
const soon = new Date(Date.now() + 86_400_000).toUTCString()

const cases: Readonly<Record<string, Case>> = {
  'max-age': { headers: { 'cache-control': 'max-age=60' }, second: 'hit' },
  private: { headers: { 'cache-control': 'private, max-age=60' }, second: 'hit' },
  'a quoted max-age': { headers: { 'cache-control': 'max-age="60"' }, second: 'hit', chromium: 'asked' },
  'no-store': { headers: { 'cache-control': 'no-store, max-age=60' }, second: 'asked' },
  'No-Store in capitals': { headers: { 'cache-control': 'No-Store, Max-Age=60' }, second: 'asked' },
  'no-cache with an etag': {
    headers: { 'cache-control': 'no-cache', etag: '"a"' },
    second: 'asked with validators',
  },
  'max-age=0 with an etag': {
    headers: { 'cache-control': 'max-age=0', etag: '"a"' },
    second: 'asked with validators',
  },
  'an age above max-age': {
    headers: { 'cache-control': 'max-age=60', age: '100', etag: 'W/"a"' },
    second: 'asked with validators',
  },
  'an age below max-age': { headers: { 'cache-control': 'max-age=600', age: '100' }, second: 'hit' },
  'Expires in the future': { headers: { expires: soon }, second: 'hit' },
  'Expires that is no date, with a date of change': {
    headers: { expires: '0', 'last-modified': ago(30) },
    second: 'asked with validators',
  },
  'max-age above Expires': { headers: { expires: ago(1), 'cache-control': 'max-age=60' }, second: 'hit' },
  'only a date of change long ago': { headers: { 'last-modified': ago(100) }, second: 'hit' },
  'nothing said': { headers: {}, second: 'asked' },
  'only an etag': { headers: { etag: '"a"' }, second: 'asked with validators' },
  'Pragma: no-cache': { headers: { pragma: 'no-cache', etag: '"a"' }, second: 'asked with validators' },
  'Vary by what is the same': {
    headers: { 'cache-control': 'max-age=60', vary: 'Accept-Language, Accept' },
    second: 'hit',
  },
  'Vary by everything': { headers: { 'cache-control': 'max-age=60', vary: '*' }, second: 'asked' },
  's-maxage, which is for shared caches': { headers: { 'cache-control': 's-maxage=60' }, second: 'asked' },
  'must-revalidate while fresh: more careful than it has to be': {
    headers: { 'cache-control': 'max-age=60, must-revalidate', etag: '"a"' },
    second: 'asked with validators',
    chromium: 'hit',
  },
  'a 404 that is cacheable': { headers: { 'cache-control': 'max-age=60' }, status: 404, second: 'hit' },
  'a 500, whatever it says': {
    headers: { 'cache-control': 'max-age=60' },
    status: 500,
    second: 'asked',
    chromium: 'hit',
  },
  'a 403, whatever it says': {
    headers: { 'cache-control': 'max-age=60' },
    status: 403,
    second: 'asked',
    chromium: 'hit',
  },
}

let shop: Shop
let browser: Browser
/** Of each address: the headers of its requests. */
const asked = new Map<string, Headers[]>()
/** What the next requests to `/own/…` are answered. */
let answer: (req: { url: string; headers: Headers }) => {
  status?: number
  headers?: Headers
  body?: string
} = () => ({})

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
  const note = (url: string, headers: object): Headers => {
    asked.set(url, [...(asked.get(url) ?? []), headers as Headers])
    return headers as Headers
  }
  shop.on('shop.test', '/case/*', (req, res) => {
    const url = req.url ?? ''
    const headers = note(url, req.headers)
    const one = cases[new URL(url, 'http://x').searchParams.get('case') ?? '']
    if (headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined)
      res.statusCode = 304
    else res.statusCode = one?.status ?? 200
    for (const [name, value] of Object.entries(one?.headers ?? {})) res.setHeader(name, value)
    res.end(res.statusCode === 304 ? undefined : `page ${String(asked.get(url)?.length)}`)
  })
  shop.on('shop.test', '/own/*', (req, res) => {
    const url = req.url ?? ''
    const { status = 200, headers = {}, body = '' } = answer({ url, headers: note(url, req.headers) })
    res.writeHead(status, headers).end(status === 304 ? undefined : body)
  })
})

afterAll(async () => {
  await browser.close()
  await shop.close()
})

async function openVault(http: Partial<HttpOptions> = { cache: true }) {
  const store = memoryStore()
  const vault = createVault({
    store,
    key: generateKey(),
    http: { lookup: shop.lookup, ca: shop.ca, ...http },
  })
  await vault.put('shop/alice', await signIn(shop))
  await vault.put('shop/bob', await signIn(shop, 'bob'))
  return vault
}

const open = async (vault: Awaited<ReturnType<typeof openVault>>, account = 'alice'): Promise<Session> =>
  vault.open(shopRecipe(shop), { account, login: 'never' })

let places = 0
/** An address of a test's own, and how often it was asked for. */
function place(path = 'own') {
  const url = shop.url('shop.test', `/${path}/${String(++places)}`)
  const { pathname } = new URL(url)
  return { url, requests: () => asked.get(pathname) ?? [] }
}

function secondOf(requests: readonly Headers[]): Case['second'] {
  const second = requests[1]
  if (second === undefined) return 'hit'
  const isConditional = second['if-none-match'] !== undefined || second['if-modified-since'] !== undefined
  return isConditional ? 'asked with validators' : 'asked'
}

describe('the rules of HTTP', () => {
  let session: Session
  let page: Page
  beforeAll(async () => {
    session = await open(await openVault({ cache: true, retry: false }))
    page = await browser.newPage()
    await page.goto(shop.url('shop.test', '/blank'))
  })
  afterAll(() => session.close())

  test.each(Object.entries(cases))('%s', async (name, { second, status = 200, chromium: other = second }) => {
    const ours = `/case/ours?case=${encodeURIComponent(name)}`
    for (const client of ['http', 'fetch'] as const) {
      const url = shop.url('shop.test', `${ours}&by=${client}`)
      const ask = async (): Promise<[number, string]> => {
        if (client === 'fetch') {
          const response = await session.fetch(url)
          return [response.status, await response.text()]
        }
        const { statusCode, body } = await session.http(url, { throwHttpErrors: false, retries: 0 })
        return [statusCode, body.toString()]
      }
      const first = await ask()
      const again = await ask()
      expect(first).toEqual([status, 'page 1'])
      expect(again).toEqual([status, second === 'asked' ? 'page 2' : 'page 1'])
      expect(secondOf(asked.get(`${ours}&by=${client}`) ?? [])).toBe(second)
    }
    const theirs = `/case/theirs?case=${encodeURIComponent(name)}`
    await page.evaluate(async (url) => {
      for (let n = 0; n < 2; n++) await (await fetch(url)).text()
    }, theirs)
    expect(secondOf(asked.get(theirs) ?? [])).toBe(other)
  })
})

describe("a session's cache", () => {
  const fresh = { 'cache-control': 'max-age=600' }

  test('gives the age, no cookies, and the same to all clients of the session', async () => {
    await using session = await open(await openVault())
    const { url, requests } = place()
    answer = () => ({ headers: { ...fresh, age: '7', 'set-cookie': 'seen=1; Path=/own' }, body: 'x' })
    await session.http(url)
    expect(session.state.cookies.some(({ name }) => name === 'seen')).toBe(true)
    // The cookie has changed who asks; the next answer is for the new one.
    answer = () => ({ headers: { ...fresh, age: '7' }, body: 'y' })
    expect(await session.http(url).text()).toBe('y')
    const again = await session.http(url)
    expect([again.text(), again.headers['set-cookie']]).toEqual(['y', undefined])
    expect(Number(again.headers['age'])).toBeGreaterThanOrEqual(7)
    expect(requests()).toHaveLength(2)
  })

  test('a 404 that is kept is still an error to whoever wants no 404', async () => {
    await using session = await open(await openVault())
    const { url, requests } = place()
    answer = () => ({ status: 404, headers: fresh, body: 'none' })
    expect((await session.http(url, { throwHttpErrors: false })).text()).toBe('none')
    await expect(session.http(url)).rejects.toMatchObject({ code: 'response-status', statusCode: 404 })
    expect(requests()).toHaveLength(1)
  })

  test('two accounts with the same address never see the page of the other', async () => {
    const vault = await openVault()
    await using alice = await open(vault)
    await using bob = await open(vault, 'bob')
    const { url } = place()
    answer = ({ headers }) => ({ headers: { ...fresh, etag: 'W/"same"' }, body: headers['cookie'] ?? '' })
    const seen = [await alice.http(url).text(), await bob.http(url).text()]
    expect(seen[0]).not.toBe(seen[1])
    expect([await alice.http(url).text(), await bob.http(url).text()]).toEqual(seen)
  })

  test('nothing from before is given after a renewal or a rollback', async () => {
    const vault = await openVault()
    await using session = await open(vault)
    const { url, requests } = place()
    answer = ({ headers }) => ({ headers: { ...fresh, etag: '"same"' }, body: headers['cookie'] ?? '' })
    const before = await session.http(url).text()
    // Somebody else's login, under the same name: as a renewal in another process brings it home.
    const { epoch } = session
    await vault.put('shop/alice', { ...(await signIn(shop, 'bob')), epoch: epoch + 1 })
    await eventually(() => Promise.resolve(session.epoch > epoch || undefined))
    const after = await session.http(url).text()
    expect(after).not.toBe(before)
    expect(requests()).toHaveLength(2)
    expect(requests()[1]?.['if-none-match']).toBeUndefined()
    const [, first] = await vault.history('shop/alice')
    await vault.rollback('shop/alice', first?.version)
    await eventually(() => Promise.resolve(session.epoch > epoch + 1 || undefined))
    expect(await session.http(url).text()).toBe(before)
    expect(requests()).toHaveLength(3)
  })

  test('an answer asked for with other cookies is asked for again; only a strong validator may confirm it', async () => {
    await using session = await open(await openVault())
    const [strong, weak] = [place(), place()]
    const tagOf = (url: string): string => (strong.url.endsWith(url) ? '"tag"' : 'W/"tag"')
    answer = ({ url, headers }) => ({
      status: headers['if-none-match'] === undefined ? 200 : 304,
      headers: { ...fresh, etag: tagOf(url), 'last-modified': ago(1) },
      body: headers['cookie'] ?? '',
    })
    for (const { url } of [strong, weak]) await session.http(url)
    await session.jar.setCookie('tenant=other; Path=/', strong.url)
    for (const { url } of [strong, weak]) await session.http(url)
    expect(strong.requests()[1]).toMatchObject({ 'if-none-match': '"tag"' })
    expect(weak.requests()).toHaveLength(2)
    expect(weak.requests()[1]?.['if-none-match'] ?? weak.requests()[1]?.['if-modified-since']).toBeUndefined()
  })

  test('what is anonymous is not given to the session, nor the other way round', async () => {
    await using session = await open(await openVault())
    const { url, requests } = place()
    answer = ({ headers }) => ({
      headers: fresh,
      body: headers['cookie'] === undefined ? 'nobody' : 'somebody',
    })
    const ask = async (credentials: RequestCredentials): Promise<string> =>
      (await session.fetch(url, { credentials })).text()
    for (let n = 0; n < 2; n++)
      expect([await ask('omit'), await ask('include')]).toEqual(['nobody', 'somebody'])
    expect(requests()).toHaveLength(2)
  })

  test('what changes something makes its address old; a request with validators or a range of its own passes by', async () => {
    await using session = await open(await openVault())
    const { url, requests } = place()
    answer = () => ({ headers: fresh, body: 'page' })
    await session.http(url)
    await session.http(url, { headers: { 'If-None-Match': '"mine"' } })
    await session.http(url, { headers: { Range: 'bytes=0-1' } })
    await session.http(url)
    expect(requests()).toHaveLength(3)
    await session.http.post(url, { form: { a: '1' } })
    await session.http(url)
    expect(requests()).toHaveLength(5)
    await session.http(url, { headers: { 'Cache-Control': 'no-cache' } })
    expect(requests()).toHaveLength(6)
  })

  test('stale-if-error gives the old page when the server fails, and not when it says no', async () => {
    await using session = await open(await openVault({ cache: true, retry: false }))
    const { url } = place()
    let status = 200
    answer = () => ({
      status,
      headers: { 'cache-control': 'max-age=1, stale-if-error=600', age: '2' },
      body: `status ${String(status)}`,
    })
    await session.http(url)
    status = 503
    expect(await session.http(url).text()).toBe('status 200')
    status = 410
    await expect(session.http(url)).rejects.toMatchObject({ statusCode: 410 })
  })

  test('stale-while-revalidate gives the old page once and asks in the background', async () => {
    await using session = await open(await openVault())
    const { url, requests } = place()
    answer = () => ({
      headers:
        requests().length === 1
          ? { 'cache-control': 'max-age=1, stale-while-revalidate=600', age: '2' }
          : fresh,
      body: `page ${String(requests().length)}`,
    })
    await session.http(url)
    expect(await session.http(url).text()).toBe('page 1')
    await eventually(() => Promise.resolve(requests().length === 2 || undefined))
    await eventually(async () => (await session.http(url).text()) === 'page 2' || undefined)
    expect(requests()).toHaveLength(2)
  })

  test('does not hide that the session has died: the probe asks, and then nothing is given from memory', async () => {
    const vault = await openVault()
    // A recipe that cannot sign in.
    const recipe = { name: 'shop', url: shop.url('shop.test', '/login') }
    await using session = await vault.open(recipe, { account: 'alice', login: 'never' })
    const { url, requests } = place()
    answer = () => ({ headers: fresh, body: 'private page' })
    await session.http(url)
    shop.revoke('alice')
    expect(await session.check()).toBe('dead')
    await expect(session.http(shop.url('shop.test', '/api/orders'))).rejects.toMatchObject({
      statusCode: 401,
    })
    await session.http(url)
    expect(requests()).toHaveLength(2)
  })

  test('keeps within its bytes, and large answers and streams without end pass through', async () => {
    await using session = await open(await openVault({ cache: { maxBytes: 100_000 } }))
    answer = () => ({ headers: fresh, body: 'x'.repeat(9_000) })
    const many = Array.from({ length: 12 }, () => place())
    for (const { url } of many) await session.http(url)
    await session.http(many.at(-1)?.url ?? '')
    await session.http(many[0]?.url ?? '')
    expect([many.at(-1)?.requests().length, many[0]?.requests().length]).toEqual([1, 2])
    answer = () => ({ headers: fresh, body: 'x'.repeat(20_000) })
    const large = place()
    for (let n = 0; n < 2; n++) expect((await (await session.fetch(large.url)).text()).length).toBe(20_000)
    expect(large.requests()).toHaveLength(2)
  })

  test('is not there when nobody asks for it', async () => {
    await using session = await open(await openVault({}))
    const { url, requests } = place()
    answer = () => ({ headers: fresh, body: 'page' })
    for (let n = 0; n < 2; n++) await session.http(url)
    expect(requests()).toHaveLength(2)
  })
})
