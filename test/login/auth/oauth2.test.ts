import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { generateKey, LoginFailedError, memoryStore } from '../../../src/index.ts'
import { challengeOf } from '../../../src/login/auth/authorization-code.ts'
import {
  authorizationCodeAuth,
  clientCredentialsAuth,
  deviceCodeAuth,
  refreshTokenAuth,
} from '../../../src/login/auth/oauth2-recipes.ts'
import { eventually } from '../../conformance/wait.ts'
import { launchChromium } from '../../site/chromium.ts'
import { startShop, type Shop } from '../../site/shop.ts'
import { json, oauthClientId, redirectUri, startOAuth, type OAuthServer } from './oauth-server.ts'
import { failureOf, vaultAt } from './vaults.ts'

let shop: Shop
let server: OAuthServer

beforeAll(async () => {
  shop = await startShop()
})
afterAll(() => shop.close())
beforeEach(() => {
  server = startOAuth(shop)
})

const client = () => ({
  name: 'api',
  url: shop.url('api.auth.test', '/'),
  probe: server.api,
  tokenUrl: server.tokenUrl,
  clientId: oauthClientId,
})

describe('client credentials', () => {
  test('give a session that is asked for again when it is revoked, once for fifty requests', async () => {
    const vault = vaultAt(shop, { secrets: { client_secret: server.clientSecret } })
    await using session = await vault.open(clientCredentialsAuth(client()))
    expect(await session.http(server.api).json()).toEqual({ user: 'alice' })
    expect(session.headerRules).toMatchObject([
      { header: 'Authorization', prefix: 'Bearer ', origins: [new URL(server.api).origin] },
    ])
    server.expire()
    const answers = await Promise.all(Array.from({ length: 50 }, () => session.http(server.api)))
    expect(answers.every(({ statusCode }) => statusCode === 200)).toBe(true)
    expect([session.epoch, server.counts.tokens]).toEqual([2, 2])
  })

  test('show themselves in the body where the server wants that', async () => {
    const vault = vaultAt(shop, { secrets: { client_secret: server.clientSecret } })
    const recipe = clientCredentialsAuth({ ...client(), clientAuth: 'post', scope: 'read' })
    await using session = await vault.open(recipe)
    expect((await session.http(server.api)).statusCode).toBe(200)
  })

  test('are renewed before the token ends, while requests go on, and again after an idle time', async () => {
    server.life = 3
    const vault = vaultAt(shop, { secrets: { client_secret: server.clientSecret } })
    await using session = await vault.open(clientCredentialsAuth(client()))
    const statuses = new Set<number>()
    while (session.epoch < 2)
      statuses.add((await session.http(server.api, { throwHttpErrors: false })).statusCode)
    expect([...statuses]).toEqual([200])
  })

  test('that are wrong are tried once, and neither the secret nor the answer is in the error', async () => {
    const wrong = `${shop.canary} wrong`
    const vault = vaultAt(shop, { secrets: { client_secret: wrong } })
    const first = await failureOf(vault.open(clientCredentialsAuth(client())))
    expect(first).toBeInstanceOf(LoginFailedError)
    expect(first).toMatchObject({ failure: 'rejected' })
    expect(inspect(first, { depth: 9, showHidden: true })).not.toContain(shop.canary)
    await failureOf(vault.open(clientCredentialsAuth(client())))
    expect(server.counts.refused).toBe(1)
  })

  test('are not shown to where the token endpoint sends them on', async () => {
    let seen = 0
    shop.on('evil.test', '*', (_, res) => {
      seen += 1
      res.end()
    })
    for (const status of [302, 307]) {
      shop.on('id.auth.test', '/moved', (_, res) => {
        res.writeHead(status, { location: shop.url('evil.test', '/token') }).end()
      })
      const vault = vaultAt(shop, { secrets: { client_secret: server.clientSecret } })
      const recipe = clientCredentialsAuth({ ...client(), tokenUrl: shop.url('id.auth.test', '/moved') })
      expect(await failureOf(vault.open(recipe))).toMatchObject({ failure: 'not-completed' })
    }
    expect(seen).toBe(0)
  })
})

