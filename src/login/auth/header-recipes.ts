import type { Recipe } from '../recipe.ts'
import { authRecipe, targetsOf, type AuthOptions } from './auth-recipe.ts'
import { queryMark, signatureMark, signingName } from './signed.ts'

/** HTTP Basic (RFC 7617). Secrets: `username`, `password`. */
export function basicAuth(options: AuthOptions): Recipe {
  return authRecipe(options, [], {
    async signIn({ secret, setHeader, reject }) {
      const username = await secret('username')
      if (username.includes(':')) reject('a user name with a colon cannot be told from its password')
      const value = Buffer.from(`${username}:${await secret('password')}`).toString('base64')
      setHeader('Authorization', value, { prefix: 'Basic ', origins: targetsOf(options) })
    },
  })
}

/** A token that somebody else has made: `Authorization: Bearer …` (RFC 6750). Secret: `token`. */
export function bearerAuth(options: AuthOptions): Recipe {
  return authRecipe(options, [], {
    async signIn({ secret, setHeader }) {
      setHeader('Authorization', await secret('token'), { prefix: 'Bearer ', origins: targetsOf(options) })
    },
  })
}

export interface ApiKeyOptions extends AuthOptions {
  /** Header that the key goes into; default `X-API-Key`. */
  readonly header?: string
  /** Text before the key in the header, such as `Token `. */
  readonly prefix?: string
  /** Query parameter that it goes into, in the place of a header. */
  readonly query?: string
}

/** A key in a header or in the query. Secret: `key`. */
export function apiKeyAuth(options: ApiKeyOptions): Recipe {
  const { header, prefix = '', query } = options
  if (header !== undefined && query !== undefined)
    throw new TypeError('apiKeyAuth takes a header or a query parameter, not both')
  return authRecipe(options, ['header', 'prefix', 'query'], {
    async signIn({ secret, setHeader, keep }) {
      const value = await secret('key')
      const origins = targetsOf(options)
      if (query === undefined) {
        setHeader(header ?? 'X-API-Key', value, { prefix, origins })
        return
      }
      const { writeSigning } = await import('./signing.ts')
      keep(signingName, writeSigning({ scheme: 'query', name: query, value, origins }))
      setHeader(queryMark, signatureMark, { origins })
    },
  })
}

/**
 * HTTP Digest (RFC 7616: MD5, SHA-256, SHA-512-256, `auth` and `auth-int`). Its header is another one for each request: the
 * session's own clients make it; `headersFor` cannot. Secrets: `username`, `password`.
 */
export function digestAuth(options: AuthOptions): Recipe {
  return authRecipe(options, [], {
    async signIn({ secret, setHeader, keep }) {
      const { writeSigning } = await import('./signing.ts')
      const [username, password] = [await secret('username'), await secret('password')]
      const origins = targetsOf(options)
      keep(signingName, writeSigning({ scheme: 'digest', username, password, origins }))
      setHeader('Authorization', signatureMark, { origins })
    },
  })
}

export interface OAuth1Options extends AuthOptions {
  /** Default `HMAC-SHA1`. For `RSA-SHA1` the secret `consumer_secret` is a private key as PEM. */
  readonly method?: 'HMAC-SHA1' | 'HMAC-SHA256' | 'RSA-SHA1' | 'PLAINTEXT'
  readonly realm?: string
  /** Without a user: no `token` and `token_secret`. */
  readonly twoLegged?: boolean
}

/**
 * OAuth 1.0a with tokens at hand: every request is signed (RFC 5849) by the session's own clients. Secrets: `consumer_key`,
 * `consumer_secret`, `token`, `token_secret`.
 */
export function oauth1Auth(options: OAuth1Options): Recipe {
  const { method = 'HMAC-SHA1', realm, twoLegged = false } = options
  return authRecipe(options, ['method', 'realm', 'twoLegged'], {
    async signIn({ secret, setHeader, keep }) {
      const { writeSigning } = await import('./signing.ts')
      const origins = targetsOf(options)
      const signing = {
        ...{ scheme: 'oauth1' as const, method, origins },
        consumerKey: await secret('consumer_key'),
        consumerSecret: await secret('consumer_secret'),
        ...(!twoLegged && { token: await secret('token'), tokenSecret: await secret('token_secret') }),
        ...(realm !== undefined && { realm }),
      }
      keep(signingName, writeSigning(signing))
      setHeader('Authorization', signatureMark, { origins })
    },
  })
}

export interface JwtOptions extends AuthOptions {
  readonly algorithm: 'HS256' | 'RS256' | 'ES256'
  /** Besides `iat`, `exp` and `jti`, such as `iss` and `aud`. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** `kid` of the token's header. */
  readonly keyId?: string
  /** How long a token lives, ms; default 300,000. */
  readonly lifetime?: number
}

/**
 * A JSON Web Token that we sign ourselves, as services ask for whose public key they know. A new one is made before the last
 * ends. Secret: `key`, the shared secret or the private key as PEM.
 */
export function jwtAuth(options: JwtOptions): Recipe {
  return authRecipe(options, ['algorithm', 'claims', 'keyId', 'lifetime'], {
    async signIn({ secret, setHeader }) {
      const { signJwt } = await import('./jwt.ts')
      const { token, expiresAt } = signJwt(options, await secret('key'))
      setHeader('Authorization', token, { prefix: 'Bearer ', origins: targetsOf(options), expiresAt })
    },
  })
}
