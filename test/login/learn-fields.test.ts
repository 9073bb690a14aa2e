import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Session } from '../../src/index.ts'
import { json, type RulesApp } from '../site/rules-app.ts'
import { rulesStage, type RulesStage } from '../site/rules-stage.ts'
import type { Echo } from '../site/workbench.ts'

let stage: RulesStage
let app: RulesApp
let session: Session

/** Forms by urlencoded, multipart and JSON, each refused without its field. */
beforeAll(async () => {
  stage = await rulesStage()
  app = stage.app('forms.test', {
    html: ({ token }) => `
      <form action="/api/order" method="post" target="frame">
        <input type="hidden" name="authenticity_token" value="${token}"><input name="item" value="Lamp no. 1">
      </form>
      <iframe name="frame"></iframe>
      <meta name="csrf" content="${token}">`,
    script: `
      const csrf = document.querySelector('meta').content
      const done = new Promise((resolve) => { document.querySelector('iframe').onload = resolve })
      document.querySelector('form').submit()
      await done
      await call('/api/v2/note', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ _csrf: csrf, text: 'x' }) })
      const data = new FormData()
      data.append('_csrf', csrf)
      data.append('file', 'a short one')
      await call('/api/v2/upload', { method: 'POST', body: data })
      await call('/api/v2/seen', { method: 'POST', body: new URLSearchParams({ n: '1' }) })
      await call('/api/me')
      ready()`,
    takes: ({ method, path, body }, { token }) =>
      method === 'GET' || path === '/api/v2/seen' || body.split(token).length === 2,
    refuses: (res) => {
      json(res, 422, { error: 'Invalid authenticity token' })
    },
  })
  session = await stage.vault.open(stage.recipe(app))
})
afterAll(async () => {
  await session.close()
  await stage.close()
})

const post = (path: string, init: RequestInit & { tokenFields?: boolean }): Promise<Response> =>
  session.fetch(app.url(path), { method: 'POST', ...init })

test('fields against forgery are learned from what the pages post, each for its own paths', () => {
  const fields = session.headerRules.filter((rule) => rule.in === 'body')
  expect(fields).toEqual(
    expect.arrayContaining([
      {
        ...{ header: 'authenticity_token', in: 'body', origins: [app.origin], methods: 'unsafe', prefix: '' },
        paths: ['/api/order', '/api/order/'],
        source: {
          ...{ from: 'page', url: app.url('/app'), at: { in: 'input', name: 'authenticity_token' } },
          kept: `field authenticity_token ${app.origin}`,
        },
      },
    ]),
  )
  expect(fields.find(({ header }) => header === '_csrf')).toMatchObject({
    paths: ['/api/v2/note', '/api/v2/note/', '/api/v2/upload', '/api/v2/upload/'],
    source: { from: 'page', at: { in: 'meta', name: 'csrf' } },
  })
})

test('they are added to forms and JSON of both clients, where nobody has written them', async () => {
  const order = await session.http.post(app.url('/api/order'), { form: { item: 'Lamp no. 2' } }).json()
  expect(order).toEqual({ for: 'alice' })
  expect(app.last('/api/order').body).toBe(`item=Lamp+no.+2&authenticity_token=${app.token}`)

  const note = await session.http.post(app.url('/api/v2/note'), { json: { text: 'y' } }).json()
  expect(note).toEqual({ for: 'alice' })
  expect(JSON.parse(app.last('/api/v2/note').body)).toEqual({ text: 'y', _csrf: app.token })

  const data = new FormData()
  data.append('file', 'another')
  expect((await post('/api/v2/upload', { body: data })).status).toBe(200)
  const type = app.last('/api/v2/upload').headers['content-type'] ?? ''
  const sent = new Response(app.last('/api/v2/upload').body, { headers: { 'content-type': type } })
  expect([...(await sent.formData())]).toEqual([
    ['file', 'another'],
    ['_csrf', app.token],
  ])

  expect((await post('/api/order', { body: new URLSearchParams({ item: 'b' }) })).status).toBe(200)
  const headers = { 'content-type': 'application/json' }
  expect((await post('/api/v2/note', { body: '{"text":"z"}', headers })).status).toBe(200)
})

test('what was written stays, bytes stay as they are, and the option turns it off', async () => {
  const mine = new URLSearchParams({ authenticity_token: 'mine' })
  expect((await post('/api/order', { body: mine })).status).toBe(422)
  expect(app.last('/api/order').body).toBe('authenticity_token=mine')
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  expect((await post('/api/order', { body: Buffer.from('item=1'), headers })).status).toBe(422)
  expect(app.last('/api/order').body).toBe('item=1')
  const off = await session.http.post(app.url('/api/order'), {
    ...{ form: { item: 1 }, tokenFields: false, throwHttpErrors: false },
  })
  expect([off.statusCode, app.last('/api/order').body]).toEqual([422, 'item=1'])
  const list = await post('/api/v2/note', { body: '[1]', headers: { 'content-type': 'application/json' } })
  expect([list.status, app.last('/api/v2/note').body]).toEqual([422, '[1]'])
})

test('they stay at home: other paths, other origins and redirects do not get them', async () => {
  await session.http.post(app.url('/api/v2/seen'), { form: { n: 2 } })
  expect(app.last('/api/v2/seen').body).toBe('n=2')
  const echo = stage.shop.url('forms.other.test', '/echo')
  const abroad = await session.http.post(echo, { form: { n: 3 } }).json<Echo>()
  expect(abroad.body).toBe('n=3')
  stage.shop.on('forms.test', '/api/order', (_req, res) => {
    res.writeHead(307, { location: echo }).end()
  })
  const redirected = await session.http.post(app.url('/api/order'), { form: { n: 4 } }).json<Echo>()
  expect(redirected.body).toBe('n=4')
})

test('a field that the site refuses is read again from its page, and the form is sent once more', async () => {
  app.rotate()
  const before = app.asked.length
  const answer = await session.http.post(app.url('/api/v2/note'), { json: { text: 'later' } }).json()
  expect(answer).toEqual({ for: 'alice' })
  expect(app.asked.slice(before).map(({ taken }) => taken)).toEqual([false, true])
  expect(session.epoch).toBe(1)
})
