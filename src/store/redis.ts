import { ClosedError } from '../errors.ts'
import type { Generation, Lease, Store, StoredBytes, WriteOptions } from './contract.ts'
import type { Place, RedisClient } from './redis/client.ts'
import type { Shelf } from './redis/shelf.ts'
import { checkName, checkTtl } from './session-name.ts'

const PREFIX = 'sessionbridge:'
const TIMEOUT_MS = 2_000

export interface RedisStoreOptions {
  /** What every key and channel begins with; no braces. Default `sessionbridge:`. */
  readonly prefix?: string
  /** Milliseconds after which a call fails that has got no answer. Default 2,000. */
  readonly timeout?: number
}

/**
 * Keeps sessions in Redis (7.0 is what the tests run), single, behind Sentinel, or a Cluster; for many processes on
 * many machines. Takes a client of ioredis, which stays yours, or the URL of a Redis (`redis://`, `rediss://`), or the
 * URLs of some nodes of a Cluster as an array; then the connections are made at first use and end with `close`.
 *
 * Nothing in Redis is readable: the bytes come sealed, keys hold digests of names, `list` gives the sealed names that
 * the writers handed over. A session leaves Redis by itself an hour after its `expiresAt`.
 *
 * A write is acknowledged when the Redis that got it says so; what a crash or a failover may lose then is said in
 * docs/redis.md.
 *
 * Throws `TypeError` for a URL or prefix that is none. Every call ends within `timeout`, else with `StoreFailedError`,
 * also over a client whose own settings would wait without end; the call may then have been done or not.
 */
export function redisStore(
  redis: RedisClient | string | readonly string[],
  options: RedisStoreOptions = {},
): Store {
  const { prefix = PREFIX, timeout = TIMEOUT_MS } = options
  if (typeof prefix !== 'string' || /[{}]/.test(prefix))
    throw new TypeError('The prefix of a redisStore() is a text without braces: they would choose the slot')
  if (!Number.isFinite(timeout) || timeout <= 0)
    throw new TypeError('The timeout of a redisStore() is in milliseconds, above 0')
  return new RedisStore(placeOf(redis), prefix, timeout)
}

/** The rest is loaded at first use: who keeps sessions in files never reads it. */
class RedisStore implements Store {
  readonly #place: Place
  readonly #prefix: string
  readonly #timeout: number
  #opened: Promise<Shelf> | undefined
  #closed = false

  constructor(place: Place, prefix: string, timeout: number) {
    this.#place = place
    this.#prefix = prefix
    this.#timeout = timeout
  }

  async read(name: string, version?: string): Promise<StoredBytes | undefined> {
    return (await this.#shelf(name)).read(name, version)
  }

  async history(name: string): Promise<readonly Generation[]> {
    return (await this.#shelf(name)).history(name)
  }

  async forget(name: string, versions: readonly string[]): Promise<void> {
    return (await this.#shelf(name)).forget(name, versions)
  }

  async write(name: string, bytes: Uint8Array, options: WriteOptions): Promise<string> {
    const mine = Buffer.from(bytes) // a copy: it is sent after the caller goes on
    return (await this.#shelf(name)).write(name, mine, options)
  }

  async remove(name: string): Promise<void> {
    return (await this.#shelf(name)).remove(name)
  }

  async list(): Promise<string[]> {
    return (await this.#shelf()).list()
  }

  async lease(name: string, ttl: number): Promise<Lease | undefined> {
    checkTtl(ttl)
    return (await this.#shelf(name)).lease(name, ttl)
  }

  watch(name: string, listener: () => void): () => void {
    const since = performance.now()
    let stopped = false
    let stop = (): void => undefined
    if (this.#closed) throw new ClosedError('The store')
    checkName(name)
    void this.#shelf().then(
      (shelf) => {
        if (!stopped) stop = shelf.watch(name, listener, since)
      },
      () => undefined, // closed meanwhile, or not loadable, which every call says
    )
    return () => {
      stopped = true
      stop()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#opened !== undefined) (await this.#opened).close()
  }

  async #shelf(name?: string): Promise<Shelf> {
    if (this.#closed) throw new ClosedError('The store')
    if (name !== undefined) checkName(name)
    this.#opened ??= import('./redis/shelf.ts').then(({ openShelf }) =>
      openShelf(this.#place, this.#prefix, this.#timeout),
    )
    return this.#opened
  }
}

/** Throws `TypeError` for what is no Redis. */
export function placeOf(redis: RedisClient | string | readonly string[]): Place {
  if (typeof redis === 'string') return { urls: [urlOf(redis)], cluster: false }
  if (isList(redis)) {
    if (redis.length === 0) throw new TypeError('redisStore() needs at least one URL')
    return { urls: redis.map(urlOf), cluster: true }
  }
  if (typeof redis !== 'object' || !('evalshaBuffer' in redis) || typeof redis.connect !== 'function')
    throw new TypeError(
      'redisStore() needs a client of ioredis, a redis:// URL, or an array of them for a Cluster',
    )
  if (/[{}]/.test(redis.options.keyPrefix ?? ''))
    throw new TypeError(
      'The keyPrefix of the Redis client holds a brace: it would choose the slot of every session',
    )
  return { client: redis }
}

const isList = (redis: unknown): redis is readonly string[] => Array.isArray(redis)

/** Does not repeat the text: it may hold a password. */
function urlOf(text: string): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'redis:' && url?.protocol !== 'rediss:')
    throw new TypeError('A Redis is given as redis://host:port or rediss://host:port')
  if (url.search !== '' || !/^\/?\d*$/.test(url.pathname))
    throw new TypeError('After host and port a Redis URL may only have the number of the database, as /2')
  return url
}
