import { createServer, type Server as TcpServer } from 'node:net'
import { once } from 'node:events'
import { createServer as createTlsServer } from 'node:https'
import type { Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { webcrypto } from 'node:crypto'
import { inspect } from 'node:util'
import * as x509 from '@peculiar/x509'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SessionbridgeError } from '../../src/errors.ts'
import { createHttp } from '../../src/http/client.ts'
import { createFetch } from '../../src/http/fetch.ts'
import type { Carrier } from '../../src/http/carrier.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import type { Shop } from '../site/shop.ts'
import { startShop } from '../site/shop.ts'
import { carrierOf, clientNames, clientOf, cookie } from './clients.ts'

const canary = 'c4n4ry'

let shop: Shop
let broken: TcpServer
let selfSigned: TlsServer
let expired: TlsServer

beforeAll(async () => {
  shop = await startShop()
  shop.on('*', '/broken-json', (_req, res) => {
    res.end(`{"token":"${canary}"`)
  })
  shop.on('*', '/failing', (_req, res) => {
    res.writeHead(500, { 'set-cookie': `sid=${canary}-new`, 'x-secret': canary }).end(`trace: ${canary}`)
  })
  shop.on('*', '/hung', () => undefined)
  shop.on('*', '/cut', (_req, res) => {
    res.writeHead(200, { 'content-length': '1000' }).write(canary)
    setTimeout(() => res.destroy(), 10)
  })
  shop.on('*', '/garbled', (_req, res) => {
    res.writeHead(200, { 'content-encoding': 'gzip' }).end(canary)
  })
  broken = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(`${canary} this is not HTTP\r\n\r\n`))
  }).listen(0, '127.0.0.1')
  await once(broken, 'listening')
  selfSigned = await tlsServer(90)
  expired = await tlsServer(-1)
})

afterAll(async () => {
  for (const server of [broken, selfSigned, expired]) server.close()
  await shop.close()
})

