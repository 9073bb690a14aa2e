import { webcrypto } from 'node:crypto'
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import * as x509 from '@peculiar/x509'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RequestFailedError } from '../../src/errors.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import { createAuthority } from '../site/certificates.ts'
import { lookup } from '../site/dns.ts'
import { carrierOf, clientNames, clientOf, cookie, failureOf, type ClientName } from './clients.ts'
import { type Proxies, startProxies } from './proxies.ts'

/** Host name, and what is wrong with its certificate. */
const faults = [
  ['self.test', 'self-signed', /SELF_SIGNED/],
  ['stranger.test', 'from an authority that nobody named', /UNABLE_TO|SELF_SIGNED/],
  ['expired.test', 'expired', /CERT_HAS_EXPIRED/],
  ['future.test', 'not yet valid', /CERT_NOT_YET_VALID/],
  ['wrong.test', 'for another host name', /ALTNAME_INVALID/],
  ['deep.wild.test', 'for one level of names less', /ALTNAME_INVALID/],
  ['127.0.0.1', 'for localhost and the proxy, asked for by address', /ALTNAME_INVALID/],
] as const

let ca: string
let server: Http2SecureServer
let proxies: Proxies
let proxyCa: string
/** Requests that got through. */
const heard: string[] = []
const sockets = new Set<TLSSocket>()

beforeAll(async () => {
  const maker = await certificates()
  ca = maker.ca
  const contexts: Record<string, SecureContext> = {
    'right.test': await maker.issue('right.test'),
    'self.test': await maker.issue('self.test', { by: 'itself' }),
    'stranger.test': await maker.issue('stranger.test', { by: 'a stranger' }),
    'expired.test': await maker.issue('expired.test', { from: -20, to: -10 }),
    'future.test': await maker.issue('future.test', { from: 10, to: 20 }),
    'wrong.test': await maker.issue('other.test'),
    'deep.wild.test': await maker.issue('wild.test'),
  }
  const localhost = await maker.pair('localhost proxy.test')
  server = createSecureServer(
    {
      ...localhost,
      allowHTTP1: true,
      SNICallback: (host, done) => {
        done(null, contexts[host])
      },
    },
    (req, res) => {
      heard.push(String(req.headers.host ?? req.headers[':authority']))
      res.end(req.httpVersion)
    },
  )
  server.on('secureConnection', (socket: TLSSocket) => sockets.add(socket.on('error', () => undefined)))
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const authority = await createAuthority('The proxies')
  proxyCa = authority.ca
  proxies = await startProxies(authority)
})

afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  server.close()
  await proxies.close()
})

const url = (host: string): string =>
  `https://${host}:${String((server.address() as AddressInfo).port)}/?token=canary`

const subjects: [ClientName, 'HTTP/2' | 'http/1.1'][] = [
  ...clientNames.map((name): [ClientName, 'http/1.1'] => [name, 'http/1.1']),
  ['http', 'HTTP/2'],
  ['fetch', 'HTTP/2'],
]

const ways = {
  directly: () => ({}),
  'through an HTTP proxy': () => ({ proxyUrl: proxies.url('http') }),
  'through an HTTPS proxy': () => ({ proxyUrl: proxies.url('https') }),
  'through a SOCKS proxy': () => ({ proxyUrl: proxies.url('socks5') }),
} satisfies Record<string, () => HttpOptions>

const table = subjects.flatMap(([name, protocol]) =>
  Object.keys(ways).map((way) => [name, protocol, way as keyof typeof ways] as const),
)

describe.each(table)('%s, %s, %s', (name, protocol, way) => {
  const ask = async (host: string): Promise<string> => {
    const carrier = carrierOf({ cookies: [cookie({ name: 'sid', value: 'canary', domain: host })] })
    const options = { lookup, ca: [ca, proxyCa], http2: protocol === 'HTTP/2', ...ways[way]() }
    const client = await clientOf(name, carrier, options)
    try {
      return (await client.ask(url(host), { method: 'POST', body: 'canary' })).text
    } finally {
      await client.close()
    }
  }

  test('control: a certificate that is right is taken', async () => {
    expect(await ask('right.test')).toBe(protocol === 'HTTP/2' ? '2.0' : '1.1')
  })

  test.each(faults)(
    '%s: a certificate that is %s is refused before anything is sent',
    async (host, _what, reason) => {
      heard.length = 0
      const error = await failureOf(ask(host))
      expect(error).toBeInstanceOf(RequestFailedError)
      expect(error).toMatchObject({ tier: 'final', reason: expect.stringMatching(reason) as string })
      expect(error).not.toMatchObject({ reason: expect.stringMatching(/^PROXY/) as string })
      expect(error.message).not.toContain('canary')
      expect(heard).toEqual([])
    },
  )
})

test.each(['http', 'fetch'] as const)(
  '%s: a proxy with a certificate that nobody vouches for is refused',
  async (name) => {
    heard.length = 0
    const client = await clientOf(name, carrierOf({}), { lookup, ca, proxyUrl: proxies.url('https') })
    const error = await failureOf(client.ask(url('right.test')))
    expect(error).toMatchObject({ reason: expect.stringMatching(/^PROXY_(SELF_SIGNED|UNABLE_TO)/) as string })
    expect(heard).toEqual([])
    await client.close()
  },
)

interface Wishes {
  readonly by?: 'itself' | 'a stranger'
  /** Days from now. */
  readonly from?: number
  readonly to?: number
}

interface Certificates {
  readonly ca: string
  pair(name: string, wishes?: Wishes): Promise<{ readonly key: string; readonly cert: string }>
  issue(name: string, wishes?: Wishes): Promise<SecureContext>
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

async function certificates(): Promise<Certificates> {
  const keys = (): Promise<webcrypto.CryptoKeyPair> =>
    webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const [known, stranger, leaf] = await Promise.all([keys(), keys(), keys()])
  const day = (days: number): Date => new Date(Date.now() + days * 86_400_000)
  const rootOf = (name: string, pair: webcrypto.CryptoKeyPair): Promise<x509.X509Certificate> =>
    x509.X509CertificateGenerator.createSelfSigned(
      {
        name: `CN=${name}`,
        keys: pair,
        notBefore: day(-30),
        notAfter: day(30),
        extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
      },
      webcrypto as Crypto,
    )
  const root = await rootOf('Known', known)
  const foreign = await rootOf('Stranger', stranger)
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', leaf.privateKey)).toString('base64')
  const key = `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`
  const pair: Certificates['pair'] = async (name, { by, from = -1, to = 20 } = {}) => {
    const names = name.split(' ').map((value) => ({ type: 'dns' as const, value }))
    const cert = await x509.X509CertificateGenerator.create(
      {
        subject: `CN=${name}`,
        issuer: by === 'itself' ? `CN=${name}` : by === 'a stranger' ? foreign.subject : root.subject,
        publicKey: leaf.publicKey,
        signingKey: (by === 'itself' ? leaf : by === 'a stranger' ? stranger : known).privateKey,
        notBefore: day(from),
        notAfter: day(to),
        extensions: [new x509.SubjectAlternativeNameExtension(names)],
      },
      webcrypto as Crypto,
    )
    return { key, cert: cert.toString('pem') }
  }
  return {
    ca: root.toString('pem'),
    pair,
    issue: async (...wished) => createSecureContext(await pair(...wished)),
  }
}