describe('a refresh token', () => {
  const opened = () => {
    const secrets = { client_secret: server.clientSecret, refresh_token: server.newRefreshToken() }
    return { secrets, recipe: refreshTokenAuth(client()) }
  }

  test('is used once by all processes, and the newest one is what a restart goes on with', async () => {
    const { secrets, recipe } = opened()
    const shared = { store: memoryStore(), key: generateKey(), secrets }
    const vaults = [vaultAt(shop, shared), vaultAt(shop, shared), vaultAt(shop, shared)]
    const sessions = await Promise.all(vaults.map((vault) => vault.open(recipe)))
    expect(server.counts.refreshes).toBe(1)
    for (let round = 2; round <= 4; round++) {
      server.expire()
      const answers = await Promise.all(sessions.map((session) => session.http(server.api)))
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200])
      expect(server.counts.refreshes).toBe(round)
    }
    await Promise.all(sessions.map((session) => session.close()))
    server.expire()
    await using again = await vaultAt(shop, shared).open(recipe)
    const { by } = await again.renew()
    expect([by, server.counts.refreshes >= 5]).toEqual(['rotate', true])
  })

  test('that was spent is not lost with a probe that nobody answers just then', async () => {
    const { secrets, recipe } = opened()
    await using session = await vaultAt(shop, { secrets }).open(recipe)
    server.expire()
    server.apiStatus = 503
    expect((await session.renew()).by).toBe('rotate')
    server.apiStatus = undefined
    server.expire()
    expect((await session.renew()).rungs).toMatchObject([{ rung: 'rotate', outcome: 'renewed' }])
  })

  test('that the server has ended leads to a rejection, with nothing said of its value', async () => {
    const { secrets, recipe } = opened()
    await using session = await vaultAt(shop, { secrets }).open(recipe)
    server.revoke()
    const error = await failureOf(session.renew())
    expect(error).toMatchObject({ failure: 'rejected' })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(shop.canary)
  })

  test('is sealed in the store and is shown to nobody but the token endpoint', async () => {
    const { secrets, recipe } = opened()
    const store = memoryStore()
    await using session = await vaultAt(shop, { store, secrets }).open(recipe)
    await session.save()
    const stored = await store.read(session.name)
    expect(Buffer.from(stored?.bytes ?? []).toString('latin1')).not.toContain(shop.canary)
    const kept = session.state.cookies.find(({ name }) => name === 'kept-refresh_token')
    expect(kept?.value).toContain(shop.canary)
    for (const url of [server.api, shop.url('id.auth.test', '/'), 'https://kept.sessionbridge.invalid/']) {
      const sent = session.headersFor(url).flat().join('\n')
      expect(sent).not.toContain('refresh')
      expect(sent.includes(shop.canary)).toBe(url === server.api)
    }
  })
})

