import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compileStores } from '../conformance/compile.ts'
import type { RedisCluster } from '../redis/cluster.ts'
import { startCluster } from '../redis/cluster.ts'
import type { RedisServer } from '../redis/server.ts'
import { startRedis } from '../redis/server.ts'
import { freePort } from '../site/free-port.ts'

/** Opens, watches, calls what it is told, closes nothing, and has nothing else to do. */
const program = `
import { redisStore } from './src/store/redis.js'
const [place, ...calls] = process.argv.slice(2)
const store = redisStore(JSON.parse(place), { timeout: calls.includes('fail') ? 500 : 20_000 })
if (calls.includes('watch')) store.watch('shop/alice', () => {})
if (calls.includes('write')) await store.write('shop/alice', Buffer.from('x'), {})
if (calls.includes('lease')) await store.lease('shop/alice', 600_000)
if (calls.includes('fail')) await store.read('shop/alice').then(() => console.error('no failure'), () => {})
process.stdout.write('done')
`

let server: RedisServer
let cluster: RedisCluster
let compiled: ReturnType<typeof compileStores>
let silent: ReturnType<typeof createServer>

beforeAll(async () => {
  compiled = compileStores()
  writeFileSync(join(compiled.folder, 'idle.js'), program)
  silent = createServer(() => undefined)
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  ;[server, cluster] = await Promise.all([startRedis(), startCluster()])
})
afterAll(async () => {
  compiled.remove()
  silent.close()
  await Promise.all([server.stop(), cluster.stop()])
})

async function run(place: unknown, calls: readonly string[]): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, ['idle.js', JSON.stringify(place), ...calls], {
    cwd: compiled.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => {
      said += bytes.toString()
    })
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  return { code, said }
}

describe('a process that has nothing else to do ends by itself, without a word, with an open store on', () => {
  test('a Redis', async () => {
    for (const calls of [['watch'], ['write'], ['watch', 'lease']])
      expect(await run(server.url, calls), calls.join()).toEqual({ code: 0, said: 'done' })
  })

  test('a Cluster', async () => {
    for (const calls of [['watch', 'lease'], ['write']])
      expect(await run(cluster.urls, calls), calls.join()).toEqual({ code: 0, said: 'done' })
  })

  test('nothing at all: a Redis that refuses', async () => {
    const port = await freePort()
    const url = `redis://127.0.0.1:${String(port)}`
    expect(await run(url, ['watch', 'fail'])).toEqual({ code: 0, said: 'done' })
    expect(await run([url], ['watch', 'fail'])).toEqual({ code: 0, said: 'done' })
  })

  test('a Redis that accepts and says nothing', async () => {
    const url = `redis://127.0.0.1:${String((silent.address() as AddressInfo).port)}`
    expect(await run(url, ['watch', 'fail'])).toEqual({ code: 0, said: 'done' })
    expect(await run([url], ['watch', 'fail'])).toEqual({ code: 0, said: 'done' })
  })
})
