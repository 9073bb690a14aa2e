import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createVault,
  defineRecipe,
  generateKey,
  memoryStore,
  type BlockedFacts,
  type Probe,
  type Recipe,
  type Session,
  type VaultOptions,
} from '../../src/index.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import { signIn } from '../session/signed-in.ts'
import { failureOf } from './clients.ts'

let shop: Shop

beforeAll(async () => {
  shop = await startShop()
  // Three more ways in which a site tells the dead, all by the same cookie as the shop's own.
  const isAlive = async (cookie: string | undefined): Promise<boolean> => {
    const answer = await fetchOwn(cookie)
    return answer === 200
  }
  shop.on('shop.test', '/data', async (req, res) => {
    if (await isAlive(req.headers.cookie)) res.end('data')
    else res.writeHead(302, { location: '/login' }).end()
  })
  shop.on('shop.test', '/graphql', async (req, res) => {
    req.resume()
    const body = (await isAlive(req.headers.cookie))
      ? { data: { me: 'alice' } }
      : { errors: [{ message: 'x', extensions: { code: 'UNAUTHENTICATED' } }] }
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  shop.on('shop.test', '/forbidden', (_, res) => {
    res.writeHead(403).end('not for you')
  })
  shop.on('firewall.test', '/', (_, res) => {
    res.writeHead(403, { 'cf-mitigated': 'challenge' }).end()
  })
})
afterAll(() => shop.close())

/** What the shop's own API says to this cookie. */
async function fetchOwn(cookie: string | undefined): Promise<number> {
  const { request } = await import('node:https')
  return new Promise((resolve, reject) => {
    const headers = cookie === undefined ? {} : { cookie }
    const { lookup, ca } = shop
    request(shop.url('shop.test', '/api/orders'), { headers, lookup, ca, agent: false }, (res) => {
      res.resume().once('end', () => {
        resolve(res.statusCode ?? 0)
      })
    })
      .once('error', reject)
      .end()
  })
}

/** A session that renews itself over HTTP, in a vault of its own; `renewals`: how often it did. */
async function openSession(
  options: Partial<VaultOptions> & { readonly probe?: Probe } = {},
  fields: Partial<Omit<Recipe, 'rotate'>> & { readonly rotate?: Recipe['rotate'] | false } = {},
): Promise<{ session: Session; renewals: () => number }> {
  let renewals = 0
  const { rotate, ...others } = fields
  const recipe = defineRecipe({
    name: 'shop',
    url: shop.url('shop.test', '/login'),
    revisit: false,
    ...(rotate !== false && {
      rotate:
        rotate ??
        (async ({ http }) => {
          renewals += 1
          await http.post(shop.url('shop.test', '/api/login'), { json: { ...shop.accounts.alice } })
        }),
    }),
    ...others,
  })
  const { probe, ...vaultOptions } = options
  const http = { lookup: shop.lookup, ca: shop.ca, ...options.http }
  const vault = createVault({ store: memoryStore(), key: generateKey(), ...vaultOptions, http })
  const signedIn = await signIn(shop)
  await vault.put('shop/default', {
    ...signedIn,
    ...(probe !== undefined && { probe }),
    name: 'shop/default',
    epoch: 1,
    generation: 1,
    headerRules: [],
    savedAt: Date.now(),
  })
  return { session: await vault.open(recipe), renewals: () => renewals }
}

describe('50 concurrent requests that meet a revoked session', () => {
  const ways: Record<string, (session: Session) => Promise<unknown>> = {
    'a 401': (session) => session.http(shop.url('shop.test', '/api/orders')).json(),
    'a redirect to the login page, over fetch': async (session) =>
      (await session.fetch(shop.url('shop.test', '/data'))).text(),
    'a GraphQL error': (session) =>
      session.http
        .post(shop.url('shop.test', '/graphql'), { json: { query: '{ me }' }, idempotent: true })
        .json<{ data: unknown }>()
        .then(({ data }) => data),
  }

  test.each(Object.keys(ways))('%s: one renewal, and all are answered', async (way) => {
    const ask = ways[way]
    if (ask === undefined) throw new Error('no such way')
    const { session, renewals } = await openSession()
    const expected = await ask(session)
    expect(expected).toBeTruthy()
    shop.revoke('alice')
    const { logins } = shop.counters
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(session)))
    expect(answers).toEqual(Array.from({ length: 50 }, () => expected))
    expect([renewals(), shop.counters.logins - logins, session.epoch]).toEqual([1, 1, 2])
    await session.close()
  })

  test('all of these at once: one renewal', async () => {
    const { session, renewals } = await openSession()
    shop.revoke('alice')
    const all = Object.values(ways)
    const answers = await Promise.all(
      Array.from({ length: 51 }, async (_, n) => all[n % all.length]?.(session)),
    )
    expect(answers.every(Boolean)).toBe(true)
    expect([renewals(), session.epoch]).toEqual([1, 2])
    await session.close()
  })

  test('a renewal that fails is the answer to all of them, and they end', async () => {
    const { session } = await openSession(
      {},
      { rotate: (): Promise<void> => Promise.reject(new Error('no')) },
    )
    shop.revoke('alice')
    const asked = Array.from({ length: 50 }, () =>
      failureOf(session.http(shop.url('shop.test', '/api/orders'))),
    )
    const codes = new Set((await Promise.all(asked)).map((error) => (error as { code?: string }).code))
    expect([...codes].sort()).toEqual(['needs-person'])
    await session.close()
  })
})

