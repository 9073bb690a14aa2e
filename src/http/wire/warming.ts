import { sumOf, type Transport } from './wire.ts'

/**
 * Starts on a client that is there at once and goes over to one that is better for many requests, when there are many.
 * got-scraping takes 150 ms to load, undici's parser as much CPU to compile; a process that asks for one page and ends,
 * as a command in a shell script does, would pay that for nothing (docs/decisions/0003-clients-warm-up.md).
 * Both send the same lines.
 */
export function createWarmingTransport(
  cold: Transport,
  load: () => Promise<Transport>,
  after = 3,
): Transport {
  let sent = 0
  let loading: Promise<Transport | undefined> | undefined
  let warm: Transport | undefined
  let closed = false
  const start = async (): Promise<Transport | undefined> => {
    try {
      const loaded = await load()
      if (closed) await loaded.close()
      else warm = loaded
      return warm
    } catch {
      return undefined // it cannot be loaded; then the first client goes on
    }
  }
  return {
    send(request, cancellation) {
      if (warm !== undefined) return warm.send(request, cancellation)
      if (++sent === after) loading = start()
      return cold.send(request, cancellation)
    },
    // got stands on the connections of the client before it, which counts them; undici has its own.
    connections: () => sumOf(cold.connections?.(), warm?.connections?.()),
    async close() {
      closed = true
      await Promise.all([cold.close(), warm?.close(), loading])
    },
  }
}
