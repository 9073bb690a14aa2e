import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVault, generateKey, redisStore } from '../../src/index.ts'
import { startRedis, type RedisServer } from '../redis/server.ts'
import { signIn } from '../session/signed-in.ts'
import { openCommandLine, type CommandLine } from './command-line.ts'

// A single file's run may have to compile first.
const compiling = 180_000
const key = generateKey()
const password = 'tamarind-and-rust'

let line: CommandLine
let redis: RedisServer

beforeAll(async () => {
  ;[line, redis] = await Promise.all([
    openCommandLine(),
    startRedis({ settings: ['--requirepass', password], password }),
  ])
  const store = redisStore(withPassword(), { timeout: 20_000 })
  await createVault({ store, key }).put('shop/alice', await signIn(line.shop))
  await store.close()
}, compiling)

afterAll(async () => {
  await line[Symbol.asyncDispose]()
  await redis.stop()
})

const withPassword = (): string => redis.url.replace('//', `//:${password}@`)

/** As a fleet's machines are set up: place, password and key in the environment. */
function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return line.run(args, {
    env: { SESSIONBRIDGE_STORE: withPassword(), SESSIONBRIDGE_KEY: key, ...env },
  })
}

describe('the command on a Redis', () => {
  test('lists, shows and asks with what the fleet has stored, and ends by itself', async () => {
    expect(await run(['list'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^shop\/alice {2}/) as string,
    })
    expect(await run(['show', 'shop/alice'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('epoch') as string,
    })
    const orders = line.shop.url('shop.test', '/api/orders')
    const asked = await run(['curl', 'shop/alice', orders, '--fail', ...line.network])
    expect(asked).toMatchObject({ code: 0 })
    expect(JSON.parse(asked.stdout)).toBeTypeOf('object')
  })

  test('removes a session by name', async () => {
    expect(await run(['clone', 'shop/alice', 'bob'])).toMatchObject({ code: 0 })
    expect(await run(['remove', 'shop/bob', '--yes'])).toMatchObject({ code: 0 })
    expect((await run(['list'])).stdout).not.toContain('shop/bob')
  })

  test('refuses a password on the command line, and does not repeat it', async () => {
    const ended = await run(['list', '--store', withPassword()])
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('SESSIONBRIDGE_STORE') as string })
    expect(ended.stderr + ended.stdout).not.toContain(password)
  })

  test('says what to set when the key is missing or the Redis does not let it in', async () => {
    const keyless = await run(['list'], { SESSIONBRIDGE_KEY: '' })
    expect(keyless).toMatchObject({ code: 5, stderr: expect.stringContaining('SESSIONBRIDGE_KEY') as string })
    expect(keyless.stderr).not.toContain(password)
    const locked = await run(['list'], { SESSIONBRIDGE_STORE: redis.url })
    expect(locked.code).toBe(5)
    const nonsense = await run(['list'], { SESSIONBRIDGE_STORE: `redis://:${password}@/nowhere?x` })
    expect(nonsense).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/redis:\/\/host:port|database/) as string,
    })
    expect(nonsense.stderr).not.toContain(password)
  })
})
