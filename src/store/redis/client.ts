type Argument = string | Buffer | number

/**
 * A `Redis` or a `Cluster` of ioredis: the part that is used, so that a client of another version will do, too, as long
 * as it has that.
 */
export interface RedisClient {
  readonly status: string
  readonly isCluster: boolean
  readonly options: object & { readonly keyPrefix?: string | undefined }
  publish(channel: string, message: string): Promise<unknown>
  connect(): Promise<void>
  disconnect(): void
  on(event: string, listener: (...args: unknown[]) => void): unknown
  once(event: string, listener: (...args: unknown[]) => void): unknown
}

/** The part that only a `Redis` has, and the nodes of a `Cluster`. */
export interface RedisNode extends RedisClient {
  readonly stream?: { unref?(): unknown }
  duplicate(override?: object): RedisNode
  hget(key: string, field: string): Promise<string | null>
  scan(
    cursor: string,
    match: 'MATCH',
    pattern: string,
    count: 'COUNT',
    step: number,
  ): Promise<[cursor: string, keys: string[]]>
  subscribe(...channels: string[]): Promise<unknown>
  unsubscribe(...channels: string[]): Promise<unknown>
}

/** The part that only a `Cluster` has. */
export interface RedisCluster extends RedisClient {
  nodes(role?: 'all' | 'master'): RedisNode[]
  refreshSlotsCache(callback?: (error?: Error | null) => void): void
}

/** Where the sessions lie: a client that somebody else made, or addresses for one of our own. */
export type Place =
  { readonly client: RedisClient } | { readonly urls: readonly URL[]; readonly cluster: boolean }

/** Every client has these, but the typings of ioredis 6 leave them out. Its `callBuffer` fails under auto-pipelining. */
interface Scripting {
  evalshaBuffer(sha: string, keys: number, ...keysAndArgs: Argument[]): Promise<unknown>
  evalBuffer(text: string, keys: number, ...keysAndArgs: Argument[]): Promise<unknown>
}

export function canScript(client: object): client is Scripting {
  return 'evalshaBuffer' in client && 'evalBuffer' in client
}

export function isCluster(client: RedisClient): client is RedisCluster {
  return client.isCluster
}

export function isNode(client: RedisClient): client is RedisNode {
  return !client.isCluster
}
