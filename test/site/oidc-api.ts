import { createHash } from 'node:crypto'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'

/** What the API wants to know of an access token; the provider says it. */
export interface TokenFacts {
  readonly accountId: string
  readonly isValid: boolean
  readonly jkt?: string
}

export interface OidcApi {
  /** Answers of each status, by path. */
  readonly answers: ReadonlyMap<string, number>
  /** Waited for before a stranger is refused. */
  beforeRefusal: () => Promise<void>
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>
}

/**
 * An API on a host of its own that takes access tokens and nothing else: `Bearer`, or, for tokens that are bound to a key,
 * `DPoP` with a proof for this very request that was not shown before.
 */
export function oidcApi(origin: string, find: (token: string) => Promise<TokenFacts | undefined>): OidcApi {
  const proofs = new Set<string>()
  const answers = new Map<string, number>()

  async function account(req: IncomingMessage): Promise<string | undefined> {
    const [scheme, value = ''] = (req.headers.authorization ?? '').split(' ')
    const token = await find(value)
    if (token?.isValid !== true) return undefined
    if (token.jkt === undefined) return scheme === 'Bearer' ? token.accountId : undefined
    if (scheme !== 'DPoP') return undefined
    return (await isProven(req, value, token.jkt)) ? token.accountId : undefined
  }

  async function isProven(req: IncomingMessage, token: string, jkt: string): Promise<boolean> {
    try {
      const proof = String(req.headers.dpop)
      const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt' })
      const { jti = '', iat = 0, htm, htu, ath } = payload
      const { jwk } = protectedHeader
      if (jwk === undefined || proofs.has(jti)) return false
      proofs.add(jti)
      return (
        (await calculateJwkThumbprint(jwk)) === jkt &&
        htm === req.method &&
        htu === origin + pathOf(req) &&
        ath === createHash('sha256').update(token).digest('base64url') &&
        (pathOf(req) !== pathWithNonce || payload['nonce'] === nonce) &&
        Math.abs(Date.now() / 1000 - iat) < 60
      )
    } catch {
      return false
    }
  }

  const api: OidcApi = {
    answers,
    beforeRefusal: () => Promise.resolve(),
    async handle(req, res) {
      const path = pathOf(req)
      allowPages(req, res)
      if (req.method === 'OPTIONS') {
        res.writeHead(204).end()
        return
      }
      const body = await textOf(req)
      const name = await account(req)
      if (name === undefined) await api.beforeRefusal()
      const status = name === undefined ? 401 : 200
      answers.set(`${path} ${String(status)}`, (answers.get(`${path} ${String(status)}`) ?? 0) + 1)
      res.writeHead(status, {
        'content-type': 'application/json',
        ...(name === undefined && refusalOf(path)),
      })
      const { method, headers } = req
      const seen = { method, body, type: headers['content-type'] }
      res.end(
        JSON.stringify(name === undefined ? { error: 'no' } : { name, orders: ['kettle', 'lamp'], seen }),
      )
    },
  }
  return api
}

/** Where proofs have to hold what the API has said last (RFC 9449, section 9). */
export const pathWithNonce = '/fresh'
const nonce = 'said-by-the-api'

function refusalOf(path: string): OutgoingHttpHeaders {
  if (path !== pathWithNonce) return { 'www-authenticate': 'Bearer, DPoP algs="ES256"' }
  return { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': nonce }
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return new URL(url, 'https://api.test').pathname
}

function allowPages(req: IncomingMessage, res: ServerResponse): void {
  const { origin } = req.headers
  if (origin === undefined) return
  res.setHeader('access-control-allow-origin', origin)
  res.setHeader('access-control-allow-methods', 'GET, POST')
  res.setHeader('access-control-expose-headers', 'dpop-nonce, www-authenticate')
  res.setHeader('access-control-allow-headers', 'authorization, dpop, content-type')
}

async function textOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
