import { ClosedError } from '../errors.ts'
import type { KeptLetter, Letters, SealedLetter } from './letters/contract.ts'
import { placeOf } from './redis.ts'
import type { RedisClient } from './redis/client.ts'

export interface JsonlLettersOptions {
  /** Bytes of the file after which no letter is taken any more; default 64 MiB. */
  readonly maxBytes?: number
}

export interface RedisLettersOptions {
  /** Key of the stream; default `sessionbridge:letters`. */
  readonly stream?: string
  /** Letters after which none is taken any more; default 100,000. */
  readonly limit?: number
  /** Milliseconds after which a call fails that has got no answer; default 2,000. */
  readonly timeout?: number
}

/**
 * Dead letters in a file of one JSON object a line, mode 0600: the time, the session, the address without its query, the error's
 * code; the whole address is sealed with the vault's key. Any number of processes may add to it.
 */
export function jsonlLetters(
  path: string,
  { maxBytes = 64 * 1024 * 1024 }: JsonlLettersOptions = {},
): Letters {
  if (typeof path !== 'string' || path === '') throw new TypeError('jsonlLetters() needs the path of a file')
  if (!(maxBytes > 0)) throw new TypeError('The maxBytes of jsonlLetters() is a number above 0')
  return new LateLetters(async () => {
    const { JsonlLetters } = await import('./letters/jsonl.ts')
    return new JsonlLetters(path, maxBytes)
  })
}

/** Dead letters in a stream of Redis, all sealed. Takes what `redisStore` takes; a client that is passed in stays yours. */
export function redisLetters(
  redis: RedisClient | string | readonly string[],
  options: RedisLettersOptions = {},
): Letters {
  const { stream = 'sessionbridge:letters', limit = 100_000, timeout = 2_000 } = options
  if (typeof stream !== 'string' || stream === '')
    throw new TypeError('The stream of redisLetters() is the name of a key')
  if (!(limit > 0) || !(timeout > 0))
    throw new TypeError('limit and timeout of redisLetters() are numbers above 0')
  const place = placeOf(redis)
  return new LateLetters(async () => {
    const { RedisLetters } = await import('./letters/redis.ts')
    return new RedisLetters(place, { stream, limit, timeout })
  })
}

/** Loaded with the first letter: most runs have none. */
class LateLetters implements Letters {
  readonly #open: () => Promise<Letters>
  #opened: Promise<Letters> | undefined
  #closed = false

  constructor(open: () => Promise<Letters>) {
    this.#open = open
  }

  async add(letters: readonly SealedLetter[]): Promise<void> {
    return (await this.#letters()).add(letters)
  }

  async read(): ReturnType<Letters['read']> {
    return (await this.#letters()).read()
  }

  async settle(letter: KeptLetter, again?: SealedLetter): Promise<void> {
    return (await this.#letters()).settle(letter, again)
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#opened !== undefined) await (await this.#opened).close()
  }

  #letters(): Promise<Letters> {
    if (this.#closed) throw new ClosedError('The shelf of dead letters')
    return (this.#opened ??= this.#open())
  }
}
