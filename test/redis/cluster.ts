import { setTimeout as pause } from 'node:timers/promises'
import type { RedisServer } from './server.ts'
import { freePort } from '../site/free-port.ts'
import { startRedis } from './server.ts'

const SLOTS = 16_384
const MASTERS = 3

export interface RedisCluster {
  readonly masters: readonly RedisServer[]
  /** The replica of each master, in the same order. */
  readonly replicas: readonly RedisServer[]
  readonly urls: readonly string[]
  /** Which master, or its replica, has the slot. */
  indexOf(slot: number): number
  /** Makes the replica of a master the master, whether the old one is there or not, and waits until all know it. */
  promote(index: number): Promise<void>
  /** Makes all masters empty. */
  flush(): Promise<void>
  stop(): Promise<void>
}

/** Three masters with a replica each, as `redis-cli --cluster create` makes them, but in a third of its time. */
export async function startCluster(): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: 2 * MASTERS }, startNode))
  const servers = nodes.map(({ server }) => server)
  const [masters, replicas] = [servers.slice(0, MASTERS), servers.slice(MASTERS)]
  await Promise.all(
    servers.map(async (server, index) => {
      await server.ask('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
      if (index >= MASTERS) return
      const [from, to] = [firstSlot(index), firstSlot(index + 1) - 1]
      await server.ask('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to))
    }),
  )
  // Each meets each: gossip would take seconds.
  for (const [index, { server, bus }] of nodes.entries())
    for (const other of servers.slice(index + 1))
      await other.ask('CLUSTER', 'MEET', '127.0.0.1', String(server.port), String(bus))
  await all(servers, async (server) => (await known(server)).length === servers.length)
  await Promise.all(
    replicas.map(async (replica, index) => {
      const master = await masters[index]?.ask('CLUSTER', 'MYID')
      await replica.ask('CLUSTER', 'REPLICATE', String(master))
    }),
  )
  await all(replicas, async (replica) =>
    /master_link_status:up/.test(String(await replica.ask('INFO', 'replication'))),
  )
  await all(servers, async (server) => {
    const lines = await known(server)
    return isFine(await server.ask('CLUSTER', 'INFO')) && lines.filter(isReplica).length === MASTERS
  })
  // From here on nobody is declared dead because the machine is slow: tests that want a failover take it.
  await Promise.all(servers.map((server) => server.ask('CONFIG', 'SET', 'cluster-node-timeout', '60000')))
  return {
    masters,
    replicas,
    urls: servers.map(({ url }) => url),
    indexOf: (slot) => masters.findLastIndex((_, index) => slot >= firstSlot(index)),
    async promote(index) {
      const [old, replica] = [masters[index], replicas[index]]
      await replica?.ask('CLUSTER', 'FAILOVER', 'TAKEOVER')
      const others = servers.filter((server) => server !== old && server.isAlive)
      const owns = new RegExp(`:${String(replica?.port)}@\\S+ \\S*master\\S* \\S+ .* \\d+-\\d+$`)
      await all(others, async (server) => (await known(server)).some((line) => owns.test(line)))
    },
    async flush() {
      await Promise.all(masters.map((master) => master.ask('FLUSHALL')))
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

async function startNode(): Promise<{ server: RedisServer; bus: number }> {
  const bus = await freePort()
  const settings = [
    ...['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--cluster-config-file', 'nodes.conf'],
    // A replica takes over when it is told to, not when its master was slow.
    ...['--cluster-node-timeout', '2000', '--cluster-replica-no-failover', 'yes'],
  ]
  return { server: await startRedis({ settings }), bus }
}

async function known(server: RedisServer): Promise<string[]> {
  return String(await server.ask('CLUSTER', 'NODES'))
    .trim()
    .split('\n')
}

const firstSlot = (index: number): number => Math.floor((index * SLOTS) / MASTERS)
const isReplica = (line: string): boolean => / \S*slave\S* /.test(line)
const isFine = (info: unknown): boolean => /cluster_state:ok/.test(String(info))

/** Waits until all say yes; the test's own deadline ends it. */
async function all(
  servers: readonly RedisServer[],
  isSo: (server: RedisServer) => Promise<boolean>,
): Promise<void> {
  for (;;) {
    const answers = await Promise.all(servers.map(isSo))
    if (answers.every(Boolean)) return
    await pause(20)
  }
}