/** A server whose certificate nobody vouches for, good for so many days from now. */
async function tlsServer(days: number): Promise<TlsServer> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=shop.test',
      keys,
      notBefore: new Date(Date.now() - 10 * 86_400_000),
      notAfter: new Date(Date.now() + days * 86_400_000),
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'shop.test' }])],
    },
    webcrypto as Crypto,
  )
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const key = `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`
  const server = createTlsServer({ key, cert: certificate.toString('pem') }, (_req, res) => res.end(canary))
  authorities.set(server, certificate.toString('pem'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

const authorities = new Map<TlsServer, string>()

function portOf(server: TcpServer): string {
  return String((server.address() as AddressInfo).port)
}

const query = `?token=${canary}`
const failures: [what: string, url: () => string, options?: () => HttpOptions][] = [
  ['a refused connection', () => `https://shop.test:1/${query}`],
  ['an unknown host', () => `https://nowhere.example/${query}`],
  ['a time-out', () => shop.url('shop.test', `/hung${query}`), () => ({ timeout: 60 })],
  ['a body that is cut off', () => shop.url('shop.test', `/cut${query}`)],
  ['a body that does not decode', () => shop.url('shop.test', `/garbled${query}`)],
  ['something that is not HTTP', () => `http://shop.test:${portOf(broken)}/${query}`],
  ['a self-signed certificate', () => `https://shop.test:${portOf(selfSigned)}/${query}`],
  [
    'an expired certificate',
    () => `https://shop.test:${portOf(expired)}/${query}`,
    () => ({ ca: authorities.get(expired) ?? '' }),
  ],
  [
    'a certificate for another host',
    () => `https://other.test:${portOf(selfSigned)}/${query}`,
    () => ({ ca: authorities.get(selfSigned) ?? '' }),
  ],
  ['TLS to a port that speaks plain HTTP', () => shop.httpUrl('shop.test', query).replace('http:', 'https:')],
]

function carrier(): Carrier {
  return carrierOf({
    cookies: [
      cookie({ name: 'sid', value: canary }),
      cookie({ name: 'plain', value: canary, secure: false }),
    ],
    origins: [{ origin: 'https://shop.test:1', localStorage: [{ name: 'token', value: canary }] }],
    headerRules: [
      {
        header: 'Authorization',
        origins: failures.map(([, url]) => new URL(url()).origin),
        methods: 'all',
        prefix: 'Bearer ',
        source: { from: 'localStorage', origin: 'https://shop.test:1', key: 'token', path: [] },
      },
    ],
  })
}

/** Everything that somebody could print of an error: all own fields, however deep, hidden ones too. */
function everything(error: unknown): string {
  const shown = inspect(error, { depth: 20, showHidden: true, getters: true, maxStringLength: null })
  const { stack, message, cause } = error as Error
  return [
    shown,
    String(error),
    JSON.stringify(error),
    stack,
    message,
    cause === undefined ? '' : everything(cause),
  ].join('\n')
}

describe.each(clientNames)('%s', (name) => {
  async function failWith(url: string, options: HttpOptions = {}): Promise<unknown> {
    const client = await clientOf(name, carrier(), { lookup: shop.lookup, ca: shop.ca, ...options })
    const request = {
      method: 'POST',
      body: canary,
      headers: { 'X-Own': canary, 'Content-Type': 'text/plain' },
    }
    try {
      await client.ask(url, request)
      return undefined
    } catch (error) {
      return error
    } finally {
      await client.close()
    }
  }

  test.each(failures)('%s is an error without a secret', async (_what, url, options) => {
    const error = await failWith(url(), options?.())
    expect(error).toBeInstanceOf(Error)
    expect(everything(error)).not.toContain(canary)
    expect(everything(error)).toContain(new URL(url()).host) // control: it says where
  })

  test('certificates that nobody vouches for are refused by what is wrong with them', async () => {
    const reasons = await Promise.all(
      failures
        .filter(([what]) => what.includes('certificate'))
        .map(async ([, url, options]) => everything(await failWith(url(), options?.()))),
    )
    expect(reasons[0]).toContain('DEPTH_ZERO_SELF_SIGNED_CERT')
    expect(reasons[1]).toContain('CERT_HAS_EXPIRED')
    expect(reasons[2]).toContain('ERR_TLS_CERT_ALTNAME_INVALID')
  })

  test('an authority of the caller is enough, and does not switch the check off', async () => {
    const url = `https://shop.test:${portOf(selfSigned)}/`
    const options = { lookup: shop.lookup as never, ca: authorities.get(selfSigned) ?? '' }
    const client = await clientOf(name, carrierOf({}), options)
    expect((await client.ask(url)).status).toBe(200)
    await client.close()
  })
})

describe('what is printed', () => {
  const options = (): HttpOptions => ({ lookup: shop.lookup, ca: shop.ca })

  test('an error status tells neither headers nor body nor query', async () => {
    const http = createHttp(carrier(), options())
    const error: unknown = await http(shop.url('shop.test', `/failing${query}`)).catch(
      (reason: unknown) => reason,
    )
    await http.close()
    expect(error).toBeInstanceOf(SessionbridgeError)
    expect(error).toMatchObject({ code: 'response-status', statusCode: 500 })
    expect(everything(error)).not.toContain(canary)
  })

  test('a response shows its status and place only', async () => {
    const http = createHttp(carrier(), options())
    const fetch = createFetch(carrier(), options())
    const url = shop.url('shop.test', `/failing${query}`)
    for (const response of [await http(url, { throwHttpErrors: false }), await fetch(url)]) {
      expect(inspect({ response }, { depth: 10 })).not.toContain(canary)
      expect(inspect(response)).toContain('500')
      expect(JSON.stringify(response)).not.toContain(canary)
    }
    await Promise.all([http.close(), fetch.close()])
  })

  test('a body that is no JSON is not quoted', async () => {
    const http = createHttp(carrier(), options())
    const fetch = createFetch(carrier(), options())
    const url = shop.url('shop.test', `/broken-json${query}`)
    const errors = await Promise.allSettled([
      http(url).json(),
      fetch(url).then((response) => response.json()),
    ])
    for (const settled of errors) {
      expect(settled.status).toBe('rejected')
      expect(everything((settled as PromiseRejectedResult).reason)).not.toContain(canary)
    }
    await Promise.all([http.close(), fetch.close()])
  })

  test('control: bare got-scraping prints the cookie', async () => {
    const { gotScraping } = await import('got-scraping')
    const error: unknown = await gotScraping('https://shop.test:1/', {
      headers: { cookie: `sid=${canary}` },
      dnsLookup: shop.lookup,
    }).catch((reason: unknown) => reason)
    expect(everything(error)).toContain(canary)
  })
})
