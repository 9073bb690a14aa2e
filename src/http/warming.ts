import type { Transport } from './wire.ts'

/**
 * Starts on a client that is there at once and goes over to one that is better for many requests, when there are many.
 * got-scraping takes 150 ms to load, undici's parser as much CPU to compile; a process that asks for one page and ends,
 * as a command in a shell script does, would pay that for nothing (docs/decisions/0003-clients-warm-up.md).
 * Both send the same lines.
 */
export function createWarmingTransport(cold: Transport, warm: Transport, after = 3): Transport {
  let sent = 0
  let ready = false
  return {
    send(request, cancellation) {
      if (ready) return warm.send(request, cancellation)
      if (++sent === after) {
        void Promise.resolve(warm.prepare?.()).then(
          () => (ready = true),
          () => undefined, // it cannot be loaded; then the first client goes on
        )
      }
      return cold.send(request, cancellation)
    },
    async close() {
      await Promise.all([cold.close(), warm.close()])
    },
  }
}
