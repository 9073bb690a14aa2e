import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jsonlLetters, redisLetters } from '../../src/store/letters.ts'
import type { Letters, SealedLetter } from '../../src/store/letters/contract.ts'
import { StoreFailedError } from '../../src/errors.ts'
import { startRedis, type RedisServer } from '../redis/server.ts'

let redis: RedisServer
let folder: string
let count = 0

beforeAll(async () => {
  redis = await startRedis()
  folder = await mkdtemp(join(tmpdir(), 'letters-'))
})
afterAll(async () => {
  await redis.stop()
  await rm(folder, { recursive: true, force: true })
})

const letter = (id: string, tries = 1): SealedLetter => ({
  ...{ id, tries, sealed: `sealed-${id}-${String(tries)}` },
  shown: { url: 'https://shop.test/page', code: 'timed-out' },
})

describe.each(['file', 'redis'] as const)('letters in a %s', (kind) => {
  /** Shelves of one place; `small` holds few. */
  function place(): { open: (options?: { small?: boolean }) => Letters; path: string } {
    const name = `${kind}-${String(++count)}`
    const path = join(folder, name)
    const open = ({ small = false } = {}): Letters =>
      kind === 'file'
        ? jsonlLetters(path, small ? { maxBytes: 1_000 } : {})
        : redisLetters(redis.url, { stream: name, timeout: 20_000, ...(small && { limit: 6 }) })
    return { open, path }
  }
  const idsOf = async (letters: Letters): Promise<string[]> =>
    (await letters.read()).letters.map(({ id }) => id)

  test('are there again in their order, for others too, until they are settled', async () => {
    const { open } = place()
    const mine = open()
    const other = open()
    await mine.add([letter('a'), letter('b')])
    await other.add([letter('c')])
    expect(await idsOf(mine)).toEqual(['a', 'b', 'c'])
    const { letters } = await other.read()
    const [a, b] = letters
    if (a === undefined || b === undefined) throw new Error('no letters')
    await other.settle(a)
    await other.settle(b, letter('b', 2))
    const left = await mine.read()
    expect(left.letters.map(({ id, tries, sealed }) => [id, tries, sealed]).sort()).toEqual([
      ['b', 2, 'sealed-b-2'],
      ['c', 1, 'sealed-c-1'],
    ])
    expect(left.damaged).toBe(0)
    await mine.close()
    expect(await idsOf(other)).toHaveLength(2)
    await other.close()
  })

  test('what one has settled for good does not come back because another fails with it later', async () => {
    const { open } = place()
    const letters = open()
    await letters.add([letter('a'), letter('b')])
    const [mine, theirs] = [await letters.read(), await letters.read()]
    for (const one of mine.letters) await letters.settle(one)
    for (const one of theirs.letters) await letters.settle(one, letter(one.id, 2))
    expect(await idsOf(letters)).toEqual([])
    await letters.close()
    const again = open()
    expect(await idsOf(again)).toEqual([])
    await again.close()
  })

  test('a shelf that is full says so and keeps what it has; settling makes room', async () => {
    const { open } = place()
    const letters = open({ small: true })
    const add = async (): Promise<void> => {
      for (let n = 0; n < 100; n++) await letters.add([letter(`letter-${String(n)}`)])
    }
    await expect(add()).rejects.toBeInstanceOf(StoreFailedError)
    const ids = await idsOf(letters)
    expect(ids.length).toBeGreaterThan(3)
    expect(ids.length).toBeLessThan(20)
    for (const one of (await letters.read()).letters) await letters.settle(one)
    expect(await idsOf(letters)).toEqual([])
    await letters.close()
  })

  test('more than one step of a reading holds come all', async () => {
    const letters = place().open()
    const many = Array.from({ length: 1_234 }, (_, n) => letter(`n${String(n)}`))
    await letters.add(many)
    expect(await idsOf(letters)).toEqual(many.map(({ id }) => id))
    await letters.close()
  })
})

