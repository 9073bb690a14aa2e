import { digestOf } from '../session-name.ts'

/** Keys and channel of one session. All have the digest as hash tag, so that scripts find them in one slot. */
export interface SessionKeys {
  /** Hash: `newest` version, `g:<version>` bytes, `index`, sealed `name`, time `at` of the last change. */
  readonly session: string
  /** The token of the holder; ends with the lease. */
  readonly lease: string
  /** The last fence. */
  readonly fence: string
  readonly channel: string
}

/**
 * Spells the keys of names. ioredis puts the client's `keyPrefix` before the keys of commands that it knows, but not
 * before channels and not into the pattern of SCAN; there it is put here.
 */
export class Keys {
  readonly #keyPrefix: string
  readonly #prefix: string

  constructor(keyPrefix: string, prefix: string) {
    this.#keyPrefix = keyPrefix
    this.#prefix = prefix
  }

  of(name: string): SessionKeys {
    const start = `${this.#prefix}{${digestOf(name)}}`
    return {
      session: `${start}:session`,
      lease: `${start}:lease`,
      fence: `${start}:fence`,
      channel: `${this.#keyPrefix}${start}`,
    }
  }

  /** The channel by which a subscriber tells that it still hears. */
  pulse(id: string): string {
    return `${this.#keyPrefix}${this.#prefix}pulse:${id}`
  }

  /** For SCAN MATCH: the hashes of all sessions. */
  pattern(): string {
    return `${(this.#keyPrefix + this.#prefix).replaceAll(/[*?[\]\\]/g, '\\$&')}{*}:session`
  }
}
