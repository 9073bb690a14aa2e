import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { request } from 'undici'
import {
  apiKeyAuth,
  digestAuth,
  memoryStore,
  oauth1Auth,
  sessionDispatcher,
  type Session,
} from '../../../src/index.ts'
import { createNodeTransport, NodeWire } from '../../../src/http/wire/node-wire.ts'
import { chooseChallenge, digestAuthorization } from '../../../src/login/auth/digest.ts'
import { baseString, oauth1Authorization } from '../../../src/login/auth/oauth1.ts'
import { startShop, type Shop } from '../../site/shop.ts'
import { startSigning, type SigningServer } from './signing-server.ts'
import { failureOf, vaultAt } from './vaults.ts'

let shop: Shop
let server: SigningServer

beforeAll(async () => {
  shop = await startShop()
})
afterAll(() => shop.close())
beforeEach(() => {
  server = startSigning(shop)
})

const rfcChallenge = (algorithm: string): string =>
  `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, ` +
  'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'

describe('digest', () => {
  const answerTo = (lines: string[], username: string, password: string, cnonce: string, path: string) => {
    const challenge = chooseChallenge(lines)
    if (challenge === undefined) throw new Error('no challenge')
    const request = { method: 'GET', url: new URL(path, 'http://www.example.org'), body: undefined }
    return digestAuthorization(challenge, { username, password }, request, cnonce)
  }

  test.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('answers the example of RFC 7616, 3.9.1, with %s', (algorithm, response) => {
    const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'
    const lines = [rfcChallenge(algorithm)]
    const header = answerTo(lines, 'Mufasa', 'Circle of Life', cnonce, '/dir/index.html')
    expect(header).toContain(`response="${response}"`)
    expect(header).toContain('nc=00000001')
  })

  test('answers the example of RFC 7616, 3.9.2: a hashed user name beyond ASCII', () => {
    const lines = [
      'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, ' +
        'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", ' +
        'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true',
    ]
    const cnonce = 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v'
    const header = answerTo(lines, 'Jäsøn Doe', 'Secret, or not?', cnonce, '/doe.json')
    // As corrected by erratum 4897: what the RFC prints is of an early form of SHA-512-256.
    expect(header).toContain('username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"')
    expect(header).toContain('response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"')
    expect(header).toContain('userhash=true')
  })

  test('makes the key of a session once, and takes a realm for its bytes and a password for UTF-8', () => {
    const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
    // As Node gives out a header that came in UTF-8.
    const realm = Buffer.from('Büro').toString('latin1')
    const challenge = chooseChallenge([`Digest realm="${realm}", qop="auth", algorithm=MD5-sess, nonce="n"`])
    if (challenge === undefined) throw new Error('no challenge')
    const request = { method: 'GET', url: new URL('http://www.example.org/a'), body: undefined }
    const key = md5(`${md5('ärger:Büro:€uro')}:n:first`)
    for (const [nc, cnonce] of [
      ['00000001', 'first'],
      ['00000002', 'second'],
    ] as const) {
      const credentials = { username: 'ärger', password: '€uro' }
      const header = digestAuthorization(challenge, credentials, request, cnonce)
      expect(header).toContain(`nc=${nc}, cnonce="first"`)
      expect(header).toContain(`response="${md5(`${key}:n:${nc}:first:auth:${md5('GET:/a')}`)}"`)
    }
  })

  test('takes the strongest of several challenges, in one line or in many, and none that it does not know', () => {
    const one = [`Basic realm="a, b", ${rfcChallenge('MD5')}, ${rfcChallenge('SHA-256')}`]
    expect(chooseChallenge(one)?.algorithm).toBe('SHA-256')
    expect(chooseChallenge([rfcChallenge('MD5'), rfcChallenge('SHA-512-256')])?.algorithm).toBe('SHA-512-256')
    expect(chooseChallenge([rfcChallenge('SHA-1')])).toBeUndefined()
    expect(chooseChallenge(['Negotiate', 'Basic realm="Digest nonce=x"', ''])).toBeUndefined()
  })

  const opened = (options: { password?: string } = {}): Promise<Session> => {
    const { username, password, digest: probe } = server
    const secrets = { username, password: options.password ?? password }
    const recipe = digestAuth({ name: 'digest', url: shop.url('api.digest.test', '/'), probe })
    return vaultAt(shop, { secrets }).open(recipe)
  }

  test.each(['MD5', 'SHA-256', 'SHA-512-256', 'MD5-sess'] as const)(
    'is carried by both clients with %s: challenged once, answered in advance from then on',
    async (algorithm) => {
      server.algorithm = algorithm
      await using session = await opened()
      await session.http(server.digest).json()
      const { challenged } = server.counts
      for (const n of [1, 2, 3]) {
        const answer = await session.http.post(`${server.digest}?n=${String(n)}`, { body: 'x' }).json()
        expect(answer).toMatchObject({ method: 'POST', body: 'x', nc: `0000000${String(n + 1)}` })
      }
      expect(server.counts.challenged).toBe(challenged)
      expect((await session.fetch(server.digest)).status).toBe(200)
    },
  )

  test('signs the body where the server wants that', async () => {
    server.qop = 'auth-int'
    await using session = await opened()
    const answer = await session.http.post(server.digest, { json: { a: 1 } }).json()
    expect(answer).toMatchObject({ body: '{"a":1}' })
  })

  test('goes on with a new nonce when the old one is stale, also with requests that change something', async () => {
    await using session = await opened()
    await session.http(server.digest)
    server.age()
    const { taken } = server.counts
    expect(await session.http.post(server.digest, { body: 'once' }).json()).toMatchObject({ body: 'once' })
    expect([server.counts.taken - taken, server.counts.stale, session.epoch]).toEqual([1, 1, 1])
    const answers = await Promise.all(Array.from({ length: 30 }, () => session.http(server.digest)))
    expect(answers.every(({ ok }) => ok)).toBe(true) // each count once
  })

  test("is carried by undici and by a transport of one's own, and headersFor says nothing that is not so", async () => {
    await using session = await opened()
    const dispatcher = await sessionDispatcher(session)
    const { statusCode, body } = await request(server.digest, { dispatcher, method: 'PUT', body: 'x' })
    expect([statusCode, (await body.text()).includes('PUT')]).toEqual([200, true])
    const own = session.through((options) => createNodeTransport(new NodeWire(options)))
    expect((await own(server.digest)).status).toBe(200)
    const headers = session.headersFor(server.digest).map(([header]) => header.toLowerCase())
    expect(headers).toContain('accept-encoding')
    expect(headers).not.toContain('authorization')
  })

  test('with a wrong password is rejected, and says nothing of it', async () => {
    const error = await failureOf(opened({ password: `${shop.canary} wrong` }))
    expect(error).toMatchObject({ failure: 'rejected' })
    expect(inspect(error, { depth: 9 })).not.toContain(shop.canary)
  })

  test('goes nowhere else, and nowhere with requests that are to carry nothing', async () => {
    await using session = await opened()
    const seen: (string | undefined)[] = []
    shop.on('evil.test', '*', (req, res) => {
      seen.push(req.headers.authorization)
      res.end()
    })
    shop.on('api.digest.test', '/away', (_, res) => {
      res.writeHead(302, { location: shop.url('evil.test', '/') }).end()
    })
    await session.http(shop.url('api.digest.test', '/away'))
    await session.http(shop.url('evil.test', '/'))
    expect(seen).toEqual([undefined, undefined])
    const { taken } = server.counts
    expect((await session.fetch(server.digest, { credentials: 'omit' })).status).toBe(401)
    expect(server.counts.taken).toBe(taken)
  })
})

