import type { KeyObject } from 'node:crypto'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/**
 * JWE compact serialisation (RFC 7516) of the one kind we write: `dir` with `A256GCM`. The cipher is Node's; jose
 * reads what this writes and the other way round (a test holds both against each other), but costs 11 ms more at each
 * cold start and 90 ms against 13 for 5 MB, and reads more than one spelling of the same bytes
 * (docs/decisions/0002-jwe-by-node-crypto.md).
 */
export interface JweParts {
  /** The protected header, decoded and not yet proven. */
  readonly header: Readonly<Record<string, unknown>>
  readonly sealed: SealedParts
}

interface SealedParts {
  readonly protectedText: string
  readonly iv: Buffer
  readonly ciphertext: Buffer
  readonly tag: Buffer
}

const IV_BYTES = 12
const TAG_BYTES = 16
const MAX_HEADER = 4_096

export function encryptCompact(header: object, plaintext: Uint8Array, key: KeyObject): string {
  const protectedText = Buffer.from(JSON.stringify(header)).toString('base64url')
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(protectedText, 'latin1'))
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  const parts = [iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'))
  return [protectedText, '', ...parts].join('.')
}

/** Takes the text apart; `undefined` when it is not a compact JWE of this kind, spelled in the only right way. */
export function splitCompact(text: string): JweParts | undefined {
  const [protectedText, encryptedKey, ...rest] = text.split('.')
  if (protectedText === undefined || encryptedKey !== '' || rest.length !== 3) return undefined
  if (protectedText.length > MAX_HEADER) return undefined
  const [iv, ciphertext, tag] = rest.map(decode)
  const header = parseObject(decode(protectedText)?.toString('utf8'))
  if (header === undefined || ciphertext === undefined) return undefined
  if (iv?.length !== IV_BYTES || tag?.length !== TAG_BYTES) return undefined
  return { header, sealed: { protectedText, iv, ciphertext, tag } }
}

/** `undefined` when the key is another one or any bit of header, nonce, text or tag was changed. */
export function decryptCompact({ sealed }: JweParts, key: KeyObject): Buffer | undefined {
  // without authTagLength Node takes tags of four bytes
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.iv, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(sealed.protectedText, 'latin1'))
  decipher.setAuthTag(sealed.tag)
  const plaintext = decipher.update(sealed.ciphertext)
  try {
    decipher.final()
  } catch {
    return undefined
  }
  return plaintext
}

/** A JSON object, or `undefined`. */
export function parseObject(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return value as Record<string, unknown>
  } catch {
    return undefined // its message would quote the text
  }
}

/** Base64url has spare bits at the end, and Node skips what is not base64url: only the one right spelling counts. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
