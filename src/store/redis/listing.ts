import type { RedisClient, RedisNode } from './client.ts'
import { isCluster, isNode } from './client.ts'
import { inTime } from './deadline.ts'
import { TroubleError } from './failure.ts'

/** Keys per step: a step of 1,000 blocks Redis for about a millisecond. */
const STEP = 1_000

/**
 * The sealed names of all sessions: every master is scanned, each step within the time that `until` gives it. What is
 * there from the beginning to the end is given; what comes or goes meanwhile may be or not.
 */
export async function listNames(
  client: RedisClient,
  pattern: string,
  until: () => number,
): Promise<string[]> {
  if (isNode(client)) return namesOn(client, pattern, until)
  if (!isCluster(client)) return []
  // Who is master is asked anew: after a failover nobody may have sent a command that would have told.
  await inTime(
    new Promise<void>((resolve, reject) => {
      client.refreshSlotsCache((error) => {
        if (error) reject(error)
        else resolve()
      })
    }),
    until(),
  )
  const masters = client.nodes('master')
  if (masters.length === 0) throw new TroubleError('CLUSTERDOWN')
  const names = await Promise.all(masters.map((master) => namesOn(master, pattern, until)))
  return [...new Set(names.flat())]
}

async function namesOn(node: RedisNode, pattern: string, until: () => number): Promise<string[]> {
  const own = node.options.keyPrefix?.length ?? 0 // which ioredis puts before the keys of HGET, but not into SCAN's
  const names = new Map<string, string>()
  let cursor = '0'
  do {
    const scan = node.scan(cursor, 'MATCH', pattern, 'COUNT', STEP)
    const [next, keys] = await inTime(scan, until())
    const fresh = keys.filter((key) => !names.has(key))
    const found = Promise.all(fresh.map((key) => node.hget(key.slice(own), 'name')))
    for (const [index, name] of (await inTime(found, until())).entries())
      if (name !== null && name !== '') names.set(fresh[index] ?? '', name)
    cursor = next
  } while (cursor !== '0')
  return [...names.values()]
}
