import { createHmac, createSign, randomBytes } from 'node:crypto'
import type { WireRequest } from '../../http/wire/wire.ts'

export type OAuth1Method = 'HMAC-SHA1' | 'HMAC-SHA256' | 'RSA-SHA1' | 'PLAINTEXT'

export interface OAuth1Credentials {
  readonly consumerKey: string
  /** For `RSA-SHA1` the private key as PEM. */
  readonly consumerSecret: string
  readonly token?: string
  readonly tokenSecret?: string
  readonly method: OAuth1Method
  readonly realm?: string
}

export interface OAuth1Moment {
  readonly nonce: string
  /** Unix seconds. */
  readonly timestamp: number
  /** Whether `oauth_version` is said, which some servers ask for and the RFC's examples leave out; default true. */
  readonly version?: boolean
}

type Pair = readonly [name: string, value: string]

/** The value of `Authorization` for this request (RFC 5849). Signed by hand: npm's `oauth-1.0a` fails the RFC's own example. */
export function oauth1Authorization(
  credentials: OAuth1Credentials,
  request: WireRequest,
  moment: OAuth1Moment = {
    nonce: randomBytes(16).toString('hex'),
    timestamp: Math.floor(Date.now() / 1000),
  },
): string {
  const { consumerKey, token, method, realm } = credentials
  const protocol: Pair[] = [
    ['oauth_consumer_key', consumerKey],
    ...(token === undefined ? [] : [['oauth_token', token] as const]),
    ['oauth_signature_method', method],
    ['oauth_timestamp', String(moment.timestamp)],
    ['oauth_nonce', moment.nonce],
    ...(moment.version === false ? [] : [['oauth_version', '1.0'] as const]),
  ]
  const signature = sign(credentials, baseString(request, protocol))
  const fields = [...protocol, ['oauth_signature', signature] as const].map(
    ([name, value]) => `${name}="${encode(value)}"`,
  )
  return `OAuth ${[...(realm === undefined ? [] : [`realm="${realm}"`]), ...fields].join(', ')}`
}

/** RFC 5849, 3.4.1. Pure; `protocol` is without realm and signature. */
export function baseString(request: WireRequest, protocol: readonly Pair[]): string {
  const { url } = request
  const place = `${url.protocol}//${url.host}${url.pathname}` // lower case, and without a default port, by the parser
  const pairs = [...decoded(url.search.slice(1)), ...protocol, ...formPairs(request)]
  const parameters = pairs
    .map(([name, value]): Pair => [encode(name), encode(value)])
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  return [request.method.toUpperCase(), place, parameters].map(encode).join('&')
}

function sign({ method, consumerSecret, tokenSecret = '' }: OAuth1Credentials, base: string): string {
  if (method === 'RSA-SHA1') return createSign('RSA-SHA1').update(base).sign(consumerSecret, 'base64')
  const key = `${encode(consumerSecret)}&${encode(tokenSecret)}`
  if (method === 'PLAINTEXT') return key
  return createHmac(method === 'HMAC-SHA1' ? 'sha1' : 'sha256', key)
    .update(base)
    .digest('base64')
}

/** Only a form that is sent as one is a part of what is signed (3.4.1.3.1). */
function formPairs({ headers, body }: WireRequest): Pair[] {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-type')
  const type = at === -1 ? '' : (headers[at + 1] ?? '')
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type) || !(body instanceof Uint8Array)) return []
  return decoded(Buffer.from(body).toString())
}

function decoded(form: string): Pair[] {
  return [...new URLSearchParams(form)]
}

/** RFC 5849, 3.6: everything but the unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