describe('OAuth 1.0a', () => {
  test('makes the base string of RFC 5849, 3.4.1.1', () => {
    const request = {
      method: 'POST',
      url: new URL('http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b'),
      headers: ['Content-Type', 'application/x-www-form-urlencoded'],
      body: Buffer.from('c2&a3=2+q'),
    }
    const text = baseString(request, [
      ['oauth_consumer_key', '9djdj82h48djs9d2'],
      ['oauth_token', 'kkk9d7dh3k39sjv7'],
      ['oauth_signature_method', 'HMAC-SHA1'],
      ['oauth_timestamp', '137131201'],
      ['oauth_nonce', '7d8f3e4a'],
    ])
    expect(text).toBe(
      'POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D' +
        '%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1' +
        '%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7',
    )
  })

  test('makes the signature of RFC 5849, 1.2', () => {
    const header = oauth1Authorization(
      {
        consumerKey: 'dpf43f3p2l4k3l03',
        consumerSecret: 'kd94hf93k423kf44',
        token: 'nnch734d00sl2jdk',
        tokenSecret: 'pfkkdhi9sl3r4s00',
        method: 'HMAC-SHA1',
        realm: 'Photos',
      },
      {
        method: 'GET',
        url: new URL('http://photos.example.net/photos?file=vacation.jpg&size=original'),
        headers: [],
        body: undefined,
      },
      { nonce: 'chapoH', timestamp: 137131202, version: false },
    )
    expect(header).toContain('OAuth realm="Photos", ')
    expect(header).toContain('oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"')
  })

  test.each(['HMAC-SHA1', 'HMAC-SHA256'] as const)('signs every request with %s', async (method) => {
    const url = shop.url('api.oauth1.test', '/')
    const recipe = oauth1Auth({ name: 'photos', url, probe: server.oauth1, method, realm: 'Photos' })
    await using session = await vaultAt(shop, { secrets: server.oauth1Secrets }).open(recipe)
    const query = `${server.oauth1}?file=a%20b+c&file=%C3%A4!&size=*'()`
    expect((await session.http(query)).statusCode).toBe(200)
    const form = { status: "it's & that's", empty: '' }
    expect((await session.http.post(query, { form })).statusCode).toBe(200)
    expect((await session.http.post(query, { json: { a: 1 } })).statusCode).toBe(200)
    expect((await session.fetch(query, { method: 'PUT', body: new URLSearchParams(form) })).status).toBe(200)
  })
})

