import type { LookupFunction } from 'node:net'
import type { SecureContext, SecureContextOptions } from 'node:tls'

/** How connections are made, for every client alike. */
export interface ConnectionOptions {
  /** In place of `dns.lookup`. */
  readonly lookup?: LookupFunction
  /** Certificate authorities (PEM) to trust besides those that Node brings. */
  readonly ca?: string | readonly string[]
  /**
   * Proxy that every connection goes through, such as `http://user:password@proxy.example:8080`: `http`, `https`,
   * `socks5` and `socks5h` (the same: the proxy looks names up), `socks4a`. Nothing ever goes around it.
   */
  readonly proxyUrl?: string
  /**
   * Default true: HTTP/2 with servers that speak it, as the browser does. False: HTTP/1.1 with all of them, which is a
   * little faster with answers of a few kB.
   */
  readonly http2?: boolean
  readonly connections?: PoolOptions
}

/** How connections are kept, for each client of a session (`http` and `fetch`). */
export interface PoolOptions {
  /** HTTP/1.1 connections to one origin at a time; more requests wait for one of them. Default: no limit. HTTP/2 takes one. */
  readonly perOrigin?: number
  /**
   * Milliseconds that a connection without requests is kept, if the server does not say less. Default: as the client
   * does it: 4,000 (`fetch`), until the server closes it (`http`), 300,000 (HTTP/2).
   */
  readonly keepAlive?: number
}

/**
 * Chromium's cipher list and curves in its order. Certificates are always verified. This is as near as Node's TLS gets:
 * extension order and GREASE stay Node's, so that a site that fingerprints TLS can tell (impit can do more).
 */
const browserTls: SecureContextOptions = {
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
    'ECDHE-RSA-AES128-SHA',
    'ECDHE-RSA-AES256-SHA',
    'AES128-GCM-SHA256',
    'AES256-GCM-SHA384',
    'AES128-SHA',
    'AES256-SHA',
  ].join(':'),
  ecdhCurve: 'X25519:prime256v1:secp384r1',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
}

export interface VerifiedTls {
  readonly secureContext: SecureContext
  readonly rejectUnauthorized: true
}

const contexts = new Map<string, SecureContext>()

/**
 * What every TLS connection uses. The context is made once for each set of authorities: with authorities of the
 * caller's own, Node would parse all of its 140 again for each connection (100 ms each time).
 */
export function verifiedTls(options: ConnectionOptions): VerifiedTls {
  const own = options.ca === undefined ? [] : typeof options.ca === 'string' ? [options.ca] : options.ca
  const key = own.join('\n')
  let secureContext = contexts.get(key)
  if (secureContext === undefined) {
    const { createSecureContext, rootCertificates } = process.getBuiltinModule('node:tls')
    // The caller's authorities are added to Node's own, never put in their place.
    const ca = own.length === 0 ? {} : { ca: [...rootCertificates, ...own] }
    secureContext = createSecureContext({ ...browserTls, ...ca })
    contexts.set(key, secureContext)
  }
  return { secureContext, rejectUnauthorized: true }
}

/** Throws `TypeError` for limits that would let nothing through. */
export function poolOf({ connections = {} }: ConnectionOptions): PoolOptions {
  const { perOrigin, keepAlive } = connections
  if (perOrigin !== undefined && !(Number.isInteger(perOrigin) && perOrigin > 0))
    throw new TypeError('connections.perOrigin must be a whole number above 0.')
  if (keepAlive !== undefined && !(Number.isInteger(keepAlive) && keepAlive > 0))
    throw new TypeError('connections.keepAlive must be a whole number of milliseconds above 0.')
  return connections
}
