import type { Page } from 'playwright'
import type { LoginTools, Recipe } from '../recipe.ts'
import { authRecipe, type AuthOptions } from './auth-recipe.ts'
import type { DevicePrompt } from './device-code.ts'
import { clientFields, type OAuthClient } from './token-endpoint.ts'

export interface ClientCredentialsOptions extends AuthOptions, OAuthClient {}

/**
 * OAuth 2 client credentials (RFC 6749, 4.4): a token for a program, asked for again before it ends. Secret:
 * `client_secret`.
 */
export function clientCredentialsAuth(options: ClientCredentialsOptions): Recipe {
  const { scope, tokenUrl } = options
  return authRecipe(options, clientFields, {
    places: [tokenUrl],
    async signIn(tools) {
      const { requestTokens, wearTokens } = await import('./token-endpoint.ts')
      const form = { grant_type: 'client_credentials', ...(scope !== undefined && { scope }) }
      const { access, expiresAt } = await requestTokens(tools, options, form)
      // Asking with the secret is as good as a refresh token (RFC 6749, 4.4.3), and is one thing less to lose.
      wearTokens(tools, options, { access, expiresAt, refresh: undefined, refreshExpiresAt: undefined })
    },
  })
}

/**
 * Goes on from a refresh token that you have (RFC 6749, 6). Issuers that give a new one with each use are followed: the
 * newest is kept in the session, and used once by all processes together. Secrets: `refresh_token`, `client_secret`.
 */
export function refreshTokenAuth(options: AuthOptions & OAuthClient): Recipe {
  return authRecipe(options, clientFields, {
    places: [options.tokenUrl],
    async signIn(tools) {
      const { refreshTokens } = await import('./token-endpoint.ts')
      const first = await tools.secret('refresh_token')
      // Kept also when the answer brings no other: it then goes on to count.
      tools.keep('refresh_token', first, { outlives: true })
      await refreshTokens(tools, options, first)
    },
    rotate: (tools) => rotateTokens(tools, options),
  })
}

export interface DeviceCodeOptions extends AuthOptions, OAuthClient {
  readonly deviceUrl: string
  /** Shows a person where to go and what to type; resolves when that is shown. */
  readonly prompt: (prompt: DevicePrompt) => void | Promise<void>
}

/**
 * OAuth 2 device code (RFC 8628): a person says yes in a browser elsewhere; renewed by refresh token from then on. `timeout`
 * is the time that the person has, default 600,000 ms. Secret: `client_secret`, unless `clientAuth` is `none`.
 */
export function deviceCodeAuth(options: DeviceCodeOptions): Recipe {
  const own = [...clientFields, 'deviceUrl', 'prompt'] as const
  return authRecipe({ timeout: 600_000, ...options }, own, {
    places: [options.tokenUrl, options.deviceUrl],
    async signIn(tools) {
      const [{ awaitDevice }, { wearTokens }] = await Promise.all([
        import('./device-code.ts'),
        import('./token-endpoint.ts'),
      ])
      wearTokens(tools, options, await awaitDevice(tools, options))
    },
    rotate: (tools) => rotateTokens(tools, options),
  })
}

export interface AuthorizationCodeOptions extends AuthOptions, OAuthClient {
  readonly authorizeUrl: string
  /** As registered. Nothing has to listen there: the answer is read from the browser on its way. */
  readonly redirectUri: string
  /** Signs in on the issuer's pages, as `login` of other recipes does. */
  readonly login: (page: Page, tools: LoginTools) => Promise<void>
}

/**
 * OAuth 2 authorization code with PKCE (RFC 7636, S256) through the browser; renewed by refresh token from then on. The
 * issuer's cookies are kept, too. Secret: `client_secret`, unless `clientAuth` is `none`; and what `login` asks for.
 */
export function authorizationCodeAuth(options: AuthorizationCodeOptions): Recipe {
  const own = [...clientFields, 'authorizeUrl', 'redirectUri', 'login'] as const
  return authRecipe(options, own, {
    places: [options.tokenUrl, options.authorizeUrl],
    async signIn(tools) {
      const [{ authorize }, { wearTokens }] = await Promise.all([
        import('./authorization-code.ts'),
        import('./token-endpoint.ts'),
      ])
      wearTokens(tools, options, await authorize(tools, options))
    },
    rotate: (tools) => rotateTokens(tools, options),
  })
}

const rotateTokens: (
  tools: Parameters<Exclude<NonNullable<Recipe['rotate']>, string>>[0],
  options: AuthOptions & OAuthClient,
) => Promise<'issued'> = async (tools, options) =>
  (await import('./token-endpoint.ts')).refreshTokens(tools, options)