describe('an API key in the query', () => {
  test('is added to what goes to its origin, and is in no message and not in what the session says', async () => {
    const key = `${shop.canary}&key=`
    const seen: (string | undefined)[] = []
    shop.on('api.keys.test', '*', (req, res) => {
      seen.push(req.url)
      const right = new URL(req.url ?? '/', 'https://x.test').searchParams.get('api_key') === key
      res.writeHead(right ? (req.url?.startsWith('/gone') === true ? 404 : 200) : 401).end()
    })
    shop.on('evil.test', '*', (req, res) => {
      seen.push(req.url)
      res.end()
    })
    const store = memoryStore()
    const recipe = apiKeyAuth({
      name: 'keys',
      url: shop.url('api.keys.test', '/'),
      probe: shop.url('api.keys.test', '/me'),
      query: 'api_key',
    })
    await using session = await vaultAt(shop, { store, secrets: { key } }).open(recipe)
    seen.length = 0
    const response = await session.http(shop.url('api.keys.test', '/list?page=2'))
    expect(seen).toEqual([`/list?page=2&api_key=${encodeURIComponent(key)}`])
    expect(response.url).toBe(shop.url('api.keys.test', '/list?page=2'))
    const error = await failureOf(session.http(shop.url('api.keys.test', '/gone')).then(() => undefined))
    expect(inspect(error, { depth: 9 })).not.toContain(shop.canary)
    await session.http(shop.url('evil.test', '/page'))
    expect(seen.at(-1)).toBe('/page')
  })

  test('is not given to a site that writes our own mark into its cookie, as digest and OAuth 1.0a are not', async () => {
    const { origin } = new URL(shop.url('evil.test', '/'))
    const seen: string[] = []
    shop.on('evil.test', '*', (req, res) => {
      seen.push(JSON.stringify([req.url, req.headers]))
      // A cookie without a name: the whole header is its value.
      const challenge = 'Digest realm="evil", nonce="n", qop="auth", algorithm=MD5'
      res.writeHead(401, { 'set-cookie': 'made-for-each-request', 'www-authenticate': challenge }).end()
    })
    shop.on('api.keys.test', '*', (req, res) => {
      res.writeHead(new URL(req.url ?? '/', origin).searchParams.has('api_key') ? 200 : 401).end()
    })
    const [url, probe] = [shop.url('api.keys.test', '/'), shop.url('api.keys.test', '/me')]
    const recipes = [
      apiKeyAuth({ name: 'keys', url, probe, query: 'api_key' }),
      digestAuth({ name: 'digest', url: server.digest, probe: server.digest }),
      oauth1Auth({ name: 'photos', url: server.oauth1, probe: server.oauth1 }),
    ]
    const { username, password, oauth1Secrets } = server
    const secrets = { key: shop.canary, username, password, ...oauth1Secrets }
    for (const recipe of recipes) {
      await using session = await vaultAt(shop, { secrets }).open(recipe)
      for (const path of ['/first', '/second'])
        await session.http(`${origin}${path}`, { throwHttpErrors: false })
    }
    expect(seen.join()).not.toMatch(/api_key|Digest|OAuth/)
    expect(seen.join()).not.toContain(shop.canary)
    expect(seen.filter((request) => request.includes('"cookie":"made-for-each-request"'))).toHaveLength(3)
  })
})
