import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RulesApp } from '../site/rules-app.ts'
import { rulesStage, type RulesStage } from '../site/rules-stage.ts'

let stage: RulesStage

beforeAll(async () => {
  stage = await rulesStage()
})
afterAll(async () => {
  await stage.close()
})

/** The page never sees the token: the worker fetches it and asks with it. */
const work = `
  const refresh = async () => (await (await fetch('/refresh', { method: 'POST' })).json()).access.token
  const ask = async () => {
    const Authorization = 'Bearer ' + (await refresh())
    for (const path of ['/api/me', '/api/orders']) await fetch(path, { headers: { Authorization } })
  }`

const kinds = [
  {
    kind: 'a worker',
    worker: `${work}; ask().then(() => postMessage('done'))`,
    page: `const worker = new Worker('/worker.js'); worker.onmessage = ready`,
  },
  {
    kind: 'a shared worker',
    // One that asks for news now and then: what it asks for in its first moment may go unseen.
    worker: `${work}
      const asking = ask()
      setInterval(ask, 400)
      onconnect = ({ ports: [port] }) => { asking.then(() => port.postMessage('done')) }`,
    page: `
      const { port } = new SharedWorker('/worker.js')
      port.onmessage = ready`,
  },
  {
    kind: 'a service worker',
    worker: `${work}
      self.oninstall = () => self.skipWaiting()
      self.onactivate = (event) => event.waitUntil(clients.claim())
      let token
      self.onfetch = (event) => {
        if (!new URL(event.request.url).pathname.startsWith('/api/')) return
        event.respondWith((async () => {
          token ??= refresh()
          const send = async () => fetch(new Request(event.request, { headers: { Authorization: 'Bearer ' + (await token) } }))
          const answer = await send()
          if (answer.status !== 401) return answer
          token = refresh()
          return send()
        })())
      }`,
    page: `
      await navigator.serviceWorker.register('/worker.js')
      if (navigator.serviceWorker.controller === null)
        await new Promise((resolve) => { navigator.serviceWorker.oncontrollerchange = resolve })
      for (const path of ['/api/me', '/api/orders']) await call(path)
      ready()`,
  },
]

test.each(kinds)(
  'a token that only $kind holds is carried, and renewed by it',
  async ({ kind, worker, page }) => {
    const app: RulesApp = stage.app(`${kind.replaceAll(' ', '-')}.test`, {
      script: page,
      takes: ({ headers }, { token }) => headers.authorization === `Bearer ${token}`,
    })
    stage.shop.on(new URL(app.origin).hostname, '/worker.js', (_req, res) => {
      res.setHeader('content-type', 'text/javascript').end(worker)
    })
    await using session = await stage.vault.open(stage.recipe(app, { home: app.url('/app') }))
    expect(session.headerRules).toMatchObject([
      { prefix: 'Bearer ', origins: [app.origin], source: { page: app.origin } },
    ])
    const mine = (): Promise<unknown> => session.http(app.url('/api/mine')).json()
    expect(await mine()).toEqual({ for: 'alice' })
    app.rotate()
    expect(await mine()).toEqual({ for: 'alice' })
    expect(session.epoch).toBe(2)
    expect(app.counters.logins).toBe(1)
  },
)
