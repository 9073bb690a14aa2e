import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { createLocalJWKSet, exportJWK, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  apiKeyAuth,
  basicAuth,
  bearerAuth,
  defineRecipe,
  generateKey,
  jwtAuth,
  memoryStore,
  RecipeInvalidError,
  type Recipe,
} from '../../../src/index.ts'
import { signJwt } from '../../../src/login/auth/jwt.ts'
import { pause } from '../../conformance/wait.ts'
import { startShop, type Shop } from '../../site/shop.ts'
import { failureOf, vaultAt } from './vaults.ts'

let shop: Shop
/** What the API takes, by header; and what it was sent. */
let takes: Readonly<Record<string, string>> = {}
const seen: { readonly at: string; readonly headers: object }[] = []

beforeAll(async () => {
  shop = await startShop()
  for (const host of ['api.plain.test', 'files.plain.test', 'evil.test'])
    shop.on(host, '*', (req, res) => {
      seen.push({ at: `${'encrypted' in req.socket ? 'https' : 'http'}://${host}`, headers: req.headers })
      const isRight = Object.entries(takes).every(([name, value]) => req.headers[name] === value)
      res.writeHead(isRight ? 200 : 401, { 'content-type': 'text/plain' }).end(isRight ? 'fine' : 'no')
    })
  shop.on('api.plain.test', '/away', (_, res) => {
    res.writeHead(307, { location: shop.url('evil.test', '/') }).end()
  })
})
afterAll(() => shop.close())

const basics = (): { name: string; url: string; probe: string } => ({
  name: 'plain',
  url: shop.url('api.plain.test', '/'),
  probe: shop.url('api.plain.test', '/me'),
})

describe('a credential that is a header', () => {
  const kinds: [
    kind: string,
    recipe: () => Recipe,
    secrets: () => Record<string, string>,
    sent: () => Record<string, string>,
  ][] = [
    [
      'basic',
      () => basicAuth(basics()),
      () => ({ username: 'Aladdin', password: `open: ${shop.canary} ü` }),
      () => ({ authorization: `Basic ${Buffer.from(`Aladdin:open: ${shop.canary} ü`).toString('base64')}` }),
    ],
    [
      'bearer',
      () => bearerAuth(basics()),
      () => ({ token: `${shop.canary}.t-_~+/=` }),
      () => ({ authorization: `Bearer ${shop.canary}.t-_~+/=` }),
    ],
    [
      'API key',
      () => apiKeyAuth(basics()),
      () => ({ key: shop.canary }),
      () => ({ 'x-api-key': shop.canary }),
    ],
    [
      'API key in a header of its own',
      () => apiKeyAuth({ ...basics(), header: 'Authorization', prefix: 'Token ' }),
      () => ({ key: shop.canary }),
      () => ({ authorization: `Token ${shop.canary}` }),
    ],
  ]

  test.each(kinds)('%s: is proven, carried, resumed, and stays home', async (_, recipe, secrets, sent) => {
    takes = sent()
    const [name = '', value = ''] = Object.entries(takes)[0] ?? []
    const shared = { store: memoryStore(), key: generateKey() }
    {
      await using session = await vaultAt(shop, { ...shared, secrets: secrets() }).open(recipe())
      expect([session.isNew, await session.check()]).toEqual([true, 'alive'])
      expect(await session.http(shop.url('api.plain.test', '/list')).text()).toBe('fine')
      expect((await session.fetch(shop.url('api.plain.test', '/list'))).status).toBe(200)
      const headers = new Map(
        session.headersFor(basics().url).map(([header, content]) => [header.toLowerCase(), content]),
      )
      expect(headers.get(name)).toBe(value)
    }
    // Resumed without a secret.
    await using again = await vaultAt(shop, { ...shared, secrets: {} }).open(recipe())
    expect(again.isNew).toBe(false)
    expect(await again.http(shop.url('api.plain.test', '/list')).text()).toBe('fine')
    seen.length = 0
    const lenient = { throwHttpErrors: false }
    await again.http.post(shop.url('api.plain.test', '/away'), lenient).catch(() => undefined)
    await again.http(shop.url('api.plain.test', '/away'), lenient)
    await again.http(shop.url('files.plain.test', '/'), lenient)
    await again.http(shop.httpUrl('api.plain.test', '/'), lenient)
    await again.fetch(basics().url, { credentials: 'omit' })
    const abroad = seen.filter(({ at }) => at !== 'https://api.plain.test')
    expect(new Set(abroad.map(({ at }) => at))).toEqual(
      new Set(['https://evil.test', 'https://files.plain.test', 'http://api.plain.test']),
    )
    expect(JSON.stringify([...abroad, seen.at(-1)])).not.toContain(value)
    expect(JSON.stringify(seen)).toContain(value) // asked at home, where such answers are looked into
  })

  test.each(kinds)(
    '%s: a wrong one is tried once by all, and is in no error',
    async (_, recipe, secrets, sent) => {
      takes = Object.fromEntries(Object.entries(sent()).map(([name, value]) => [name, `${value}2`]))
      const store = memoryStore()
      const key = generateKey()
      seen.length = 0
      const open = () => vaultAt(shop, { store, key, secrets: secrets() }).open(recipe())
      const error = await failureOf(open())
      expect(error).toMatchObject({ code: 'login-failed', failure: 'rejected' })
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(shop.canary)
      const asked = seen.length
      expect(await failureOf(open())).toMatchObject({ failure: 'rejected' })
      expect(seen.length).toBe(asked)
    },
  )

  test('goes to further origins when they are named', async () => {
    takes = { authorization: `Bearer ${shop.canary}` }
    const recipe = bearerAuth({ ...basics(), origins: [shop.url('files.plain.test', '/')] })
    await using session = await vaultAt(shop, { secrets: { token: shop.canary } }).open(recipe)
    expect(await session.http(shop.url('files.plain.test', '/f')).text()).toBe('fine')
  })
})

