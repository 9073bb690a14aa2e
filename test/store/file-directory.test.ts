import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StoreFailedError } from '../../src/errors.ts'
import type { Store } from '../../src/store/contract.ts'
import { fileStore } from '../../src/store/file.ts'
import { compileStores } from '../conformance/compile.ts'

const bytes = Buffer.from('sealed')
const stores = compileStores()
let above: string
let directory: string
let store: Store

beforeEach(() => {
  above = mkdtempSync(join(tmpdir(), 'sessionbridge-'))
  directory = join(above, 'deep/sessions')
  store = fileStore(directory)
})

afterEach(async () => {
  await store.close()
  rmSync(above, { recursive: true, force: true })
})

afterAll(() => {
  stores.remove()
})

async function write(text = 'sealed'): Promise<string> {
  const ifVersion = (await store.read('shop/alice'))?.version
  return store.write('shop/alice', Buffer.from(text), { ifVersion })
}

async function failure(work: Promise<unknown>): Promise<StoreFailedError> {
  const error = await work.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StoreFailedError)
  return error as StoreFailedError
}

function modes(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [path.slice(folder.length + 1), (statSync(path).mode & 0o777).toString(8)]
    }),
  )
}

describe('the directory of a file store', () => {
  test('is created by the first write, for this user alone whatever the umask, and not by reading', async () => {
    expect(await store.read('shop/alice')).toBeUndefined()
    expect(await store.list()).toEqual([])
    await store.remove('shop/alice')
    expect(existsSync(directory)).toBe(false)
    const umask = process.umask(0)
    try {
      await write()
      await write('again')
      await store.write('L'.repeat(200), bytes, { ifVersion: undefined })
      await (await store.lease('shop/alice', 1_000))?.release()
    } finally {
      process.umask(umask)
    }
    for (const [path, mode] of Object.entries(modes(directory)))
      expect(mode, path).toBe(/\.(sealed|lease|json)$/.test(path) ? '600' : '700')
    expect(statSync(directory).mode & 0o777).toBe(0o700)
  })

  test('holds the sealed bytes as they are, two generations, and no more', async () => {
    for (const text of ['one', 'two', 'three']) await write(text)
    const folder = join(directory, 'shop~alice')
    expect(readdirSync(folder).sort()).toEqual(['2.sealed', '3.sealed'])
    expect(readFileSync(join(folder, '3.sealed'), 'utf8')).toBe('three')
  })

  test('is refused when it is a link, when others may write to it, or when it is a file', async () => {
    mkdirSync(join(above, 'real'), { mode: 0o700 })
    symlinkSync(join(above, 'real'), join(above, 'link'))
    const linked = await failure(fileStore(join(above, 'link')).write('a', bytes, { ifVersion: undefined }))
    expect(linked.message).toMatch(/symbolic link. Pass the directory that it points to/)
    for (const mode of [0o777, 0o770, 0o702]) {
      chmodSync(join(above, 'real'), mode)
      const open = await failure(fileStore(join(above, 'real')).read('a'))
      expect(open.message).toMatch(/others may write to it \(mode 07.*Run: chmod 700 /)
    }
    chmodSync(join(above, 'real'), 0o755) // readable only: what lies inside is not
    await fileStore(join(above, 'real')).write('a', bytes, { ifVersion: undefined })
    writeFileSync(join(above, 'file'), '')
    expect((await failure(fileStore(join(above, 'file')).list())).message).toMatch(/not a directory/)
    expect(() => fileStore('')).toThrow(TypeError)
  })

  test('keeps its sessions when it is moved', async () => {
    await write()
    renameSync(directory, join(above, 'moved'))
    expect(await fileStore(join(above, 'moved')).list()).toEqual(['shop/alice'])
  })
})

describe('a folder whose generations were deleted by hand', () => {
  test('is taken again when it is empty, and named in the error when it is not', async () => {
    const folder = join(directory, 'shop~alice')
    await write()
    rmSync(join(folder, '1.sealed'))
    await write('anew')
    expect((await store.read('shop/alice'))?.bytes.toString()).toBe('anew')
    rmSync(join(folder, '1.sealed'))
    writeFileSync(join(folder, 'notes'), '')
    expect((await failure(write())).message).toMatch(/shop~alice holds files but no generation. Remove it/)
  })
})

describe('what dead writers left', () => {
  test('is swept by the next write, while that of living ones stays', async () => {
    await write()
    await (await store.lease('shop/alice', 1_000))?.release()
    const folder = join(directory, 'shop~alice')
    const [lease] = readdirSync(join(directory, '.leases'), { recursive: true, encoding: 'utf8' }).slice(-1)
    const place = /^h (\w+)-|^r (\w+)-/.exec(readFileSync(join(directory, '.leases', lease ?? ''), 'utf8'))
    const here = place?.[1] ?? place?.[2] ?? ''
    const dead = spawnSync(process.execPath, ['-e', '']).pid
    const files = {
      dead: `${here}-${String(dead)}-aaaaaaaaaaaa.tmp`,
      living: `${here}-${String(process.pid)}-aaaaaaaaaaaa.tmp`,
      elsewhere: `0123456789ab-${String(dead)}-aaaaaaaaaaaa.tmp`,
      ancient: '0123456789ab-1-aaaaaaaaaaaa.tmp',
    }
    for (const file of Object.values(files)) writeFileSync(join(folder, file), 'half')
    const dayAgo = Date.now() / 1000 - 86_400
    utimesSync(join(folder, files.ancient), dayAgo, dayAgo)
    await write('next')
    expect(
      readdirSync(folder)
        .filter((name) => name.endsWith('.tmp'))
        .sort(),
    ).toEqual([files.living, files.elsewhere].sort())
  })
})

describe('an open file store', () => {
  test('with a watch and a lease keeps no process alive', () => {
    const module = pathToFileURL(join(stores.folder, 'src/store/file.js')).href
    const code = `
      const { fileStore } = await import(${JSON.stringify(module)})
      const store = fileStore(${JSON.stringify(directory)})
      store.watch('shop/alice', () => undefined)
      await store.write('shop/alice', Buffer.from('x'), { ifVersion: undefined })
      await store.lease('shop/alice', 60_000)
      console.log('done')`
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', code], { timeout: 30_000 })
    expect(run.stderr.toString()).toBe('')
    expect(run.stdout.toString()).toBe('done\n')
    expect(run.status).toBe(0)
  })
})
