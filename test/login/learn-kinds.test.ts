import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HeaderRule, Session } from '../../src/index.ts'
import { json, type Asked, type RulesApp } from '../site/rules-app.ts'
import { rulesStage, type RulesStage } from '../site/rules-stage.ts'

let stage: RulesStage

beforeAll(async () => {
  stage = await rulesStage()
})
afterAll(async () => {
  await stage.close()
})

async function signedIn(app: RulesApp, fields = {}): Promise<Session> {
  return stage.vault.open(stage.recipe(app, fields))
}

const ruleFor = (session: Session, header: string): HeaderRule | undefined =>
  session.headerRules.find((rule) => rule.header.toLowerCase() === header)

/** Both clients get what only the signed-in get. */
async function bothAreTaken(session: Session, app: RulesApp, path = '/api/mine'): Promise<void> {
  expect(await session.http(app.url(path)).json()).toEqual({ for: 'alice' })
  const answer = await session.fetch(app.url(path))
  expect([answer.status, await answer.json()]).toEqual([200, { for: 'alice' }])
}

const bearer = ({ headers }: Asked, { token }: RulesApp): boolean =>
  headers.authorization === `Bearer ${token}`

describe('a token in IndexedDB', () => {
  const script = `
    const ask = async () => call('/api/me', { headers: { Authorization: 'Bearer ' + (await inDb((store) => store.get('current'))).auth.access } })
    const keep = async (access) => inDb((store) => store.put({ auth: { access }, at: new Date() }, 'current'))
    if ((await ask()).status === 401) { await keep(await refresh()); await ask() }
    ready()`
  const login = `
    const { access } = await (await call('/session', { method: 'POST' })).json()
    await inDb((store) => store.put({ auth: { access: access.token }, at: new Date() }, 'current'))
    location.assign('/app')`

  test('is carried, and followed when the page or a renewal has put another one there', async () => {
    const app = stage.app('db.test', { login, script, takes: bearer })
    await using session = await signedIn(app)
    expect(ruleFor(session, 'authorization')).toMatchObject({
      origins: [app.origin],
      prefix: 'Bearer ',
      source: {
        ...{ from: 'indexedDB', origin: app.origin, database: 'app', store: 'tokens' },
        ...{ key: '"current"', path: ['auth', 'access'] },
      },
    })
    await bothAreTaken(session, app)
    app.rotate()
    await stage.visit(app, session)
    await bothAreTaken(session, app)
    app.rotate()
    await bothAreTaken(session, app)
    expect(session.epoch).toBe(2)
    expect(app.counters.logins).toBe(1)
  })
})

describe('a header whose name changes with the installation', () => {
  test('is made from the cookie whose name changes with it', async () => {
    const app = stage.app('named.test', {
      cookies: ({ token, suffix }) => [`CSRF-Token-${suffix}=${token}; Path=/`],
      script: `
        const [name, value] = cookies().find(([name]) => name.startsWith('CSRF-Token-'))
        await call('/api/me', { headers: { ['X-' + name]: value } })
        ready()`,
      takes: ({ headers }, { token, suffix }) => headers[`x-csrf-token-${suffix.toLowerCase()}`] === token,
    })
    await using session = await signedIn(app)
    expect(session.headerRules).toMatchObject([
      { origins: [app.origin], source: { from: 'cookie', name: 'CSRF-Token-*', dynamic: true } },
    ])
    expect(session.headerRules[0]?.header.toLowerCase()).toBe('x-csrf-token-*')
    await bothAreTaken(session, app)
    app.rotate()
    await session.http(app.url('/app')) // the server names both anew
    await bothAreTaken(session, app)
    expect(session.epoch).toBe(1)
  })
})

