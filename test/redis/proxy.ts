import type { AddressInfo, Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { freePort } from '../site/free-port.ts'

/** A wire between a store and a Redis, in which things go wrong. */
export interface Proxy {
  readonly port: number
  readonly url: string
  /** Which bytes are swallowed from now on, on old and new connections; nobody is told. */
  lose: 'nothing' | 'requests' | 'answers' | 'both'
  /** Milliseconds that every piece of an answer is late. */
  delay: number
  /** Resets the connections of which the client has said something that matches, or all. */
  cut(said?: RegExp): void
  /** From now on the connections of which the client has said something that matches carry nothing; nobody is told. */
  silence(said: RegExp): void
  /** Pieces of answers that such connections did not carry. */
  readonly silenced: number
  /** Resets all connections and refuses new ones, until `accept`. */
  refuse(): Promise<void>
  accept(): Promise<void>
  close(): Promise<void>
}

interface Wire {
  readonly client: Socket
  readonly redis: Socket
  said: string
  silent: boolean
}

export async function startProxy(target: number): Promise<Proxy> {
  const wires = new Set<Wire>()
  let silenced = 0
  const server = createServer((client) => {
    const redis = connect(target, '127.0.0.1')
    const wire: Wire = { client, redis, said: '', silent: false }
    wires.add(wire)
    client.on('data', (bytes) => {
      wire.said = (wire.said + bytes.toString('latin1')).slice(-10_000)
      if (wire.silent) return
      if (proxy.lose === 'nothing' || proxy.lose === 'answers') redis.write(bytes)
    })
    redis.on('data', (bytes) => {
      if (wire.silent) silenced += 1
      if (wire.silent) return
      if (proxy.lose === 'requests' || proxy.lose === 'nothing') later(proxy.delay, () => client.write(bytes))
    })
    for (const [from, to] of [
      [client, redis],
      [redis, client],
    ] as const) {
      from.on('error', () => undefined)
      from.on('close', () => {
        wires.delete(wire)
        to.destroy()
      })
    }
  })
  await listen(server, await freePort()) // it refuses and accepts again on the same
  const { port } = server.address() as AddressInfo

  const proxy: Proxy = {
    port,
    url: `redis://127.0.0.1:${String(port)}`,
    lose: 'nothing',
    delay: 0,
    cut(said = /(?:)/) {
      for (const { client, said: words } of wires) if (said.test(words)) client.resetAndDestroy()
    },
    silence(said) {
      for (const wire of wires) wire.silent ||= said.test(wire.said)
    },
    get silenced() {
      return silenced
    },
    async refuse() {
      const closed = new Promise((resolve) => server.close(resolve))
      proxy.cut()
      await closed
    },
    accept: () => listen(server, port),
    async close() {
      if (server.listening) await proxy.refuse()
    },
  }
  return proxy
}

function later(ms: number, what: () => void): void {
  if (ms === 0) what()
  else setTimeout(what, ms)
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}