describe('a device code', () => {
  test('waits until a person has said yes, and is renewed without one', async () => {
    const prompts: string[] = []
    const recipe = deviceCodeAuth({
      ...client(),
      deviceUrl: server.deviceUrl,
      prompt({ userCode, verificationUri, account }) {
        prompts.push(`${account} at ${verificationUri}`)
        // The person takes longer than the first two questions.
        void eventually(() => Promise.resolve(server.counts.polls > 1 || undefined)).then(() => {
          server.decide(userCode, true)
        })
      },
    })
    const vault = vaultAt(shop, { secrets: { client_secret: server.clientSecret } })
    await using session = await vault.open(recipe, { account: 'alice' })
    expect(prompts).toEqual([`alice at ${shop.url('id.auth.test', '/activate')}`])
    expect(server.counts.polls).toBeGreaterThan(1)
    server.expire()
    expect((await session.http(server.api)).statusCode).toBe(200)
    expect(prompts).toHaveLength(1)
  })

  test('is waited for while the issuer loses connections or has trouble', async () => {
    const replies = ['lost', 503, 429, 200] as const
    let asked = 0
    shop.on('unsteady.auth.test', '/token', (_, res) => {
      const reply = replies[asked++]
      if (reply === 'lost' || reply === undefined) res.destroy()
      else json(res, reply, reply === 200 ? { access_token: `${shop.canary}-token` } : {})
    })
    shop.on('unsteady.auth.test', '/device', (_, res) => {
      json(res, 200, { device_code: 'x', user_code: 'y', verification_uri: 'z', interval: 0.02 })
    })
    const [tokenUrl, deviceUrl] = ['/token', '/device'].map((path) => shop.url('unsteady.auth.test', path))
    const recipe = deviceCodeAuth({
      ...client(),
      ...{ tokenUrl: tokenUrl ?? '', deviceUrl: deviceUrl ?? '', prompt: () => undefined },
      probe: shop.url('api.auth.test', '/anything'),
    })
    shop.on('api.auth.test', '/anything', (req, res) => {
      res.writeHead(req.headers.authorization === undefined ? 401 : 200).end()
    })
    const vault = vaultAt(shop, { secrets: { client_secret: server.clientSecret } })
    await using session = await vault.open(recipe)
    expect([asked, session.epoch]).toEqual([4, 1])
  })

  test('ends when the person says no', async () => {
    const recipe = deviceCodeAuth({
      ...client(),
      deviceUrl: server.deviceUrl,
      prompt: ({ userCode }) => {
        server.decide(userCode, false)
      },
    })
    const vault = vaultAt(shop, { secrets: { client_secret: server.clientSecret } })
    expect(await failureOf(vault.open(recipe))).toMatchObject({ failure: 'rejected' })
  })
})

describe('an authorization code', () => {
  test('has the challenge of RFC 7636, appendix B', () => {
    expect(challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    )
  })

  test('is fetched by the browser, which reaches nobody at the redirect URI, and renewed without it', async () => {
    const browser = await launchChromium(shop)
    try {
      let arrived = 0
      shop.on('app.auth.test', '/callback', (_, res) => {
        arrived += 1
        res.end()
      })
      const back = shop.url('app.auth.test', new URL(redirectUri).pathname)
      const recipe = authorizationCodeAuth({
        ...client(),
        authorizeUrl: server.authorizeUrl,
        redirectUri: back,
        scope: 'read',
        async login(page, { secret }) {
          await page.getByLabel('Password').fill(await secret('password'))
          await page.getByRole('button', { name: 'Sign in' }).click()
        },
      })
      const secrets = { client_secret: server.clientSecret, password: `${shop.canary}-password` }
      await using session = await vaultAt(shop, { secrets, browser: { browser } }).open(recipe)
      expect(await session.http(server.api).json()).toEqual({ user: 'alice' })
      expect(session.state.cookies.map(({ name }) => name)).toContain('idp')
      expect(session.identity?.userAgent).toContain('Chrome/')
      server.expire()
      expect((await session.renew()).by).toBe('rotate')
      expect(arrived).toBe(0)

      // Pages wear the rest of the session; what is kept neither reaches them nor is lost by a visit.
      const kept = () => session.state.cookies.filter(({ name }) => name.startsWith('kept-'))
      const before = kept()
      expect(before).toHaveLength(2)
      shop.on('api.auth.test', '/page', (req, res) => {
        res.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'visited=1; Path=/' })
        res.end(`<p>${JSON.stringify(req.headers)}</p>`)
      })
      const page = await session.browse(async (visited) => {
        await visited.goto(shop.url('api.auth.test', '/page'))
        const storage = await visited.evaluate(() => JSON.stringify([localStorage, document.cookie]))
        return `${await visited.content()} ${storage}`
      })
      expect(page).not.toContain(shop.canary)
      expect(kept()).toEqual(before)
      expect(session.state.cookies.map(({ name }) => name)).toContain('visited')
      expect(await session.http(server.api).json()).toEqual({ user: 'alice' })
    } finally {
      await browser.close()
    }
  })
})
