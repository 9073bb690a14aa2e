import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Shop } from './shop.ts'

/** A request of the application's API as it came. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly taken: boolean
}

/** How one small application carries its session. */
export interface Design {
  /** Script of the login page, run when its button is pressed; default: signs in, keeps nothing, goes to `/app`. */
  readonly login?: string
  /** What stands in `/app` besides its scripts. */
  readonly html?: (app: RulesApp) => string
  /** Script of `/app`, told by `ready()` when it is done. */
  readonly script?: string
  /** Whether the server takes an API request; its body is there by then. */
  readonly takes: (request: Asked, app: RulesApp) => boolean
  /** How a refusal is answered; default 401 with an error in JSON. */
  readonly refuses?: (res: ServerResponse) => void
  /** Set-Cookie lines of an answer to someone who is signed in. */
  readonly cookies?: (app: RulesApp) => string[]
}

export interface RulesApp {
  readonly origin: string
  url(path: string): string
  /** What the server takes now; another one after `rotate`. */
  readonly token: string
  rotate(): void
  /** Part of names that changes with `rotate`. */
  readonly suffix: string
  /** Sessions by cookie; emptied, all are signed out. */
  readonly sessions: Set<string>
  readonly asked: Asked[]
  readonly counters: { logins: number; pages: number }
  /** Of the last request to this path. */
  last(path: string): Asked
}

const shared = `
const ready = () => { document.title = 'ready' }
const call = (path, init) => fetch(path, init)
const refresh = async () => (await (await fetch('/refresh', { method: 'POST' })).json()).access.token
const cookies = () => document.cookie.split('; ').map((pair) => pair.split('='))
const openDb = () => new Promise((resolve, reject) => {
  const opening = indexedDB.open('app', 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore('tokens')
  opening.onsuccess = () => resolve(opening.result)
  opening.onerror = () => reject(opening.error)
})
const inDb = async (work) => {
  const db = await openDb()
  const transaction = db.transaction('tokens', 'readwrite')
  const request = work(transaction.objectStore('tokens'))
  await new Promise((resolve) => { transaction.oncomplete = resolve })
  db.close()
  return request.result
}`

/**
 * A small application on a host of its own: `/login`, `/session` (POST signs in), `/app` for who is signed in, `/refresh` (POST
 * gives the token), `/api/…` and `/public/…` as the design says. A cookie `sid` says who it is; it alone is not enough for `/api`.
 */
export function rulesApp(shop: Shop, host: string, design: Design): RulesApp {
  let token = newToken()
  let suffix = newSuffix()
  const sessions = new Set<string>()
  const asked: Asked[] = []
  const app: RulesApp = {
    origin: new URL(shop.url(host)).origin,
    url: (path) => shop.url(host, path),
    get token() {
      return token
    },
    get suffix() {
      return suffix
    },
    rotate() {
      token = newToken()
      suffix = newSuffix()
    },
    sessions,
    asked,
    counters: { logins: 0, pages: 0 },
    last(path) {
      const found = asked.findLast((one) => one.path === path)
      if (found === undefined) throw new Error(`nobody has asked for ${path}`)
      return found
    },
  }
  const isSignedIn = (req: IncomingMessage): boolean =>
    [...sessions].some((sid) => req.headers.cookie?.includes(`sid=${sid}`) === true)
  const html = (res: ServerResponse, body: string, script: string): void => {
    res
      .setHeader('content-type', 'text/html; charset=utf-8')
      .end(`<!doctype html><title>loading</title>${body}<script>${shared}\n${script}</script>`)
  }
  const login = design.login ?? `await call('/session', { method: 'POST' }); location.assign('/app')`
  shop.on(host, '/login', (req, res) => {
    if (isSignedIn(req)) {
      res.writeHead(302, { location: '/app' }).end()
      return
    }
    html(
      res,
      '<button>Sign in</button>',
      `document.querySelector('button').onclick = async () => { ${login} }`,
    )
  })
  shop.on(host, '/session', (_req, res) => {
    const sid = newToken()
    sessions.add(sid)
    app.counters.logins += 1
    res.setHeader('set-cookie', [`sid=${sid}; Path=/; HttpOnly`, ...(design.cookies?.(app) ?? [])])
    json(res, 200, { access: { token } })
  })
  shop.on(host, '/refresh', (req, res) => {
    if (isSignedIn(req)) json(res, 200, { access: { token } })
    else json(res, 401, { error: 'unauthorized' })
  })
  shop.on(host, '/app', (req, res) => {
    if (!isSignedIn(req)) {
      res.writeHead(302, { location: '/login' }).end()
      return
    }
    app.counters.pages += 1
    res.setHeader('set-cookie', design.cookies?.(app) ?? [])
    html(res, design.html?.(app) ?? '', `(async () => { ${design.script ?? 'ready()'} })()`)
  })
  const api = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = req
    const request = { method, path: new URL(url, app.origin).pathname, headers, body: await textOf(req) }
    const isPublic = request.path.startsWith('/public/')
    const taken = (isPublic || isSignedIn(req)) && design.takes({ ...request, taken: false }, app)
    asked.push({ ...request, taken })
    if (taken || isPublic) json(res, 200, { for: taken ? 'alice' : 'anybody' })
    else if (design.refuses !== undefined && isSignedIn(req)) design.refuses(res)
    else json(res, 401, { error: 'unauthorized' })
  }
  shop.on(host, '/api/*', api)
  shop.on(host, '/public/*', api)
  return app
}

export function json(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function textOf(req: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of req) parts.push(part as Buffer)
  return Buffer.concat(parts).toString('utf8')
}

function newToken(): string {
  return `canary-${randomBytes(12).toString('hex')}`
}

/** As a device's short name: capitals and digits. */
function newSuffix(): string {
  return `Q${randomBytes(3).toString('hex').toUpperCase()}7`
}