describe('a session that is alive', () => {
  test('is not renewed by a 403, and the probe is not asked each time', async () => {
    const { session, renewals } = await openSession()
    const { apiCalls } = shop.counters
    for (let n = 0; n < 10; n++)
      expect(await failureOf(session.http(shop.url('shop.test', '/forbidden')))).toMatchObject({
        statusCode: 403,
      })
    expect([renewals(), session.epoch]).toEqual([0, 1])
    expect(shop.counters.apiCalls - apiCalls).toBeLessThan(10)
    await session.close()
  })

  test('is not taken for dead when a firewall answers the probe with the status of the dead', async () => {
    const headers: Record<string, string> = { 'content-type': 'text/html', 'cf-mitigated': 'challenge' }
    shop.on('shop.test', '/probe', (_, res) => {
      res.writeHead(403, headers).end()
    })
    const dead = { status: 403, contentType: 'text/html' }
    const probe = { url: shop.url('shop.test', '/probe'), alive: { status: 200 }, dead }
    const { session, renewals } = await openSession({ probe })
    const ask = () => failureOf(session.http(shop.url('shop.test', '/forbidden')))
    expect(await ask()).toMatchObject({ statusCode: 403 })
    expect(renewals()).toBe(0)
    delete headers['cf-mitigated'] // control: without the firewall it is dead
    await ask()
    expect(renewals()).toBeGreaterThan(0)
    await session.close()
  })

  test('is not renewed by a firewall, which is told to whoever wants to know', async () => {
    const told: BlockedFacts[] = []
    const { session, renewals } = await openSession({
      http: { onBlocked: (facts) => told.push(facts), retry: { maxWait: 0 } },
    })
    const url = shop.httpUrl('firewall.test')
    expect(await failureOf(session.http(url))).toMatchObject({ code: 'blocked', by: 'cloudflare' })
    expect(await failureOf(session.http(url))).toMatchObject({ code: 'blocked', statusCode: undefined })
    expect(told).toMatchObject([{ session: 'shop/default', by: 'cloudflare', statusCode: 403 }])
    expect(session.traffic.origins).toMatchObject([{ origin: new URL(url).origin, heldBy: 'cloudflare' }])
    expect(renewals()).toBe(0)
    await session.close()
  })
})

test('a session without a way to renew itself says dead instead of giving the login page', async () => {
  const { session } = await openSession({}, { rotate: false })
  shop.revoke('alice')
  const url = shop.url('shop.test', '/data')
  expect(await failureOf(session.http(url))).toMatchObject({ code: 'session-dead', session: 'shop/default' })
  expect(await failureOf(session.fetch(url))).toMatchObject({ code: 'session-dead' })
  const status = await failureOf(session.http(shop.url('shop.test', '/api/orders')))
  expect(status).toMatchObject({ code: 'response-status', statusCode: 401 })
  await session.close()
})
