/**
 * When the first JSON Web Token inside a text ends, Unix milliseconds. Read, not verified: it says what the issuer
 * meant, which is all that a forecast needs.
 */
export function jwtExpiry(text: string): number | undefined {
  const token = /eyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]*/.exec(text)
  if (token === null) return undefined
  const seconds = expOf(Buffer.from(token[1] ?? '', 'base64url').toString())
  return seconds === undefined ? undefined : seconds * 1000
}

function expOf(payload: string): number | undefined {
  let claims: unknown
  try {
    claims = JSON.parse(payload)
  } catch {
    return undefined // not a token after all
  }
  if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return undefined
  return typeof claims.exp === 'number' && Number.isFinite(claims.exp) && claims.exp > 0
    ? claims.exp
    : undefined
}
