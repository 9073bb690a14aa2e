import type { Place, RedisClient, RedisNode } from './client.ts'
import { isCluster, isNode } from './client.ts'
import { inTime, pause } from './deadline.ts'
import { isFinal, TroubleError, wordOf } from './failure.ts'
import { boundsOf, buildClient, release } from './own-client.ts'

/** Between two attempts to connect while a call waits for one. */
const ATTEMPT_MS = 100
/** Between two looks at a client that connects by itself. */
const LOOK_MS = 5

/**
 * The client with which the store talks to Redis: passed in, then only used; or our own, then made at first use, connected
 * when a call needs it, and ended by `close`.
 */
export class Connection {
  readonly #place: Place
  readonly #timeout: number
  #own: Promise<RedisClient> | undefined
  #client: RedisClient | undefined
  #connecting: Promise<void> | undefined
  /** The last failure of our own client; the commands themselves are only told that the connection is closed. */
  #trouble: unknown

  constructor(place: Place, timeout: number) {
    this.#place = place
    this.#timeout = timeout
    if ('client' in place) this.#client = place.client
  }

  get keyPrefix(): string {
    return 'client' in this.#place ? (this.#place.client.options.keyPrefix ?? '') : ''
  }

  /** Connected, at a time on the monotonic clock; else throws what is in the way. */
  async client(until: number): Promise<RedisClient> {
    if (this.#client?.status === 'ready') return this.#client
    return 'client' in this.#place ? settled(this.#place.client, until) : this.#connected(until)
  }

  /** A new connection of our own for a subscriber: to the same Redis, or to any node of the Cluster. Not connected yet. */
  async another(until: number): Promise<RedisNode> {
    const client = await this.made()
    const model = isNode(client) ? client : oneOf(await this.client(until))
    const node = model.duplicate({
      ...boundsOf(this.#timeout),
      retryStrategy: null,
      sentinelRetryStrategy: null,
      enableOfflineQueue: true,
      keyPrefix: '',
      monitor: false,
      readOnly: false,
    })
    node.on('error', () => undefined)
    release(node)
    return node
  }

  close(): void {
    if (!('client' in this.#place)) this.#client?.disconnect()
  }

  async #connected(until: number): Promise<RedisClient> {
    const client = await this.made()
    for (;;) {
      let word = 'cut' // when it was connected and is no longer
      try {
        this.#connecting ??= client.connect().finally(() => {
          this.#connecting = undefined
        })
        await inTime(this.#connecting, until)
      } catch (error) {
        word = wordOf(this.#trouble ?? error)
      }
      if (client.status === 'ready') return client
      if (isFinal(word) || performance.now() + ATTEMPT_MS >= until) throw new TroubleError(word)
      await pause(ATTEMPT_MS)
    }
  }

  /** Loads ioredis where the client is our own: that is not the time of Redis. */
  made(): Promise<RedisClient> {
    if ('client' in this.#place) return Promise.resolve(this.#place.client)
    this.#own ??= buildClient(this.#place.urls, this.#place.cluster, this.#timeout, (error) => {
      this.#trouble = error
    }).then((client) => {
      this.#client = client
      client.on('ready', () => {
        this.#trouble = undefined
      })
      return client
    })
    return this.#own
  }
}

/** A client that was passed in connects by itself; it is looked at, so that it keeps its listeners to itself. */
async function settled(client: RedisClient, until: number): Promise<RedisClient> {
  if (client.status === 'wait') client.connect().catch(() => undefined)
  while (client.status !== 'ready') {
    if (client.status === 'end') throw new TroubleError('ended')
    if (performance.now() >= until) throw new TroubleError('not-connected')
    await pause(LOOK_MS)
  }
  return client
}

function oneOf(client: RedisClient): RedisNode {
  const nodes = isCluster(client) ? client.nodes() : []
  const node = nodes[Math.floor(Math.random() * nodes.length)]
  if (node === undefined) throw new TroubleError('not-connected')
  return node
}
