import type { RedisClient, RedisNode } from './client.ts'

/** Between the attempts to reach a node that did not let us in. */
const RETRY_MS = 100

/**
 * Builds a client that is not connected yet, reports to `trouble`, waits for nothing longer than `timeout`, and does
 * nothing by itself: the connection is made when it is needed, because ioredis's own attempts would never end, would
 * send commands that had been given up, and would keep an idle process alive.
 */
export async function buildClient(
  urls: readonly URL[],
  cluster: boolean,
  timeout: number,
  trouble: (error: unknown) => void,
): Promise<RedisClient> {
  const { Cluster, Redis } = await import('ioredis')
  const [first] = urls
  if (first === undefined) throw new TypeError('no URL')
  const bounds = boundsOf(timeout)
  if (!cluster) {
    const client = new Redis({
      ...bounds,
      ...addressOf(first),
      ...accessOf(first),
      retryStrategy: () => null,
    })
    client.on('error', trouble)
    release(client)
    return client
  }
  const client = new Cluster(urls.map(addressOf), {
    redisOptions: { ...bounds, ...accessOf(first) },
    lazyConnect: true,
    enableReadyCheck: false,
    clusterRetryStrategy: () => null,
    slotsRefreshTimeout: Math.max(1, timeout / 2),
    retryDelayOnFailover: RETRY_MS,
    retryDelayOnClusterDown: RETRY_MS,
    retryDelayOnTryAgain: RETRY_MS,
    // The names stay names: certificates are made out to them.
    dnsLookup: (host, callback) => {
      callback(null, host)
    },
  })
  client.on('error', trouble)
  client.on('node error', trouble)
  client.on('+node', (node: RedisNode) => {
    release(node)
  })
  return client
}

/**
 * What every connection of ours has in common. Without ready check LOADING is an answer instead of a silence, and a user
 * without the right to INFO gets no warning printed.
 */
export function boundsOf(timeout: number): object {
  return {
    lazyConnect: true,
    enableReadyCheck: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    connectionName: 'sessionbridge',
    connectTimeout: timeout,
    socketTimeout: timeout, // for answers that are due
    disconnectTimeout: RETRY_MS,
    // The greeting of version 3 says NOAUTH; without it Redis cuts the connection at a command of more than ten words.
    protocol: 3,
  }
}

/** Its socket keeps no process alive. */
export function release(node: RedisNode): void {
  node.on('connect', () => {
    node.stream?.unref?.()
  })
}

function addressOf(url: URL): { host: string; port: number } {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return { host: host === '' ? 'localhost' : host, port: url.port === '' ? 6379 : Number(url.port) }
}

function accessOf(url: URL): object {
  const database = Number(url.pathname.slice(1))
  return {
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(database === 0 ? {} : { db: database }),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  }
}
