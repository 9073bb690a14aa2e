import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVault, fileStore, generateKey, jsonlLetters } from '../../src/index.ts'
import { signIn } from '../session/signed-in.ts'
import { openCommandLine, type CommandLine } from './command-line.ts'

// A single file's run may have to compile first.
const compiling = 180_000
const key = generateKey()
let line: CommandLine
let path: string
let broken = true
/** The page asks who is there. */
let refuses = false

beforeAll(async () => {
  line = await openCommandLine()
  path = join(line.folder, 'dead.jsonl')
  line.shop.on('shop.test', '/page', (req, res) => {
    const isOne = req.url?.includes('n=1') === true
    res.statusCode = refuses ? 401 : broken || isOne ? 410 : 200
    res.end(`page ${String(req.headers.cookie?.includes('sid='))}`)
  })
}, compiling)

afterAll(() => line[Symbol.asyncDispose]())

function run(args: readonly string[]) {
  return line.run([...args, '--store', join(line.folder, 'store'), ...line.network], {
    env: { SESSIONBRIDGE_KEY: key },
  })
}

/** A session of the shop, stored and opened. */
async function opened(account: 'default' | 'bob') {
  const { shop } = line
  const store = fileStore(join(line.folder, 'store'))
  const vault = createVault({ store, key, http: { lookup: shop.lookup, ca: shop.ca } })
  await vault.put(`shop/${account}`, await signIn(shop, account === 'bob' ? 'bob' : 'alice'))
  const session = await vault.open({ name: 'shop', url: shop.url('shop.test', '/login') }, { account })
  return { vault, session, url: shop.url('shop.test', '/page?n=0') }
}

describe('retry', () => {
  test('asks dead letters again with their session: what succeeds leaves them, the rest stays', async () => {
    const { shop } = line
    const vault = createVault({
      ...{ store: fileStore(join(line.folder, 'store')), key },
      http: { lookup: shop.lookup, ca: shop.ca },
    })
    await vault.put('shop/alice', await signIn(shop))
    const session = await vault.open(
      { name: 'shop', url: shop.url('shop.test', '/login') },
      { account: 'alice' },
    )
    const urls = [0, 1, 2].map((n) => shop.url('shop.test', `/page?n=${String(n)}&token=secret`))
    const failed = await session.map(urls, (url) => session.http(url), { deadLetters: jsonlLetters(path) })
    expect(failed.failed).toBe(3)
    await session.close()

    const listed = await run(['retry', path, '--list'])
    expect(listed).toMatchObject({ code: 0 })
    expect(listed.stdout).toMatch(
      /^kept {4}shop\/alice {2}https:\/\/shop\.test:\d+\/page {2}response-status · 1 tries\n/,
    )

    broken = false
    const out = join(line.folder, 'bodies')
    const retried = await run(['retry', path, '--out', out, '--json'])
    expect(retried).toMatchObject({ code: 1 })
    const report = JSON.parse(retried.stdout) as {
      letters: { outcome: string; file?: string; status: number }[]
    }
    expect(report).toMatchObject({ done: 2, failed: 1, kept: 0, unreadable: 0 })
    expect(report.letters.map(({ outcome, status }) => [outcome, status])).toEqual([
      ['done', 200],
      ['failed', 410],
      ['done', 200],
    ])
    const file = report.letters[0]?.file ?? ''
    expect(await readFile(file, 'utf8')).toBe('page true')
    expect((await stat(file)).mode & 0o777).toBe(0o600)

    const left = await vault.readLetters(jsonlLetters(path))
    expect(left.letters.map(({ url, tries }) => [url, tries])).toEqual([[urls[1], 2]])
    expect(line.printed.join('')).not.toContain('secret')
    expect(await run(['retry', join(line.folder, 'none.jsonl')])).toMatchObject({
      code: 0,
      stdout: '0 done, 0 stay\n',
    })
    expect(await run(['retry'])).toMatchObject({ code: 1 })
    await vault.remove('shop/alice')
    expect(await run(['retry', path])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('1 stay') as string,
    })
    expect((await vault.readLetters(jsonlLetters(path))).letters).toHaveLength(1)
  })

  test('tells each of two letters of one address, and takes the short name of a session', async () => {
    const twice = join(line.folder, 'twice.jsonl')
    const { session, url } = await opened('default')
    const letters = jsonlLetters(twice)
    broken = true
    for (let n = 0; n < 2; n++) await session.map([url], (one) => session.http(one), { deadLetters: letters })
    await session.close()
    broken = false
    const out = join(line.folder, 'twice')
    const retried = await run(['retry', twice, '--session', 'shop', '--json', '--out', out])
    expect(JSON.parse(retried.stdout)).toMatchObject({ done: 2, failed: 0, kept: 0 })
    expect(await readdir(out)).toHaveLength(2)
    expect((await letters.read()).letters).toEqual([])
  })

  test('of a session that turns out to be dead keeps all letters as they are, and says so by its exit code', async () => {
    const path = join(line.folder, 'of-the-dead.jsonl')
    const { vault, session, url } = await opened('bob')
    broken = true
    const letters = jsonlLetters(path)
    await session.map([url, `${url}&again`], (one) => session.http(one), { deadLetters: letters })
    await session.close()
    line.shop.revoke('bob')
    refuses = true
    const retried = await run(['retry', path])
    expect(retried).toMatchObject({ code: 2, stdout: expect.stringContaining('0 done, 2 stay') as string })
    expect(retried.stdout).toMatch(/^kept .*\nkept /)
    expect((await vault.readLetters(letters)).letters.map(({ tries, code }) => [tries, code])).toEqual([
      [1, 'response-status'],
      [1, 'response-status'],
    ])
  })
})
