import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Shop } from '../../site/shop.ts'

/**
 * A small OAuth 2 server at `id.auth.test` and an API at `api.auth.test`, written from RFC 6749, 7636 and 8628. Refresh
 * tokens are for one use; one that comes again ends its whole family (RFC 9700, 4.14.2).
 */
export interface OAuthServer {
  readonly clientSecret: string
  readonly tokenUrl: string
  readonly deviceUrl: string
  readonly authorizeUrl: string
  readonly api: string
  readonly counts: { tokens: number; refused: number; refreshes: number; polls: number; calls: number }
  /** Seconds that access tokens live from now on. */
  life: number
  /** What the API answers instead of looking; `undefined` for looking. */
  apiStatus: number | undefined
  /** Ends all access tokens now. */
  expire(): void
  /** Ends everything. */
  revoke(): void
  newRefreshToken(): string
  /** A person says yes or no to the code. */
  decide(userCode: string, yes: boolean): void
}

const clientId = 'a client & more'
export const oauthClientId = clientId
export const redirectUri = 'https://app.auth.test/callback'

interface Device {
  readonly userCode: string
  yes: boolean | undefined
}

interface Code {
  readonly challenge: string
  readonly redirectUri: string
}

export function startOAuth(shop: Shop): OAuthServer {
  const clientSecret = `${shop.canary}: secret/+ä`
  const access = new Map<string, number>()
  const refresh = new Map<string, { readonly family: string; used: boolean }>()
  const devices = new Map<string, Device>()
  const codes = new Map<string, Code>()
  const url = (path: string): string => shop.url('id.auth.test', path)
  const server: OAuthServer = {
    ...{ clientSecret, life: 3600, apiStatus: undefined },
    tokenUrl: url('/token'),
    deviceUrl: url('/device'),
    authorizeUrl: url('/authorize'),
    api: shop.url('api.auth.test', '/me'),
    counts: { tokens: 0, refused: 0, refreshes: 0, polls: 0, calls: 0 },
    expire: () => {
      access.clear()
    },
    revoke() {
      access.clear()
      refresh.clear()
    },
    newRefreshToken: () => newRefresh(randomBytes(6).toString('hex')),
    decide(userCode, yes) {
      for (const device of devices.values()) if (device.userCode === userCode) device.yes = yes
    },
  }

  function newRefresh(family: string): string {
    const token = `${shop.canary}-refresh-${randomBytes(9).toString('hex')}`
    refresh.set(token, { family, used: false })
    return token
  }

  function tokens(family: string | undefined): object {
    server.counts.tokens += 1
    const token = `${shop.canary}-access-${randomBytes(9).toString('hex')}`
    access.set(token, Date.now() + server.life * 1000)
    return {
      ...{ access_token: token, token_type: 'bearer', expires_in: server.life },
      ...(family !== undefined && { refresh_token: newRefresh(family) }),
    }
  }

  type Grant = (form: URLSearchParams) => object | string
  const grants: Record<string, Grant> = {
    client_credentials: () => tokens(undefined),
    refresh_token(form) {
      const found = refresh.get(form.get('refresh_token') ?? '')
      if (found === undefined) return 'invalid_grant'
      if (found.used) {
        for (const [token, { family }] of refresh) if (family === found.family) refresh.delete(token)
        return 'invalid_grant'
      }
      found.used = true
      server.counts.refreshes += 1
      return tokens(found.family)
    },
    authorization_code(form) {
      const code = codes.get(form.get('code') ?? '')
      codes.delete(form.get('code') ?? '')
      const verifier = form.get('code_verifier') ?? ''
      const fits = createHash('sha256').update(verifier, 'ascii').digest('base64url') === code?.challenge
      if (!fits || verifier.length < 43 || form.get('redirect_uri') !== code.redirectUri)
        return 'invalid_grant'
      return tokens(randomBytes(6).toString('hex'))
    },
    'urn:ietf:params:oauth:grant-type:device_code'(form) {
      server.counts.polls += 1
      const device = devices.get(form.get('device_code') ?? '')
      if (device === undefined) return 'expired_token'
      if (device.yes === undefined) return 'authorization_pending'
      return device.yes ? tokens(randomBytes(6).toString('hex')) : 'access_denied'
    },
  }

  function isClient(req: IncomingMessage, form: URLSearchParams): boolean {
    const header = req.headers.authorization
    if (header === undefined)
      return form.get('client_id') === clientId && form.get('client_secret') === clientSecret
    const [id = '', secret = ''] = Buffer.from(header.slice('Basic '.length), 'base64').toString().split(':')
    const decoded = [id, secret].map((text) => decodeURIComponent(text.replaceAll('+', ' ')))
    return decoded[0] === clientId && decoded[1] === clientSecret
  }

  shop.on('id.auth.test', '/token', async (req, res) => {
    const form = await readForm(req)
    if (!isClient(req, form)) {
      server.counts.refused += 1
      json(res, 401, { error: 'invalid_client', error_description: form.toString() })
      return
    }
    const answer = grants[form.get('grant_type') ?? '']?.(form) ?? 'unsupported_grant_type'
    if (typeof answer === 'string') json(res, 400, { error: answer, error_description: form.toString() })
    else json(res, 200, answer)
  })

  shop.on('id.auth.test', '/device', async (req, res) => {
    if (!isClient(req, await readForm(req))) {
      json(res, 401, { error: 'invalid_client' })
      return
    }
    const [code, userCode] = [randomBytes(9).toString('hex'), randomBytes(4).toString('hex').toUpperCase()]
    devices.set(code, { userCode, yes: undefined })
    const verification = { user_code: userCode, verification_uri: url('/activate') }
    json(res, 200, { device_code: code, ...verification, expires_in: 60, interval: 0.02 })
  })

  shop.on('id.auth.test', '/authorize', (req, res) => {
    const query = new URL(req.url ?? '/', url('/')).searchParams
    const back = new URL(query.get('redirect_uri') ?? '')
    if (query.get('client_id') !== clientId || query.get('code_challenge_method') !== 'S256') {
      json(res, 400, { error: 'invalid_request' })
      return
    }
    if (!/\bidp=yes\b/.test(req.headers.cookie ?? '')) {
      const page = `<form method="post" action="/signin?${query.toString().replaceAll('&', '&amp;')}">
        <label>Password <input name="password" type="password"></label><button>Sign in</button></form>`
      res.writeHead(200, { 'content-type': 'text/html' }).end(page)
      return
    }
    const code = randomBytes(9).toString('hex')
    codes.set(code, { challenge: query.get('code_challenge') ?? '', redirectUri: back.href })
    back.searchParams.set('code', code)
    back.searchParams.set('state', query.get('state') ?? '')
    res.writeHead(302, { location: back.href }).end()
  })

  shop.on('id.auth.test', '/signin', async (req, res) => {
    const right = (await readForm(req)).get('password') === `${shop.canary}-password`
    const cookie = right ? { 'set-cookie': 'idp=yes; Path=/; Secure; HttpOnly; Max-Age=86400' } : {}
    res.writeHead(303, { ...cookie, location: `/authorize${(req.url ?? '').replace('/signin', '')}` }).end()
  })

  shop.on('api.auth.test', '/me', (req, res) => {
    server.counts.calls += 1
    const token = (req.headers.authorization ?? '').replace(/^Bearer /, '')
    const alive = (access.get(token) ?? 0) > Date.now()
    const status = server.apiStatus ?? (alive ? 200 : 401)
    json(res, status, status === 200 ? { user: 'alice' } : { error: 'no' })
  })

  return server
}

export async function readForm(req: IncomingMessage): Promise<URLSearchParams> {
  return new URLSearchParams((await readAll(req)).toString())
}

export async function readAll(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export function json(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