describe('letters in a file', () => {
  test('are readable by their owner only, a line each, and a line that was cut short is counted', async () => {
    const path = join(folder, 'cut')
    const letters = jsonlLetters(path)
    await letters.add([letter('a'), letter('b')])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.slice(0, -8))
    await letters.add([letter('c')])
    const { letters: found, damaged } = await letters.read()
    expect([found.map(({ id }) => id), damaged]).toEqual([['a', 'c'], 1])
  })

  test('a file that is mostly letters that are gone is tidied when it is closed, and loses none', async () => {
    const path = join(folder, 'tidy')
    const letters = jsonlLetters(path)
    const big = (id: string): SealedLetter => ({ ...letter(id), sealed: `${id}${'x'.repeat(400)}` })
    await letters.add(Array.from({ length: 300 }, (_, n) => big(String(n))))
    for (const one of (await letters.read()).letters.slice(5)) await letters.settle(one)
    await letters.close()
    expect((await stat(path)).size).toBeLessThan(5_000)
    const again = jsonlLetters(path)
    expect((await again.read()).letters.map(({ id }) => id)).toEqual(['0', '1', '2', '3', '4'])
    expect((await readdir(folder)).filter((name) => name.startsWith('tidy'))).toEqual(['tidy'])
  })

  test('what somebody who tidied and was killed has left is read, and tidied by the next', async () => {
    const path = join(folder, 'killed')
    const before = jsonlLetters(path)
    await before.add([letter('a'), letter('b')])
    await rename(path, `${path}.0123456789abcdef.old`)
    const letters = jsonlLetters(path)
    await letters.add([letter('c')])
    expect((await letters.read()).letters.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
    await letters.close()
    expect((await jsonlLetters(path).read()).letters.map(({ id }) => id).sort()).toEqual(['a', 'b', 'c'])
    expect((await readdir(folder)).filter((name) => name.startsWith('killed'))).toEqual(['killed'])
  })

  test('what is gone stays gone, in whatever order old files are ended', async () => {
    const path = join(folder, 'orders')
    for (const [letters, words] of ['01', '10']) {
      const shelf = jsonlLetters(path)
      await shelf.add([letter('a'), letter('b')])
      await rename(path, `${path}.000000000000000${letters ?? ''}.old`)
      for (const one of (await shelf.read()).letters) if (one.id === 'a') await shelf.settle(one)
      await rename(path, `${path}.000000000000000${words ?? ''}.old`)
      await shelf.close()
      expect((await jsonlLetters(path).read()).letters.map(({ id }) => id)).toEqual(['b'])
      expect((await readdir(folder)).filter((name) => name.startsWith('orders'))).toEqual(['orders'])
    }
  })

  test('several that tidy, add and read at the same time lose none, and bring back none', async () => {
    const path = join(folder, 'together')
    const first = jsonlLetters(path)
    /** By closing, which tidies. */
    const tidy = async (): Promise<void> => {
      const shelf = jsonlLetters(path)
      await shelf.read()
      await shelf.close()
    }
    const big = (id: string): SealedLetter => ({ ...letter(id), sealed: `${id}${'x'.repeat(1_000)}` })
    let tidied = 0
    for (let round = 0; round < 10; round++) {
      const names = Array.from({ length: 100 }, (_, n) => `${String(round)}-${String(n)}`)
      await first.add(names.map(big))
      for (const one of (await first.read()).letters) if (!one.id.endsWith('-0')) await first.settle(one)
      const before = (await stat(path)).ino
      const read = async (): Promise<string[]> =>
        (await jsonlLetters(path).read()).letters.map(({ id }) => id).sort()
      const wanted = Array.from({ length: round + 1 }, (_, n) => `${String(n)}-0`)
      const added = `extra-${String(round)}-0`
      const [, seen] = await Promise.all([
        Promise.all(Array.from({ length: 4 }, tidy)),
        read(),
        first.add([letter(added)]),
      ])
      expect(seen).toEqual(expect.arrayContaining(wanted))
      for (const one of (await first.read()).letters) if (one.id === added) await first.settle(one)
      expect(await read()).toEqual(wanted)
      if ((await stat(path)).ino !== before) tidied += 1
    }
    expect(tidied).toBeGreaterThan(0)
  })
})

test.each([
  () => jsonlLetters(''),
  () => redisLetters('http://x'),
  () => redisLetters('redis://x', { limit: 0 }),
])('misuse %# is a TypeError', (open) => {
  expect(open).toThrow(TypeError)
})
