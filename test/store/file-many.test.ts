import { existsSync, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fileStore } from '../../src/store/file.ts'
import { digestFolderOf, folderOf } from '../../src/store/session-name.ts'

const SESSIONS = 10_000
const BYTES = Buffer.alloc(4_000, 'sealed')
/** In memory where that can be had: removing so many folders from a busy disk takes a minute. */
const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sessionbridge-many-'))
/** Each hundredth is too long for the name of a folder. */
const names = Array.from({ length: SESSIONS }, (_, n) =>
  n % 100 === 0 ? `shop/${'É'.repeat(150)}${String(n)}` : `shop/account-${String(n)}@mail.example`,
)

/** As the store itself would make them, without the 30,000 syncs that would take minutes; and of one file's bytes. */
beforeAll(async () => {
  await fileStore(directory).write('one/more', BYTES, { ifVersion: undefined })
  for (const name of names) {
    const folder = join(directory, folderOf(name) ?? digestFolderOf(name))
    mkdirSync(folder, { mode: 0o700 })
    linkSync(join(directory, 'one~more/1.sealed'), join(folder, '1.sealed'))
    if (folderOf(name) === undefined) writeFileSync(join(folder, 'name.json'), JSON.stringify(name))
  }
}, 300_000)

afterAll(() => {
  rmSync(directory, { recursive: true, force: true })
}, 300_000)

test(`A list of ${String(SESSIONS)} sessions and the opening of one take no time that anybody would notice`, async () => {
  const store = fileStore(directory)
  const timed = async <T>(work: () => Promise<T>): Promise<[number, T]> => {
    const begun = process.cpuUsage() // nothing here waits for a disk; a busy machine takes none of it
    const result = await work()
    const { user, system } = process.cpuUsage(begun)
    return [(user + system) / 1_000, result]
  }
  const [list, listed] = await timed(() => store.list())
  expect(listed.sort()).toEqual([...names, 'one/more'].sort())
  const reads: number[] = []
  for (let n = 0; n < SESSIONS; n += 101) {
    const [read, found] = await timed(() => store.read(names[n] ?? ''))
    expect(found?.bytes.length).toBe(BYTES.length)
    reads.push(read)
  }
  const [write] = await timed(async () => {
    const found = await store.read('shop/account-5001@mail.example')
    await store.write('shop/account-5001@mail.example', BYTES, { ifVersion: found?.version })
  })
  const [middle = 0, worst = 0] = [reads.sort((a, b) => a - b)[reads.length >> 1], reads.at(-1)]
  console.log(
    `${String(SESSIONS)} sessions, processor time: list ${list.toFixed(0)} ms, open one ${middle.toFixed(2)} ms ` +
      `(slowest of ${String(reads.length)}: ${worst.toFixed(2)} ms), save one ${write.toFixed(1)} ms`,
  )
  expect(list).toBeLessThan(1_000)
  expect(middle).toBeLessThan(20)
})