describe('a nonce in a page', () => {
  test('is carried, and read again over HTTP when the site refuses it, without sending anything twice that was done', async () => {
    const app = stage.app('nonce.test', {
      html: ({ token }) =>
        `<p>Posts</p><script>window.wpApiSettings = {"root":"\\/api\\/","nonce":"${token}","version":"1"}</script>`,
      script: `
        await call(wpApiSettings.root + 'me', { headers: { 'X-WP-Nonce': wpApiSettings.nonce } })
        ready()`,
      takes: ({ headers }, { token }) => headers['x-wp-nonce'] === token,
      refuses: (res) => {
        json(res, 403, { code: 'rest_cookie_invalid_nonce', message: 'Cookie check failed: invalid nonce' })
      },
    })
    await using session = await signedIn(app)
    expect(ruleFor(session, 'x-wp-nonce')?.source).toMatchObject({
      from: 'page',
      url: app.url('/app'),
      at: { in: 'script', name: 'nonce' },
    })
    await bothAreTaken(session, app)
    const pages = app.counters.pages
    app.rotate()
    const before = app.asked.length
    const posted = await session.http.post(app.url('/api/posts'), { json: { title: 'A' } }).json()
    expect(posted).toEqual({ for: 'alice' })
    expect(app.asked.slice(before).map(({ method, taken }) => `${method} ${String(taken)}`)).toEqual([
      'POST false',
      'POST true',
    ])
    expect(app.counters.pages).toBe(pages + 1)
    await bothAreTaken(session, app)
    app.rotate()
    const many = await Promise.all(Array.from({ length: 8 }, () => session.fetch(app.url('/api/mine'))))
    expect(many.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200))
    // One reading for all eight; a proof before a save has a client of its own.
    expect(app.counters.pages).toBeLessThanOrEqual(pages + 3)
    expect(session.epoch).toBe(1)
  })

  test('in a meta tag is found as well; a write that is refused for another reason is not sent again', async () => {
    let isForbidden = false
    const app = stage.app('meta.test', {
      html: ({ token }) => `<meta name="csrf-token" content="${token}">`,
      script: `
        const { content } = document.querySelector('meta[name=csrf-token]')
        await call('/api/me', { method: 'POST', headers: { 'X-CSRF-Token': content } })
        ready()`,
      takes: ({ headers, method }, { token }) =>
        method === 'GET' || (headers['x-csrf-token'] === token && !isForbidden),
      refuses: (res) => {
        json(res, isForbidden ? 403 : 422, {
          error: isForbidden ? 'not yours' : 'Invalid authenticity token',
        })
      },
    })
    await using session = await signedIn(app)
    expect(session.headerRules).toMatchObject([
      { methods: 'unsafe', source: { from: 'page', at: { in: 'meta', name: 'csrf-token' } } },
    ])
    app.rotate()
    expect((await session.fetch(app.url('/api/order'), { method: 'POST' })).status).toBe(200)
    isForbidden = true
    app.rotate()
    const before = app.asked.length
    expect((await session.fetch(app.url('/api/order'), { method: 'POST' })).status).toBe(403)
    expect(app.asked.slice(before).filter(({ method }) => method === 'POST').length).toBe(1)
  })
})

describe('a header that the page builds itself', () => {
  test('is carried as it was seen; what is made for each request is not, and is told', async () => {
    const told: { header?: string; why?: string }[] = []
    const app = stage.app('basic.test', {
      login: `
        await call('/session', { method: 'POST' })
        const password = (await refresh())
        const headers = () => ({
          'Authorization': 'Basic ' + btoa('alice:' + password),
          'X-Request-Id': crypto.randomUUID(),
          'X-Ticket': String(Math.random()).slice(2),
        })
        for (const path of ['/api/me', '/api/orders', '/api/news']) await call(path, { headers: headers() })
        document.body.innerHTML = 'Hello'`,
      takes: ({ headers }, { token }) =>
        headers.authorization === `Basic ${Buffer.from(`alice:${token}`).toString('base64')}`,
    })
    const logger = {
      ...{ debug: () => undefined, info: () => undefined },
      warn: (facts: object) => told.push(facts),
    }
    const vault = stage.vaultWith({ logger })
    await using session = await vault.open(stage.recipe(app, { home: app.url('/login') }))
    const rule = ruleFor(session, 'authorization')
    expect(rule).toMatchObject({ prefix: 'Basic ', source: { from: 'observed' } })
    await bothAreTaken(session, app)
    expect(app.last('/api/mine').headers).not.toHaveProperty('x-request-id')
    expect(app.last('/api/mine').headers).not.toHaveProperty('x-ticket')
    expect(new Map(told.map(({ header, why }) => [header?.toLowerCase(), why]))).toEqual(
      new Map([
        ['x-request-id', 'made for each request'],
        ['x-ticket', 'changes without a sign of when'],
      ]),
    )
    app.rotate()
    await bothAreTaken(session, app) // by a login: no page can make it without the password
    expect(app.counters.logins).toBe(2)
    const everything = JSON.stringify([session.headerRules, told, session.dropped])
    expect(everything).not.toContain(Buffer.from(`alice:${app.token}`).toString('base64'))
  })
})

describe('a token that came with an answer and is held in memory only', () => {
  const script = `
    const token = await refresh()
    await call('/api/me', { headers: { Authorization: 'Bearer ' + token } })
    ready()`

  test('is carried, follows what the endpoint answers our clients, and is renewed by the page', async () => {
    const app = stage.app('memory.test', { script, takes: bearer })
    await using session = await signedIn(app)
    expect(ruleFor(session, 'authorization')).toMatchObject({
      prefix: 'Bearer ',
      source: {
        from: 'answer',
        url: app.url('/refresh'),
        method: 'POST',
        at: { json: ['access', 'token'] },
      },
    })
    await bothAreTaken(session, app)
    app.rotate()
    await session.fetch(app.url('/refresh'), { method: 'POST' }) // by ours: nobody looks at what it says
    await bothAreTaken(session, app)
    expect(session.epoch).toBe(1)
    app.rotate()
    await bothAreTaken(session, app)
    expect(session.epoch).toBe(2)
    expect(app.counters.logins).toBe(1)
    await session.browse(async (page) => {
      app.rotate()
      await page.goto(app.url('/app'))
      await page.waitForFunction(() => document.title === 'ready')
      await bothAreTaken(session, app) // while the page still stands there
      app.rotate()
      await session.fetch(app.url('/refresh'), { method: 'POST' }) // newer than what the page has sent
    })
    await bothAreTaken(session, app)
    expect(session.epoch).toBe(2)
    expect(JSON.stringify(session.headerRules)).not.toContain('canary')
  })
})
