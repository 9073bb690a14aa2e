import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Server } from 'node:tls'
import { createServer } from 'node:tls'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisStore } from '../../src/store/redis.ts'
import { compileStores } from '../conformance/compile.ts'
import { failureOf } from '../redis/every-call.ts'
import type { RedisServer } from '../redis/server.ts'
import { startRedis } from '../redis/server.ts'
import type { Authority } from '../site/certificates.ts'
import { createAuthority } from '../site/certificates.ts'

/** Writes and reads over the URL, with the authority that NODE_EXTRA_CA_CERTS names. */
const program = `
import { redisStore } from './src/store/redis.js'
const store = redisStore(JSON.parse(process.argv[2]), { timeout: 20000 })
store.watch('shop/alice', () => {})
const version = await store.write('shop/alice', Buffer.from('x'), {})
process.stdout.write((await store.read('shop/alice')).version === version ? 'done' : 'not read')
`

let redis: RedisServer
let authority: Authority
/** Speaks TLS outside and plainly with Redis, as load balancers do: not every redis-server is built with TLS. */
let terminator: Server
let port: number

beforeAll(async () => {
  redis = await startRedis()
  authority = await createAuthority()
  terminator = createServer(authority.fallback, (socket) => {
    const inner = connect(redis.port, '127.0.0.1')
    socket.pipe(inner).pipe(socket)
    for (const side of [socket, inner]) side.on('error', () => inner.destroy())
  })
  await new Promise<void>((resolve) => terminator.listen(0, '127.0.0.1', resolve))
  port = (terminator.address() as AddressInfo).port
})
afterAll(async () => {
  terminator.close()
  await redis.stop()
})

test('a certificate that nobody vouches for is refused', async () => {
  const store = redisStore(`rediss://127.0.0.1:${String(port)}`, { timeout: 20_000 }) // which another attempt would not change
  const error = await failureOf(store.read('shop/alice'))
  expect(error).toMatchObject({
    code: 'store-failed',
    cause: { code: expect.stringMatching(/CERT|VERIFY/) as string },
  })
  await store.close()
})

test('a certificate of an authority that Node or the client was given is taken', async () => {
  const client = new Redis({ port, host: '127.0.0.1', tls: { ca: authority.ca } })
  const store = redisStore(client, { timeout: 20_000 })
  const version = await store.write('shop/bob', Buffer.from('x'), { ifVersion: undefined })
  expect(await store.read('shop/bob')).toMatchObject({ version })
  await store.close()
  client.disconnect()

  const compiled = compileStores()
  try {
    writeFileSync(join(compiled.folder, 'ca.pem'), authority.ca)
    writeFileSync(join(compiled.folder, 'over-tls.js'), program)
    const place = JSON.stringify(`rediss://127.0.0.1:${String(port)}`)
    const child = spawn(process.execPath, ['over-tls.js', place], {
      cwd: compiled.folder,
      env: { ...process.env, NODE_EXTRA_CA_CERTS: join(compiled.folder, 'ca.pem') },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()))
    const code = await new Promise((resolve) => child.once('exit', resolve))
    expect({ code, said }).toEqual({ code: 0, said: 'done' }) // and its sockets kept it alive no longer
  } finally {
    compiled.remove()
  }
})
