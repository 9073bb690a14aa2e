import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DeclaredHeader, Recipe } from '../../src/index.ts'
import { rulesStage, type RulesStage } from '../site/rules-stage.ts'

let stage: RulesStage

beforeAll(async () => {
  stage = await rulesStage()
})
afterAll(async () => {
  await stage.close()
})

describe('where a learned header goes', () => {
  test('it goes to what answers anybody, where the page sends it there, and not where the page leaves it out', async () => {
    const app = stage.app('anybody.test', {
      login: `
        const { access } = await (await call('/session', { method: 'POST' })).json()
        localStorage.setItem('token', access.token)
        location.assign('/app')`,
      script: `
        const headers = { Authorization: 'Bearer ' + localStorage.getItem('token') }
        await call('/public/feed/1', { headers })
        await call('/api/me', { headers })
        await call('/public/words/en')
        ready()`,
      takes: ({ headers }, { token }) => headers.authorization === `Bearer ${token}`,
    })
    await using session = await stage.vault.open(stage.recipe(app))
    expect(session.headerRules).toMatchObject([{ paths: ['/api/', '/public/feed/'] }])
    for (const path of ['/public/feed/2', '/api/orders'])
      expect(await session.http(app.url(path)).json()).toEqual({ for: 'alice' })
    expect(await session.http(app.url('/public/words/de')).json()).toEqual({ for: 'anybody' })
    expect(app.last('/public/words/de').headers).not.toHaveProperty('authorization')
    expect((await session.fetch(app.url('/public/feed/3'))).status).toBe(200)
    expect(app.last('/public/feed/3').headers).toHaveProperty('authorization')
  })
})

describe('a rule that works no more', () => {
  test('is learned again at the next visit, and at a renewal, when the application has moved its token', async () => {
    let version = 1
    const app = stage.app('versions.test', {
      html: () => `<script>const version = ${String(version)}</script>`,
      script: `
        if (version === 4) {
          localStorage.clear()
          await call('/api/me', { headers: { Authorization: 'Bearer ' + (await refresh()) } })
          return ready()
        }
        const key = 'auth-v' + version
        for (const other of Object.keys(localStorage)) if (other !== key) localStorage.removeItem(other)
        const ask = () => call('/api/me', { headers: { Authorization: 'Bearer ' + (JSON.parse(localStorage.getItem(key)) ?? {})['at' + version] } })
        if ((await ask()).status === 401) {
          localStorage.setItem(key, JSON.stringify({ ['at' + version]: await refresh() }))
          await ask()
        }
        ready()`,
      takes: ({ headers }, { token }) => headers.authorization === `Bearer ${token}`,
    })
    await using session = await stage.vault.open(stage.recipe(app))
    const sources = (): unknown[] => session.headerRules.map(({ source }) => source)
    const from = (key: string, at: string): object => ({ from: 'localStorage', key, path: [at] })
    expect(sources()).toMatchObject([from('auth-v1', 'at1')])

    version = 2
    app.rotate()
    await stage.visit(app, session)
    expect(sources()).toMatchObject([from('auth-v2', 'at2')])
    expect(await session.http(app.url('/api/mine')).json()).toEqual({ for: 'alice' })
    expect(session.epoch).toBe(1)

    version = 3
    app.rotate()
    expect(await session.http(app.url('/api/mine')).json()).toEqual({ for: 'alice' })
    expect(sources()).toMatchObject([from('auth-v3', 'at3')])

    version = 4 // in memory only, from now on
    app.rotate()
    await stage.visit(app, session)
    expect(sources()).toMatchObject([{ from: 'answer', at: { json: ['access', 'token'] } }])
    expect(await session.http(app.url('/api/mine')).json()).toEqual({ for: 'alice' })
    expect([session.epoch, app.counters.logins]).toEqual([2, 1])
  })
})

describe('a session that is bound to its browser', () => {
  test('by user agent and a number of the browser in a header is carried with both', async () => {
    let bound: { agent: string | undefined; number: unknown } | undefined
    const app = stage.app('bound.test', {
      login: `
        localStorage.setItem('browser-id', crypto.randomUUID())
        await call('/session', { method: 'POST' })
        location.assign('/app')`,
      script: `
        await call('/api/me', { headers: { 'X-Browser-Id': localStorage.getItem('browser-id') } })
        ready()`,
      takes({ headers }) {
        const asks = { agent: headers['user-agent'], number: headers['x-browser-id'] }
        bound ??= asks
        return bound.agent === asks.agent && bound.number === asks.number && asks.number !== undefined
      },
    })
    await using session = await stage.vault.open(stage.recipe(app))
    expect(await session.http(app.url('/api/mine')).json()).toEqual({ for: 'alice' })
    expect((await session.fetch(app.url('/api/mine'))).status).toBe(200)
    const stranger = { 'user-agent': 'curl/8' }
    expect((await session.fetch(app.url('/api/mine'), { headers: stranger })).status).toBe(401)
    const noNumber = { 'x-browser-id': 'another' }
    expect((await session.fetch(app.url('/api/mine'), { headers: noNumber })).status).toBe(401)
  })
})

describe('what a recipe declares', () => {
  test('is carried without having been seen, is read where it says, and wins over what was learned', async () => {
    const app = stage.app('declared.test', {
      html: ({ token }) => `<body data-csrf-token="${token}">`,
      script: `
        await call('/api/me', { headers: { Authorization: 'Bearer anonymous-for-the-page' } })
        ready()`,
      takes: ({ path, headers, body }, { token }) =>
        path === '/api/me' || headers.authorization === `Bearer ${token}` || body.includes(token),
    })
    const authorization: DeclaredHeader = {
      header: 'Authorization',
      prefix: 'Bearer ',
      paths: ['/api/mine', '/api/orders/'],
      source: { from: 'answer', url: '/refresh', method: 'POST', at: { json: ['access', 'token'] } },
    }
    const csrf: DeclaredHeader = {
      header: 'csrf',
      in: 'body',
      source: { from: 'page', url: '/app', at: { in: 'attribute', name: 'data-csrf-token' } },
    }
    const recipeWith = (...headers: DeclaredHeader[]): Recipe =>
      stage.recipe(app, {
        ...{ probe: app.url('/api/mine'), headers },
        async login(page) {
          await page.getByRole('button', { name: 'Sign in' }).click()
          await page.waitForURL('**/app')
          await page.evaluate(() => fetch('/refresh', { method: 'POST' }).then((answer) => answer.text()))
        },
      })
    const first = await stage.vault.open(recipeWith(authorization))
    await first.close()
    await using session = await stage.vault.open(recipeWith(authorization, csrf))
    expect(await session.http(app.url('/api/mine')).json()).toEqual({ for: 'alice' })
    const pages = app.counters.pages
    expect(await session.http.post(app.url('/api/notes'), { json: { a: 1 } }).json()).toEqual({
      for: 'alice',
    })
    app.rotate()
    const late = await session.fetch(app.url('/api/notes'), {
      ...{ method: 'POST', body: '{"b":2}', headers: { 'content-type': 'application/json' } },
      idempotent: true,
    })
    expect(late.status).toBe(200)
    expect(app.counters.pages).toBe(pages + 2)
  })
})
