import { createHmac, createPrivateKey, randomUUID, sign, type KeyObject } from 'node:crypto'

export interface JwtMaking {
  readonly algorithm: 'HS256' | 'RS256' | 'ES256'
  readonly claims?: Readonly<Record<string, unknown>>
  readonly keyId?: string
  /** ms; default 300,000. */
  readonly lifetime?: number
}

const defaultLifetime = 300_000

/** Makes a token that counts from now on (RFC 7515, 7519). Throws without quoting the key when it is not usable. */
export function signJwt(
  { algorithm, claims, keyId, lifetime = defaultLifetime }: JwtMaking,
  key: string,
): { readonly token: string; readonly expiresAt: number } {
  const iat = Math.floor(Date.now() / 1_000)
  const exp = iat + Math.ceil(lifetime / 1_000)
  const header = { alg: algorithm, typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) }
  const content = `${part(header)}.${part({ iat, jti: randomUUID(), ...claims, exp })}`
  const signature =
    algorithm === 'HS256'
      ? createHmac('sha256', key).update(content).digest('base64url')
      : sign('sha256', Buffer.from(content), {
          key: privateKey(algorithm, key),
          dsaEncoding: 'ieee-p1363',
        }).toString('base64url')
  return { token: `${content}.${signature}`, expiresAt: exp * 1_000 }
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function privateKey(algorithm: 'RS256' | 'ES256', pem: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    throw new TypeError(`The secret "key" is not a private key in PEM, as ${algorithm} needs it`)
  }
  const fits =
    algorithm === 'RS256'
      ? key.asymmetricKeyType === 'rsa'
      : key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
  if (!fits) throw new TypeError(`The secret "key" is a private key of another kind than ${algorithm} needs`)
  return key
}