describe('a token that we sign', () => {
  const pem = (type: 'rsa' | 'ec') => {
    const pair =
      type === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return { ...pair, text: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
  }

  test.each([
    ['RS256', 'rsa'],
    ['ES256', 'ec'],
  ] as const)('verifies with jose: %s', async (algorithm, type) => {
    const { publicKey, text } = pem(type)
    const claims = { iss: 'us', aud: 'them', sub: 'job' }
    const { token, expiresAt } = signJwt({ algorithm, claims, keyId: 'k1', lifetime: 60_000 }, text)
    const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: algorithm }] })
    const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: 'us', audience: 'them' })
    expect([protectedHeader.alg, payload.sub, payload.exp]).toEqual([algorithm, 'job', expiresAt / 1_000])
    await expect(jwtVerify(`${token.slice(0, -9)}AAAAAAAAA`, keys)).rejects.toThrow()
  })

  test('says what kind of key is missing, without the key', async () => {
    for (const key of [`${shop.canary} no key`, pem('rsa').text]) {
      const recipe = jwtAuth({ ...basics(), algorithm: 'ES256' })
      const error = await failureOf(vaultAt(shop, { secrets: { key } }).open(recipe))
      expect(error.message).toMatch(/secret "key"|\[secret\]/)
      expect(inspect(error, { depth: 9 })).not.toContain(shop.canary)
      expect(inspect(error, { depth: 9 })).not.toContain(key.split('\n')[1] ?? shop.canary)
    }
  })

  test('is renewed before it ends, and when it has ended in a stored session, with no probe to ask', async () => {
    const key = `${shop.canary}-a-shared-secret-of-many-bytes`
    const ages: number[] = []
    shop.on('api.jwt.test', '*', async (req, res) => {
      const token = (req.headers.authorization ?? '').replace('Bearer ', '')
      const found = await jwtVerify(token, Buffer.from(key)).catch(() => undefined)
      if (found !== undefined) ages.push(Date.now() / 1000 - (found.payload.iat ?? 0))
      res.writeHead(found === undefined ? 401 : 200).end('fine')
    })
    const url = shop.url('api.jwt.test', '/')
    const recipe = jwtAuth({ name: 'jwt', url, algorithm: 'HS256', lifetime: 3_000 })
    await using session = await vaultAt(shop, { secrets: { key } }).open(recipe)
    const statuses = new Set<number>()
    while (session.epoch < 3) statuses.add((await session.http(url, { throwHttpErrors: false })).statusCode)
    expect([...statuses]).toEqual([200])
    expect(Math.max(...ages)).toBeLessThan(4)

    const shared = { store: memoryStore(), key: generateKey(), secrets: { key } }
    const short = jwtAuth({ name: 'short', url, algorithm: 'HS256', lifetime: 1_000 })
    const begun = Date.now()
    const opened = await vaultAt(shop, shared).open(short)
    const end = (opened.state.cookies.find(({ name }) => name === 'kept-authorization')?.expires ?? 0) * 1_000
    await opened.close()
    expect(end).toBeGreaterThan(begun - 1_000)
    while (Date.now() <= end) await pause(20)
    await using resumed = await vaultAt(shop, shared).open(short)
    expect([resumed.isNew, await resumed.http(url).text(), resumed.epoch]).toEqual([false, 'fine', 2])
  })
})

