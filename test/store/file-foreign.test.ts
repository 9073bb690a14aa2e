import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StoreFailedError } from '../../src/errors.ts'
import type { Store } from '../../src/store/contract.ts'
import { fileStore } from '../../src/store/file.ts'

const bytes = Buffer.from('sealed')
let above: string
let directory: string
let store: Store

beforeEach(() => {
  above = mkdtempSync(join(tmpdir(), 'sessionbridge-'))
  directory = join(above, 'sessions')
  store = fileStore(directory)
  writeFileSync(join(above, 'secret'), 'of somebody else')
})

afterEach(async () => {
  await store.close()
  rmSync(above, { recursive: true, force: true })
})

const traps: [string, (path: string, above: string) => void][] = [
  [
    'a link',
    (path, near) => {
      symlinkSync(join(near, 'secret'), path)
    },
  ],
  [
    'a link to nothing',
    (path) => {
      symlinkSync('/nowhere/at/all', path)
    },
  ],
  [
    'a FIFO',
    (path) => {
      execFileSync('mkfifo', [path])
    },
  ],
  [
    'a folder',
    (path) => {
      mkdirSync(path)
    },
  ],
]

async function write(text = 'sealed'): Promise<string> {
  const ifVersion = (await store.read('shop/alice'))?.version
  return store.write('shop/alice', Buffer.from(text), { ifVersion })
}

async function failure(work: Promise<unknown>): Promise<StoreFailedError> {
  const error = await work.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StoreFailedError)
  return error as StoreFailedError
}

describe('what does not belong there', () => {
  test.each(traps)(
    'is refused in place of a generation, a milestone, a lease or a name: %s',
    async (_, trap) => {
      for (const text of ['one', 'two', 'three']) await write(text) // so there is no 1.sealed any more
      const long = 'L'.repeat(200)
      await store.write(long, bytes, { ifVersion: undefined })
      await store.lease('shop/alice', 1)
      const [folder, longFolder = ''] = [
        join(directory, 'shop~alice'),
        readdirSync(directory).find((f) => f.includes('+')),
      ]
      const [lease = ''] = readdirSync(join(directory, '.leases'))
      const refused = /not a regular file|symbolic link|EISDIR|EEXIST/
      const set = (path: string): (() => void) => {
        rmSync(path, { force: true })
        trap(path, above)
        return () => {
          rmSync(path, { recursive: true })
        }
      }
      const milestone = set(join(folder, '1.milestone'))
      expect((await failure(store.history('shop/alice'))).message).toMatch(refused)
      milestone()
      const generation = set(join(folder, '9.sealed'))
      expect((await failure(store.read('shop/alice'))).message).toMatch(refused)
      expect((await failure(store.history('shop/alice'))).message).toMatch(refused)
      generation()
      const name = set(join(directory, longFolder, 'name.json'))
      expect((await failure(store.list())).message).toMatch(refused)
      name()
      set(join(directory, '.leases', lease, '2.lease'))
      expect((await failure(store.lease('shop/alice', 1_000))).message).toMatch(refused)
      expect(readFileSync(join(above, 'secret'), 'utf8')).toBe('of somebody else')
    },
  )

  test('is refused in place of a session or of our own folders', async () => {
    await store.write('shop/bob', bytes, { ifVersion: undefined })
    const elsewhere = join(above, 'elsewhere')
    mkdirSync(elsewhere)
    symlinkSync(elsewhere, join(directory, 'shop~alice'))
    const calls = [
      () => store.read('shop/alice'),
      () => store.write('shop/alice', bytes, { ifVersion: undefined }),
      () => store.remove('shop/alice'),
    ]
    for (const call of calls) expect((await failure(call())).message).toMatch(/symbolic link/)
    rmSync(join(directory, 'shop~alice'))
    for (const name of ['.work', '.leases']) {
      rmSync(join(directory, name), { recursive: true, force: true })
      symlinkSync(elsewhere, join(directory, name))
    }
    await failure(store.write('shop/alice', bytes, { ifVersion: undefined }))
    await failure(store.lease('shop/alice', 1_000))
    expect(readdirSync(elsewhere)).toEqual([])
  })

  test('is not listed and does not disturb: other files, odd folders, numbers that are none', async () => {
    await write()
    writeFileSync(join(directory, 'README'), '')
    mkdirSync(join(directory, 'Not%ours'))
    mkdirSync(join(directory, 'x+0123'))
    for (const name of [
      '0.sealed',
      '-1.sealed',
      '1e9.sealed',
      '01.sealed',
      '99999999999999999.sealed',
      'x.sealed',
    ])
      writeFileSync(join(directory, 'shop~alice', name), 'nonsense')
    expect(await store.list()).toEqual(['shop/alice'])
    expect((await store.read('shop/alice'))?.bytes.toString()).toBe('sealed')
    await write('next')
    expect((await store.read('shop/alice'))?.bytes.toString()).toBe('next')
  })
})
