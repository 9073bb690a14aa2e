import { connect } from 'node:net'
import { inspect } from 'node:util'
import { eventually } from '../conformance/wait.ts'
import type { RedisServer } from './server.ts'

/** Listens to every command that the server is sent; gives what was heard up to the call. Ends with the server. */
export async function monitor(server: RedisServer): Promise<() => string> {
  let heard = ''
  const socket = connect(server.port, '127.0.0.1')
  socket.on('data', (bytes) => {
    heard += bytes.toString('latin1')
  })
  socket.write('MONITOR\r\n')
  await eventually(() => Promise.resolve(heard.includes('OK') || undefined))
  socket.unref()
  return () => heard
}

/** All keys and all their values. */
export async function dumpOf(server: RedisServer): Promise<string> {
  const keys = (await server.ask('KEYS', '*')) as string[]
  const values = await Promise.all(
    keys.map(async (key) => server.ask((await server.ask('TYPE', key)) === 'hash' ? 'HGETALL' : 'GET', key)),
  )
  return inspect([keys, values], {
    depth: 10,
    maxArrayLength: null,
    maxStringLength: null,
    breakLength: Infinity,
  })
}
