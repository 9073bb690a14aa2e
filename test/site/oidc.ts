import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import Provider from 'oidc-provider'
import { oidcApi, type OidcApi } from './oidc-api.ts'
import { oidcPage } from './oidc-page.ts'
import { createOidcRecords } from './oidc-records.ts'
import type { Shop } from './shop.ts'

/** Where oidc-client-ts keeps its user, by host of the application. */
const apps = {
  'app.test': { storage: 'sessionStorage', dpop: false },
  'kept.test': { storage: 'localStorage', dpop: false },
  // Its access tokens live for half a minute, so that its page renews them every second (a minute ahead of their end).
  'busy.test': { storage: 'localStorage', dpop: false },
  'bound.test': { storage: 'sessionStorage', dpop: true },
  'bound-kept.test': { storage: 'localStorage', dpop: true },
} as const

export type OidcHost = keyof typeof apps

/** OpenID Connect as it is met outside: a provider, single-page applications and an API, each on a site of its own. */
export interface OidcSite {
  readonly issuer: string
  readonly tokenUrl: string
  readonly revocationUrl: string
  appUrl(host: OidcHost): string
  apiUrl(path: string): string
  readonly api: OidcApi
  readonly counters: {
    /** Sign-ins that came back with a code. */
    codes: number
    /** Refresh tokens that were taken. */
    refreshes: number
    /** Grants that ended, be it that a refresh token was shown twice. */
    revoked: number
  }
  /** Every access token ends now, as if its time had come; the applications' clocks do not know. */
  expireAccessTokens(): void
  /** No token is known any more, and no refresh token either. */
  forgetTokens(): void
  /** The next refresh of any application. */
  nextRefresh(): Promise<void>
}

export async function startOidc(shop: Shop): Promise<OidcSite> {
  const issuer = shop.url('idp.test', '')
  const records = createOidcRecords()
  const counters = { codes: 0, refreshes: 0, revoked: 0 }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const provider = new Provider(issuer, {
    adapter: records.adapter,
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'one' }] },
    cookies: { keys: [randomBytes(24).toString('base64url')] },
    clients: Object.keys(apps).map((host) => ({
      client_id: host,
      redirect_uris: [shop.url(host, '/')],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'ES256',
    })),
    features: { dPoP: { enabled: true }, revocation: { enabled: true } },
    findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    clientBasedCORS: () => true,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: (_: unknown, __: unknown, client: { clientId: string }) =>
        client.clientId === 'busy.test' ? 30 : 3600,
      RefreshToken: 86_400,
      Grant: 86_400,
      Session: 86_400,
      Interaction: 600,
      IdToken: 600,
    },
  })
  provider.on('grant.success', (context: { oidc: { params: { grant_type: string } } }) => {
    if (context.oidc.params.grant_type === 'refresh_token') counters.refreshes += 1
    else counters.codes += 1
  })
  provider.on('grant.revoked', () => {
    counters.revoked += 1
  })
  const answer = provider.callback()
  shop.on('idp.test', '*', (req, res) => answer(req, res))

  const api = oidcApi(shop.url('api.test', ''), (token) => provider.AccessToken.find(token))
  shop.on('api.test', '*', (req, res) => api.handle(req, res))

  const library = await browserLibrary()
  for (const [host, kind] of Object.entries(apps)) {
    const page = oidcPage({ issuer, clientId: host, apiUrl: shop.url('api.test', ''), ...kind })
    shop.on(host, '/', (_, res) => void res.writeHead(200, { 'content-type': 'text/html' }).end(page))
    shop.on(host, '/oidc-client-ts.js', (_, res) => {
      res.writeHead(200, { 'content-type': 'text/javascript', 'cache-control': 'max-age=600' }).end(library)
    })
  }
  return {
    issuer,
    tokenUrl: `${issuer}/token`,
    revocationUrl: `${issuer}/token/revocation`,
    appUrl: (host) => shop.url(host, '/'),
    apiUrl: (path) => shop.url('api.test', path),
    api,
    counters,
    expireAccessTokens: () => {
      records.expireAccessTokens()
    },
    nextRefresh: () =>
      new Promise((resolve) => {
        provider.once('grant.success', () => {
          resolve()
        })
      }),
    forgetTokens: () => {
      records.forgetTokens()
    },
  }
}

async function browserLibrary(): Promise<Buffer> {
  const entry = createRequire(import.meta.url).resolve('oidc-client-ts')
  return readFile(join(dirname(entry), '../browser/oidc-client-ts.min.js'))
}
