import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { requestTarget } from '../../http/wire/request-target.ts'
import type { WireRequest } from '../../http/wire/wire.ts'

/** A server's challenge (RFC 7616, 3.3), with how often it has been answered. */
export interface DigestChallenge {
  readonly realm: string
  readonly nonce: string
  readonly opaque: string | undefined
  /** As the server wrote it; `MD5` when it wrote nothing. */
  readonly algorithm: string
  readonly qop: 'auth' | 'auth-int' | undefined
  readonly userhash: boolean
  readonly stale: boolean
  uses: number
  /** Of the first use, for algorithms whose key is made with it. */
  cnonce?: string
  /** The last answer to it was refused. */
  answered: boolean
}

/** Strongest first; RFC 7616 allows the choice when a server offers several. */
const hashes: Readonly<Record<string, string>> = {
  'SHA-512-256': 'sha512-256',
  'SHA-256': 'sha256',
  MD5: 'md5',
}

/** The challenge to answer, of all that came; `undefined` when none is a digest that we know. */
export function chooseChallenge(lines: readonly string[]): DigestChallenge | undefined {
  const digests = lines
    .flatMap(challengesOf)
    .filter(({ scheme }) => scheme === 'digest')
    .flatMap(({ params }) => {
      const challenge = digestOf(params)
      return challenge === undefined ? [] : [challenge]
    })
  const rank = ({ algorithm }: DigestChallenge): number => Object.keys(hashes).indexOf(baseOf(algorithm))
  return digests.sort((a, b) => rank(a) - rank(b)).at(0)
}

function digestOf(params: ReadonlyMap<string, string>): DigestChallenge | undefined {
  const nonce = params.get('nonce')
  const algorithm = params.get('algorithm') ?? 'MD5'
  const offered = (params.get('qop') ?? '').split(',').map((one) => one.trim().toLowerCase())
  const qop = offered.includes('auth') ? 'auth' : offered.includes('auth-int') ? 'auth-int' : undefined
  if (nonce === undefined || hashes[baseOf(algorithm)] === undefined) return undefined
  return {
    ...{ nonce, algorithm, qop, opaque: params.get('opaque'), realm: params.get('realm') ?? '' },
    userhash: params.get('userhash')?.toLowerCase() === 'true',
    stale: params.get('stale')?.toLowerCase() === 'true',
    uses: 0,
    answered: false,
  }
}

const baseOf = (algorithm: string): string => algorithm.toUpperCase().replace(/-SESS$/, '')

/** The value of `Authorization` for this request. Counts one use of the nonce. */
export function digestAuthorization(
  challenge: DigestChallenge,
  { username, password }: { readonly username: string; readonly password: string },
  request: Pick<WireRequest, 'method' | 'url' | 'body'>,
  cnonce = randomBytes(16).toString('base64url'),
): string {
  const { realm, nonce, opaque, algorithm, qop, userhash } = challenge
  // Text as UTF-8, also where the server does not ask for that: so do Chromium and curl, and so are passwords stored.
  const hash = (...parts: readonly (string | Uint8Array)[]): string => {
    const sum = createHash(hashes[baseOf(algorithm)] ?? 'md5')
    for (const part of parts) sum.update(part)
    return sum.digest('hex')
  }
  const realmBytes = Buffer.from(realm, 'latin1') // as they came
  const uri = requestTarget(request.url)
  const nc = (challenge.uses += 1).toString(16).padStart(8, '0')
  const session = /-sess$/i.test(algorithm)
  const secret = hash(`${username}:`, realmBytes, `:${password}`)
  // A session key is made once, with the cnonce of the first request (RFC 7616, 3.4.2); sending that one again suits servers
  // that remember their key as well as those that make it anew.
  if (session) cnonce = challenge.cnonce ??= cnonce
  const ha1 = session ? hash(`${secret}:${nonce}:${cnonce}`) : secret
  const ha2 = hash(`${request.method}:${uri}${qop === 'auth-int' ? `:${hash(bytesOf(request.body))}` : ''}`)
  const response = hash(
    qop === undefined ? `${ha1}:${nonce}:${ha2}` : `${ha1}:${nonce}:${nc}:${cnonce}:${qop}:${ha2}`,
  )
  const fields = [
    userField(userhash ? hash(`${username}:`, realmBytes) : username),
    `realm=${quoted(realm)}`,
    `uri=${quoted(uri)}`,
    `algorithm=${algorithm}`,
    `nonce=${quoted(nonce)}`,
    ...(qop === undefined ? [] : [`nc=${nc}`, `cnonce=${quoted(cnonce)}`, `qop=${qop}`]),
    `response=${quoted(response)}`,
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ...(userhash ? ['userhash=true'] : []),
  ]
  return `Digest ${fields.join(', ')}`
}

function bytesOf(body: WireRequest['body']): Uint8Array {
  return body === undefined || body instanceof Readable ? new Uint8Array(0) : body
}

/** Beyond ASCII in the form of RFC 5987. */
function userField(username: string): string {
  if (/^[\u0020-\u007e]*$/.test(username)) return `username=${quoted(username)}`
  const encoded = encodeURIComponent(username).replace(/['()*]/g, percent)
  return `username*=UTF-8''${encoded}`
}

const percent = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase()}`

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

interface Challenge {
  readonly scheme: string
  readonly params: Map<string, string>
}

const param = /[\s,]*([!#$%&'*+.^`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/y
const scheme = /[\s,]*([!#$%&'*+.^`|~\w-]+)(?=[\s,]|$)/y

/** All challenges of a `WWW-Authenticate` line (RFC 9110, 11.6.1). What is not understood ends the reading. */
function challengesOf(line: string): Challenge[] {
  const found: Challenge[] = []
  for (let at = 0; at < line.length;) {
    param.lastIndex = scheme.lastIndex = at
    const pair = param.exec(line)
    const name = pair === null ? scheme.exec(line) : null
    if (pair !== null) {
      const [, key = '', inQuotes, plain = ''] = pair
      found.at(-1)?.params.set(key.toLowerCase(), inQuotes?.replace(/\\(.)/g, '$1') ?? plain)
      at = param.lastIndex
    } else if (name !== null) {
      found.push({ scheme: (name[1] ?? '').toLowerCase(), params: new Map() })
      at = scheme.lastIndex
    } else break
  }
  return found
}
