import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Shop } from '../../site/shop.ts'
import { json, readAll } from './oauth-server.ts'

/**
 * Endpoints that verify per-request credentials, written from the RFCs and not from our code: `digest.test` takes HTTP Digest
 * (each nonce count once), `oauth1.test` takes OAuth 1.0a (each nonce once). What was taken is echoed.
 */
export interface SigningServer {
  readonly digest: string
  readonly oauth1: string
  readonly username: string
  readonly password: string
  readonly oauth1Secrets: Readonly<Record<string, string>>
  /** What the next challenges ask for. */
  algorithm: 'MD5' | 'SHA-256' | 'SHA-512-256' | 'MD5-sess'
  qop: string
  /** All nonces given out so far become stale. */
  age(): void
  readonly counts: { taken: number; challenged: number; stale: number }
}

export function startSigning(shop: Shop): SigningServer {
  const given = new Set<string>()
  const server: SigningServer = {
    digest: shop.url('api.digest.test', '/dir/index.html'),
    oauth1: shop.url('api.oauth1.test', '/photos'),
    username: 'Mufasa',
    password: `${shop.canary}: Circle "of" Life`,
    oauth1Secrets: {
      consumer_key: 'dpf43f3p2l4k3l03',
      consumer_secret: `${shop.canary}kd94 hf93+k423`,
      token: 'nnch734d00sl2jdk',
      token_secret: `${shop.canary}&pfkkdhi9sl3r4s00`,
    },
    algorithm: 'SHA-256',
    qop: 'auth',
    age: () => {
      given.clear()
    },
    counts: { taken: 0, challenged: 0, stale: 0 },
  }
  const counts = new Set<string>()
  const nonces = new Set<string>()

  shop.on('api.digest.test', '*', async (req, res) => {
    const body = await readAll(req)
    const said = fieldsOf(req.headers.authorization ?? '', 'Digest ')
    const stale = said !== undefined && !given.has(said['nonce'] ?? '')
    if (said !== undefined && !stale && isDigest(server, req, said, body)) {
      const use = `${said['nonce'] ?? ''} ${said['nc'] ?? ''}`
      if (counts.has(use)) json(res, 400, { error: 'replayed' })
      else {
        counts.add(use)
        server.counts.taken += 1
        json(res, 200, { method: req.method, body: body.toString(), nc: said['nc'] })
      }
      return
    }
    server.counts[stale ? 'stale' : 'challenged'] += 1
    const nonce = randomBytes(9).toString('hex')
    given.add(nonce)
    const fields = [
      'realm="test \\"realm\\", of two=parts"',
      `nonce="${nonce}"`,
      `algorithm=${server.algorithm}`,
      `qop="${server.qop}"`,
      'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
      ...(stale ? ['stale=true'] : []),
    ]
    res.setHeader('www-authenticate', ['Basic realm="other, Digest nonce=no"', `Digest ${fields.join(', ')}`])
    json(res, 401, { error: 'who are you' })
  })

  shop.on('api.oauth1.test', '*', async (req, res) => {
    const body = await readAll(req)
    const said = fieldsOf(req.headers.authorization ?? '', 'OAuth ')
    const fresh = said !== undefined && !nonces.has(said['oauth_nonce'] ?? '')
    if (!fresh || !isOAuth1(server, shop, req, said, body)) {
      json(res, 401, { error: 'not signed' })
      return
    }
    nonces.add(said['oauth_nonce'] ?? '')
    server.counts.taken += 1
    json(res, 200, { method: req.method, url: req.url, body: body.toString() })
  })
  return server
}

type Said = Readonly<Record<string, string>>

function fieldsOf(header: string, scheme: string): Said | undefined {
  if (!header.startsWith(scheme)) return undefined
  const fields = header.slice(scheme.length).matchAll(/([\w*]+)=(?:"((?:\\.|[^"\\])*)"|([^,\s]+))/g)
  return Object.fromEntries(
    [...fields].map(([, name = '', inQuotes, plain = '']) => [
      name,
      inQuotes?.replaceAll(/\\(.)/g, '$1') ?? plain,
    ]),
  )
}

/** RFC 7616, 3.4. */
function isDigest(server: SigningServer, req: IncomingMessage, said: Said, body: Buffer): boolean {
  const name = server.algorithm
    .replace('-sess', '')
    .toLowerCase()
    .replace('sha-', 'sha')
    .replace('md5', 'md5')
  const h = (data: string | Buffer): string => createHash(name).update(data).digest('hex')
  const realm = 'test "realm", of two=parts'
  const { nonce = '', nc = '', cnonce = '', qop = '' } = said
  const plain = h(`${server.username}:${realm}:${server.password}`)
  const ha1 = server.algorithm.endsWith('-sess') ? h(`${plain}:${nonce}:${cnonce}`) : plain
  const integrity = qop === 'auth-int' ? `:${h(body)}` : ''
  const ha2 = h(`${req.method ?? ''}:${req.url ?? ''}${integrity}`)
  return (
    said['username'] === server.username &&
    said['uri'] === req.url &&
    server.qop.split(',').includes(qop) &&
    said['response'] === h([ha1, nonce, nc, cnonce, qop, ha2].join(':'))
  )
}

const escaped = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) => String.fromCharCode(byte))
    .map((char) => (/[A-Za-z0-9\-._~]/.test(char) ? char : `%${hex(char.charCodeAt(0))}`))
    .join('')
const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0')

/** RFC 5849, 3.4. */
function isOAuth1(
  server: SigningServer,
  shop: Shop,
  req: IncomingMessage,
  said: Said,
  body: Buffer,
): boolean {
  const url = new URL(req.url ?? '/', shop.url('api.oauth1.test', '/'))
  const isForm = req.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true
  const parameters: [string, string][] = [
    ...url.searchParams,
    ...(isForm ? new URLSearchParams(body.toString()) : []),
    ...Object.entries(said)
      .filter(([name]) => name !== 'realm' && name !== 'oauth_signature')
      .map(([name, value]): [string, string] => [name, decodeURIComponent(value)]),
  ]
  const normal = parameters
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .sort((a, b) => (a.replace('=', '\u0001') < b.replace('=', '\u0001') ? -1 : 1))
    .join('&')
  const base = [req.method ?? '', `${url.origin}${url.pathname}`, normal].map(escaped).join('&')
  const { consumer_secret: consumer = '', token_secret: token = '' } = server.oauth1Secrets
  const key = `${escaped(consumer)}&${escaped(token)}`
  const algorithm = said['oauth_signature_method'] === 'HMAC-SHA256' ? 'sha256' : 'sha1'
  const right = createHmac(algorithm, key).update(base).digest()
  const given = Buffer.from(decodeURIComponent(said['oauth_signature'] ?? ''), 'base64')
  return given.length === right.length && timingSafeEqual(given, right)
}
