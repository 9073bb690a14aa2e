import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StoreFailedError } from '../../src/errors.ts'
import type { Store } from '../../src/store/contract.ts'
import { fileStore } from '../../src/store/file.ts'
import { compileStores } from '../conformance/compile.ts'
import type { Handicap, OtherProcess } from '../conformance/other-process.ts'
import { startElsewhere } from '../conformance/other-process.ts'
import { numberIn, payload } from '../conformance/payload.ts'

const stores = compileStores()
const filler = Buffer.alloc(50_000)
let above: string
let directory: string
/** On the same directory as the workers, without their faults. */
let store: Store

beforeEach(() => {
  above = mkdtempSync(join(tmpdir(), 'sessionbridge-'))
  directory = join(above, 'sessions')
  store = fileStore(directory)
})

afterEach(async () => {
  await store.close()
  rmSync(above, { recursive: true, force: true })
})

afterAll(() => {
  stores.remove()
})

const startOn = (place: string, handicap: Handicap): Promise<OtherProcess> =>
  startElsewhere(
    { folder: stores.folder, module: 'src/store/file.js', maker: 'fileStore', args: [place] },
    handicap,
  )

async function numberOf(name: string, version?: string): Promise<number | 'torn' | undefined> {
  const found = await store.read(name, version)
  return found && numberIn(found.bytes)
}

function temporaryFiles(): string[] {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return paths.filter((path) => path.endsWith('.tmp') || path.startsWith('.work/'))
}

describe('a disk of which every n-th call fails', () => {
  const calls = ['openSync', 'writeSync', 'fsync', 'linkSync', 'renameSync'] as const
  const faults = calls.flatMap((call) => [1, 2, 5].map((every) => [call, every] as const))

  test.each(faults)(
    '(%s, every %i.) leaves the old or the new generation and an error',
    async (call, every) => {
      let newest = 0
      await store.write('shop/alice', payload(newest, filler), { ifVersion: undefined })
      const worker = await startOn(directory, { faults: `fail=${call}&every=${String(every)}` })
      const figures = { acknowledged: 0, failed: 0, there: 0 }
      for (let n = 1; n <= 18; n++) {
        const isFirst = n % 3 === 0
        const name = isFirst ? `shop/first-${String(n)}` : 'shop/alice'
        const before = await store.read(name)
        const options = { ifVersion: before?.version, milestone: n % 2 === 0 }
        const refused = await worker
          .call('write', name, payload(n, filler).toString('base64'), options)
          .then(() => undefined)
          .catch((error: unknown) => error as Error)
        const found = await numberOf(name)
        if (refused === undefined) expect(found).toBe(n)
        else {
          expect(refused.message).toMatch(/store-failed The store could not write shop\/[\w-]+: EIO/)
          expect([n, isFirst ? undefined : newest]).toContain(found)
          if (found === n) figures.there++
        }
        figures[refused === undefined ? 'acknowledged' : 'failed']++
        if (!isFirst) newest = Number(found)
        for (const { version } of await store.history(name))
          expect(await numberOf(name, version)).not.toBe('torn')
        expect(temporaryFiles()).toEqual([])
      }
      await worker.kill()
      console.log(`${call}, every ${String(every)}.:`, figures)
      expect(figures.failed).toBeGreaterThan(0)
      if (every === 5) expect(figures.acknowledged).toBeGreaterThan(0)
    },
  )

  test('writes all bytes although each second write takes half of them only', async () => {
    const worker = await startOn(directory, { faults: 'short=2' })
    await worker.call('write', 'shop/alice', payload(7, filler).toString('base64'), {})
    await worker.kill()
    expect(await numberOf('shop/alice')).toBe(7)
  })
})

describe('a disk that takes no more', () => {
  const encode = (length: number): string => Buffer.alloc(length, 'x').toString('base64')

  test('gives an error, and keeps the old generation and nothing else: a limit on the size of files', async () => {
    const worker = await startOn(directory, { fileLimit: 100 }) // about 50 kB; dash counts in 512 bytes
    const first = worker.call('write', 'shop/alice', encode(200_000), {})
    await expect(first).rejects.toThrow(/store-failed The store could not write shop\/alice: EFBIG/)
    expect(await store.list()).toEqual([])
    const version = await worker.call<string>('write', 'shop/alice', encode(1_000), {})
    const second = worker.call('write', 'shop/alice', encode(200_000), { ifVersion: version })
    await expect(second).rejects.toThrow(/EFBIG/)
    await worker.kill()
    expect((await store.read('shop/alice'))?.bytes.length).toBe(1_000)
    expect(readdirSync(join(directory, 'shop~alice'))).toEqual(['1.sealed'])
    expect(readdirSync(join(directory, '.work'))).toEqual([])
  })

  test('gives an error, and keeps the old generation and nothing else: a full disk', async ({ skip }) => {
    mkdirSync(directory, { mode: 0o700 })
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', directory])
    if (mount.status !== 0) {
      const why = `no small disk can be mounted here: ${mount.error?.message ?? mount.stderr.toString().trim()}`
      console.warn(`NOT SHOWN: a full disk, because ${why}. The limit on the size of files was shown above.`)
      skip(why)
    }
    try {
      let version: string | undefined
      for (const n of [1, 2])
        version = await store.write('shop/alice', payload(n, Buffer.alloc(400_000)), { ifVersion: version })
      const failures = [
        () => store.write('shop/alice', payload(3, Buffer.alloc(400_000)), { ifVersion: version }),
        () => store.write('shop/bob', payload(1, Buffer.alloc(400_000)), { ifVersion: undefined }),
      ]
      for (const write of failures) {
        const error = await write().catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(StoreFailedError)
        expect((error as Error).message).toMatch(
          /ENOSPC.*The disk is full: make room. What was stored before is as/,
        )
      }
      expect(await numberOf('shop/alice')).toBe(2)
      expect(readdirSync(join(directory, 'shop~alice')).sort()).toEqual(['1.sealed', '2.sealed'])
      expect(await store.list()).toEqual(['shop/alice'])
      expect(temporaryFiles()).toEqual([])
      await store.write('shop/alice', payload(3, Buffer.alloc(100)), { ifVersion: version })
      expect(await numberOf('shop/alice')).toBe(3)
    } finally {
      spawnSync('umount', [directory])
    }
  })
})
