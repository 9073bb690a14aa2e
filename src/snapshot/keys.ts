import type { KeyObject } from 'node:crypto'
import { createHash, createSecretKey, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { KeyInvalidError } from '../errors.ts'

const PREFIX = 'sbk1_'
const KEY_BYTES = 32
/** 32 bytes in base64url are 43 characters. */
const KEY_TEXT = /^sbk1_([A-Za-z0-9_-]{43})$/

/** A fresh key: 256 random bits in base64url behind a prefix that secret scanners and people recognise. */
export function generateKey(): string {
  return PREFIX + randomBytes(KEY_BYTES).toString('base64url')
}

/** The keys of a vault: the first seals, all open. Printed, logged or serialised it shows the keys' ids only. */
export class SealingKeys {
  /** In the order given. An id is a digest: it names the key and does not reveal it. */
  readonly ids: readonly string[]
  readonly #keys: ReadonlyMap<string, KeyObject>
  readonly #first: readonly [id: string, key: KeyObject]

  constructor(keys: readonly [KeyObject, ...KeyObject[]]) {
    this.#keys = new Map(keys.map((key) => [idOf(key), key]))
    this.ids = [...this.#keys.keys()]
    this.#first = [idOf(keys[0]), keys[0]]
  }

  /** The key that seals. */
  get sealing(): readonly [id: string, key: KeyObject] {
    return this.#first
  }

  byId(id: string): KeyObject | undefined {
    return this.#keys.get(id)
  }

  toJSON(): object {
    return { ids: this.ids }
  }

  [inspect.custom](): string {
    return `SealingKeys(${this.ids.join(', ')})`
  }
}

/**
 * Takes keys of `generateKey`: one, several separated by commas or white space (as in an environment variable while a
 * key is being replaced), or a list. Throws `KeyInvalidError`, which does not repeat the text.
 */
export function parseKeys(key: string | readonly string[]): SealingKeys {
  const texts = (typeof key === 'string' ? [key] : key)
    .flatMap((text) => text.split(/[\s,]+/))
    .filter(Boolean)
  const keys = texts.map((text, index) =>
    parseKey(text, texts.length === 1 ? 'it' : `key ${String(index + 1)}`),
  )
  const [first, ...rest] = keys
  if (first === undefined) throw new KeyInvalidError('it is empty')
  return new SealingKeys([first, ...rest])
}

function parseKey(text: string, which: string): KeyObject {
  const encoded = KEY_TEXT.exec(text)?.[1]
  if (encoded === undefined) throw new KeyInvalidError(`${which} ${faultOf(text)}`)
  const bytes = Buffer.from(encoded, 'base64url')
  // the last character holds four bits only: another spelling of the same key is a typing error
  if (bytes.toString('base64url') !== encoded) throw new KeyInvalidError(`${which} is misspelled at its end`)
  return createSecretKey(bytes)
}

function faultOf(text: string): string {
  if (!text.startsWith(PREFIX)) return `does not begin with ${PREFIX}`
  const expected = PREFIX.length + 43
  if (text.length !== expected) return `has ${String(text.length)} characters instead of ${String(expected)}`
  return 'holds characters that are not base64url'
}

function idOf(key: KeyObject): string {
  return createHash('sha256')
    .update('sessionbridge key id\0')
    .update(key.export())
    .digest('base64url')
    .slice(0, 11)
}
