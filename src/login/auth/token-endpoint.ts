import type { HttpResponse } from '../../http/client.ts'
import { LoginEnded } from '../explain.ts'
import type { RotateTools } from '../recipe.ts'
import { targetsOf, type AuthOptions } from './auth-recipe.ts'

/** How a client shows itself to its token endpoint. */
export interface OAuthClient {
  readonly tokenUrl: string
  readonly clientId: string
  /**
   * `basic` (default) and `post` show the secret `client_secret` (RFC 6749, 2.3.1); `none` is for public clients, such as
   * command line programs.
   */
  readonly clientAuth?: 'basic' | 'post' | 'none'
  readonly scope?: string
  /** Further fields of the request for a token, such as `audience` or `resource`. */
  readonly parameters?: Readonly<Record<string, string>>
}

export const clientFields = ['tokenUrl', 'clientId', 'clientAuth', 'scope', 'parameters'] as const

/** What a token endpoint has given (RFC 6749, 5.1). */
export interface Tokens {
  readonly access: string
  /** Unix ms; absent when the issuer does not say, and the token does not either. */
  readonly expiresAt: number | undefined
  readonly refresh: string | undefined
  readonly refreshExpiresAt: number | undefined
}

/** What an issuer answers in the place of tokens: one of its own short words (RFC 6749, 5.2; RFC 8628, 3.5). */
export interface Refusal {
  readonly error: string
  readonly status: number
}

type Fields = Readonly<Record<string, unknown>>

/** Asks for tokens. Throws `LoginEnded` (`rejected`) when the issuer says no. */
export async function requestTokens(
  tools: Pick<RotateTools, 'http' | 'secret' | 'signal'>,
  client: OAuthClient,
  form: Readonly<Record<string, string>>,
): Promise<Tokens> {
  const answer = await askForTokens(tools, client, form)
  if (!('error' in answer)) return answer
  throw refused(answer)
}

/** The same, for those who wait for somebody to say yes. */
export async function askForTokens(
  tools: Pick<RotateTools, 'http' | 'secret' | 'signal'>,
  client: OAuthClient,
  form: Readonly<Record<string, string>>,
): Promise<Tokens | Refusal> {
  const response = await postForm(tools, client, client.tokenUrl, { ...form, ...client.parameters })
  const fields = fieldsOf(response)
  return response.ok ? readTokens(fields) : refusalOf(response, fields)
}

/** A POST of the client, with what it shows itself by. */
export async function postForm(
  { http, secret, signal }: Pick<RotateTools, 'http' | 'secret' | 'signal'>,
  { clientId, clientAuth = 'basic' }: OAuthClient,
  url: string,
  form: Readonly<Record<string, string>>,
): Promise<HttpResponse> {
  const shown = clientAuth === 'none' ? '' : await secret('client_secret')
  return http.post(url, {
    headers: {
      Accept: 'application/json',
      ...(clientAuth === 'basic' && { Authorization: basicOf(clientId, shown) }),
    },
    form: {
      ...form,
      ...(clientAuth !== 'basic' && { client_id: clientId }),
      ...(clientAuth === 'post' && { client_secret: shown }),
    },
    throwHttpErrors: false,
    followRedirect: false, // a token endpoint has no reason to send anybody elsewhere
    signal,
  })
}

/** Puts tokens into the session: the access token into a header, the refresh token into safe keeping. */
export function wearTokens(
  { setHeader, keep }: Pick<RotateTools, 'setHeader' | 'keep'>,
  options: AuthOptions,
  { access, expiresAt, refresh, refreshExpiresAt }: Tokens,
): void {
  setHeader('Authorization', access, { prefix: 'Bearer ', origins: targetsOf(options), expiresAt })
  // An issuer that sends no new one means the old one to go on (RFC 6749, 6).
  if (refresh !== undefined) keep(refreshTokenName, refresh, { expiresAt: refreshExpiresAt, outlives: true })
}

export const refreshTokenName = 'refresh_token'

/** One use of the kept refresh token; the one that comes with the answer takes its place. */
export async function refreshTokens(
  tools: RotateTools,
  options: AuthOptions & OAuthClient,
  refresh = tools.kept(refreshTokenName),
): Promise<'issued'> {
  if (refresh === undefined) throw new LoginEnded('rejected', 'there is no refresh token')
  const form = { grant_type: 'refresh_token', refresh_token: refresh }
  wearTokens(tools, options, await requestTokens(tools, options, form))
  return 'issued'
}

/** RFC 6749, 2.3.1: both are form-encoded before they are joined. */
function basicOf(clientId: string, secret: string): string {
  const encoded = [clientId, secret].map((text) => new URLSearchParams([['', text]]).toString().slice(1))
  return `Basic ${Buffer.from(encoded.join(':')).toString('base64')}`
}

export function fieldsOf(response: HttpResponse): Fields {
  try {
    const fields: unknown = JSON.parse(response.text())
    return typeof fields === 'object' && fields !== null ? (fields as Fields) : {}
  } catch {
    return {} // a page of the server's own in the place of an answer: its status says all that there is to say
  }
}

function readTokens(fields: Fields): Tokens {
  const access = fields['access_token']
  const type = fields['token_type']
  if (typeof access !== 'string' || access === '')
    throw new LoginEnded('not-completed', 'the token endpoint has answered without an access token')
  // A token that is bound to a key (DPoP) is no use without a proof for each request.
  if (typeof type === 'string' && type.toLowerCase() !== 'bearer')
    throw new LoginEnded('not-completed', 'the token endpoint gives tokens of another type than Bearer')
  const refresh = fields['refresh_token']
  return {
    access,
    expiresAt: endOf(fields['expires_in']),
    refresh: typeof refresh === 'string' && refresh !== '' ? refresh : undefined,
    // Not in the standard; Keycloak and Azure say one or the other.
    refreshExpiresAt: endOf(fields['refresh_expires_in'] ?? fields['refresh_token_expires_in']),
  }
}

/** Zero is Keycloak's word for a refresh token without end. */
function endOf(seconds: unknown): number | undefined {
  const number = typeof seconds === 'string' ? Number(seconds) : seconds
  if (typeof number !== 'number' || !Number.isFinite(number) || number <= 0) return undefined
  return Date.now() + number * 1_000
}

/** Only words of the standards are repeated: an issuer may write into its answer what it was sent. */
const words = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'access_denied',
  'authorization_pending',
  'slow_down',
  'expired_token',
  'invalid_target',
  'temporarily_unavailable',
  'server_error',
])

function refusalOf({ statusCode }: HttpResponse, fields: Fields): Refusal {
  const error = fields['error']
  return {
    error: typeof error === 'string' && words.has(error) ? error : `status ${String(statusCode)}`,
    status: statusCode,
  }
}

/** What no other try will change is `rejected`; a server in trouble is not. */
export function refused({ error, status }: Refusal): LoginEnded {
  const isNo = (status === 400 || status === 401 || status === 403) && words.has(error)
  const isTrouble = error === 'temporarily_unavailable' || error === 'server_error'
  const failure = (isNo || status === 401) && !isTrouble ? 'rejected' : 'not-completed'
  return new LoginEnded(failure, `the token endpoint has said ${error}`)
}
