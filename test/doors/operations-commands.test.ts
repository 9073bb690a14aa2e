import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVault, fileStore, generateKey } from '../../src/index.ts'
import { signIn } from '../session/signed-in.ts'
import { openCommandLine, yamlRecipe, type CommandLine } from './command-line.ts'

// A single file's run may have to compile first.
const compiling = 180_000
const oldKey = generateKey()
const newKey = generateKey()

let line: CommandLine
let folder: string

beforeAll(async () => {
  line = await openCommandLine()
  folder = join(line.folder, 'store')
}, compiling)

afterAll(() => line[Symbol.asyncDispose]())

function vaultWith(key: string | string[] = oldKey) {
  return createVault({ store: fileStore(folder), key })
}

function run(args: readonly string[], key = oldKey) {
  return line.run([...args, '--store', folder], { env: { SESSIONBRIDGE_KEY: key } })
}

async function json(args: readonly string[], key = oldKey) {
  const ended = await run([...args, '--json'], key)
  return { code: ended.code, ...(JSON.parse(ended.stdout) as Record<string, unknown>) }
}

describe('the commands for looking after what is stored', () => {
  test('history, rollback and events tell of generations without a value', async () => {
    const vault = vaultWith()
    await vault.put('shop/alice', await signIn(line.shop))
    await vault.put('shop/alice', await signIn(line.shop))
    const history = await run(['history', 'shop/alice'])
    expect(history).toMatchObject({ code: 0 })
    expect(history.stdout).toMatch(
      /epoch 2, generation 2, verified · newest\n.*epoch 1, generation 1, verified\n/,
    )
    const { generations } = (await json(['history', 'shop/alice'])) as unknown as {
      generations: { version: string; epoch: number }[]
    }
    expect(generations.map(({ epoch }) => epoch)).toEqual([2, 1])
    const back = await json(['rollback', 'shop/alice', generations[1]?.version ?? ''])
    expect(back).toMatchObject({ code: 0, name: 'shop/alice', epoch: 3, to: { epoch: 1 } })
    const events = await run(['events', 'shop/alice'])
    expect(events.stdout).toMatch(/rolled-back +epoch 3 +to generation 1 of epoch 1/)
    expect(await run(['rollback', 'shop/alice', '99-none'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('sessionbridge history') as string,
    })
    expect(await run(['history', 'shop/nobody'])).toMatchObject({ code: 1 })
    expect(await run(['check', 'shop/alice', ...line.network])).toMatchObject({ code: 0 })
  })

  test('unlock of a name that nobody knows leaves an empty store as it is, so that it can get its key', async () => {
    const store = join(line.folder, 'unlocked')
    const keyless = (args: readonly string[]) => line.run([...args, '--store', store])
    expect(await keyless(['unlock', 'shop/typo'])).toMatchObject({ code: 0 })
    const file = await line.write(
      'unlocked.json',
      '{"cookies":[],"origins":[{"origin":"https://shop.test","localStorage":[{"name":"a","value":"b"}]}]}',
    )
    expect(await keyless(['import', file, 'shop/alice'])).toMatchObject({ code: 0 })
    expect((await keyless(['list'])).stdout).toContain('shop/alice')
  })

  test('clone makes a second name; list --account, unlock and stats know of it', async () => {
    expect(await json(['clone', 'shop/alice', 'bob'])).toEqual({
      code: 0,
      name: 'shop/bob',
      from: 'shop/alice',
    })
    expect(await run(['clone', 'shop/alice', 'bob'])).toMatchObject({ code: 5 })
    const listed = (await json(['list', '--account', 'bob'])) as unknown as { sessions: { name: string }[] }
    expect(listed.sessions.map(({ name }) => name)).toEqual(['shop/bob'])
    expect(((await json(['list'])) as unknown as { sessions: unknown[] }).sessions).toHaveLength(2)
    expect(await json(['unlock', 'shop/bob'])).toEqual({ code: 0, name: 'shop/bob', unlocked: true })
    expect(await json(['stats'])).toMatchObject({ code: 0, sessions: 2, quarantined: 0, unreadable: [] })
    expect((await run(['stats'])).stdout).toMatch(/^2 sessions, \d+ bytes sealed\n/)
  })

  test('rekey seals with the first key and says what it left; the old key can go', async () => {
    expect(await run(['list'], newKey)).toMatchObject({ code: 5 })
    const both = `${newKey} ${oldKey}`
    expect(await json(['rekey'], both)).toMatchObject({ code: 0, rekeyed: 4, already: 0, unreadable: [] })
    expect(await json(['rekey'], both)).toMatchObject({ code: 0, rekeyed: 0, already: 4 })
    expect(await run(['list'], newKey)).toMatchObject({ code: 0 })
    await vaultWith(generateKey()).put('shop/foreign', await signIn(line.shop))
    const left = await run(['rekey'], both)
    expect(left).toMatchObject({ code: 5 })
    expect(left.stdout).toContain('shop/foreign  left as it is: it does not open (wrong-key)')
    expect(await run(['remove', 'shop/foreign', '--yes'], newKey)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('Without its key') as string,
    })
  })

  test('purge does nothing unasked, says what it would do, and does it', async () => {
    const living = await signIn(line.shop)
    await vaultWith(newKey).put('shop/dead', { ...living, standing: 'dead' })
    expect(await run(['purge'], newKey)).toMatchObject({ code: 1 })
    expect(await run(['purge', '--generations-older-than', 'long'], newKey)).toMatchObject({ code: 1 })
    expect(await run(['purge', '--expired', '--dry-run'], newKey)).toMatchObject({
      code: 0,
      stdout: 'shop/dead  would be removed: dead\n',
    })
    expect(await json(['purge', '--expired', '--generations-older-than', '30d'], newKey)).toMatchObject({
      code: 0,
      sessions: [{ name: 'shop/dead', reason: 'dead' }],
      dryRun: false,
    })
    expect((await run(['purge', '--expired'], newKey)).stdout).toBe('There is nothing to purge.\n')
  })

  test('sign-out ends the session on the server: 0 when it is proven, 1 when not', async () => {
    const vault = vaultWith(newKey)
    await vault.put('shop/carol', await signIn(line.shop, 'carol'))
    expect(await run(['sign-out', 'shop/carol', ...line.network], newKey)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--post URL') as string,
    })
    const { logouts } = line.shop.counters
    const logout = line.shop.url('shop.test', '/logout')
    expect(await json(['sign-out', 'shop/carol', '--post', logout, ...line.network], newKey)).toEqual({
      code: 0,
      name: 'shop/carol',
      server: 'ended',
    })
    expect(line.shop.counters.logouts).toBe(logouts + 1)
    await vault.put('shop/carol', await signIn(line.shop, 'carol'))
    const echo = line.shop.url('shop.test', '/echo')
    const unproven = await run(['sign-out', 'shop/carol', '--post', echo, ...line.network], newKey)
    expect(unproven).toMatchObject({ code: 1 })
    expect(unproven.stdout).toContain('still takes the old session')
  })

  test('sign-out takes the way from a recipe file', async () => {
    const url = line.shop.url('shop.test', '/login')
    const path = join(line.folder, 'ending.mjs')
    const recipe = { name: 'shop', url, signOut: line.shop.url('shop.test', '/logout') }
    await writeFile(path, `export default ${JSON.stringify(recipe)}`)
    await vaultWith(newKey).put('shop/carol', await signIn(line.shop, 'carol'))
    const args = ['sign-out', 'shop/carol', ...line.network, '--recipe']
    expect(await json([...args, path], newKey)).toMatchObject({ code: 0, server: 'ended' })
    const yaml = await line.write('ending.yaml', `${yamlRecipe(url)}signOut: /logout\n`)
    await vaultWith(newKey).put('shop/carol', await signIn(line.shop, 'carol'))
    expect(await json([...args, yaml], newKey)).toMatchObject({ code: 0, server: 'ended' })
    const without = await line.write('without.yaml', yamlRecipe(url))
    await vaultWith(newKey).put('shop/carol', await signIn(line.shop, 'carol'))
    expect(await run([...args, without], newKey)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has no signOut') as string,
    })
  })

  test('remove --everywhere leaves nothing to tell', async () => {
    expect(await run(['remove', 'shop/alice', '--yes', '--everywhere'], newKey)).toMatchObject({ code: 0 })
    expect(await run(['events', 'shop/alice'], newKey)).toMatchObject({ code: 1 })
    expect(await run(['remove', 'shop/bob', '--yes'], newKey)).toMatchObject({ code: 0, stderr: '' })
    const events = await run(['events', 'shop/bob'], newKey)
    expect(events.stdout).toMatch(/destroyed/)
  })

  test('nothing that was printed holds a secret', () => {
    expect(line.printed.length).toBeGreaterThan(40)
    expect(line.printed.join('\n')).not.toContain(line.shop.canary)
  })
})