describe('a sign-in without a browser', () => {
  test('is refused by name where its header would go to an origin that the recipe does not name', async () => {
    const recipe = defineRecipe({
      ...basics(),
      signIn: async ({ secret, setHeader }) => {
        setHeader('X-Key', await secret('key'), { origins: [shop.url('evil.test')] })
      },
    })
    const error = await failureOf(vaultAt(shop, { secrets: { key: shop.canary } }).open(recipe))
    expect(error).toBeInstanceOf(RecipeInvalidError)
    expect(error.message).toContain('evil.test')
    expect(error.message).not.toContain(shop.canary)
  })

  test('reaches only the origins that the recipe names, by redirect or directly', async () => {
    for (const target of [shop.url('evil.test', '/'), shop.url('api.plain.test', '/away')]) {
      seen.length = 0
      const recipe = defineRecipe({
        ...basics(),
        signIn: async ({ http, secret }) => {
          await http.post(target, { form: { key: await secret('key') } })
        },
      })
      const error = await failureOf(vaultAt(shop, { secrets: { key: shop.canary } }).open(recipe))
      expect(['recipe-invalid', 'redirect-refused']).toContain('code' in error ? error.code : undefined)
      expect(seen.filter(({ at }) => at === 'https://evil.test')).toEqual([])
    }
  })

  test('says nothing of a secret that the recipe throws', async () => {
    const recipe = defineRecipe({
      ...basics(),
      signIn: async ({ secret }) => {
        const key = await secret('key')
        throw new Error(`could not use ${key}`, { cause: { key } })
      },
    })
    const error = await failureOf(vaultAt(shop, { secrets: { key: shop.canary } }).open(recipe))
    expect(error).toMatchObject({ failure: 'threw' })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(shop.canary)
  })

  test('ends in time, and when it is called off', async () => {
    const recipe = defineRecipe({ ...basics(), timeout: 50, signIn: () => new Promise(() => undefined) })
    expect(await failureOf(vaultAt(shop).open(recipe))).toMatchObject({ failure: 'timed-out' })
    const reason = new Error('enough')
    const open = vaultAt(shop).open({ ...recipe, timeout: 60_000 }, { signal: AbortSignal.timeout(50) })
    expect(await failureOf(open)).not.toBe(reason)
  })

  test('counts as not verified when its probe is answered the same to everybody', async () => {
    takes = {}
    const error = await failureOf(vaultAt(shop, { secrets: { token: 'x1' } }).open(bearerAuth(basics())))
    expect(error).toMatchObject({ failure: 'not-verified' })
  })

  test('is one of two ways', () => {
    const both = { ...basics(), login: () => Promise.resolve(), signIn: () => Promise.resolve() }
    expect(() => defineRecipe(both)).toThrow(TypeError)
    const { login: _, ...one } = both
    expect(defineRecipe(one).protect).toEqual(['kept-*']) // also where the probe does well without it
    expect(() => apiKeyAuth({ ...basics(), header: 'X-A', query: 'a' })).toThrow(TypeError)
    expect(() => bearerAuth({ ...basics(), origins: ['api.test'] })).toThrow(TypeError)
  })
})
