import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below those that systems give to whoever names none (32768 on Linux): a connection of somebody else cannot take the port of
 * a server that is down for a moment. Processes begin at places of their own.
 */
const [lowest, count] = [10_000, 22_000]
let tried = (process.pid * 997) % count

/** A port of loopback that is free now, for programs that want to be told one. No two calls give the same. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + tried
    tried = (tried + 1) % count
    const server = createServer()
    server.listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
