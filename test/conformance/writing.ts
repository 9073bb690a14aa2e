import { describe, expect, test } from 'vitest'
import { StoreConflictError } from '../../src/errors.ts'
import type { Bench } from './shelf.ts'
import { bytesOf, fresh } from './shelf.ts'

/** Reading, writing, compare-and-set, removing. */
export function describeWriting(bench: Bench): void {
  describe('reading and writing', () => {
    test('gives nothing where nothing was written', async () => {
      expect(await bench.store.read('shop/alice')).toBeUndefined()
      expect(await bench.store.list()).toEqual([])
    })

    test('gives the newest write and its version, from every store on the shelf', async () => {
      const first = await bench.store.write('shop/alice', bytesOf('one'), fresh)
      expect(await bench.store.read('shop/alice')).toMatchObject({ version: first })
      const second = await bench.store.write('shop/alice', bytesOf('two'), { ifVersion: first })
      expect(second).not.toBe(first)
      const other = bench.open()
      expect(await bench.textOf('shop/alice', other)).toBe('two')
      expect((await other.read('shop/alice'))?.version).toBe(second)
    })

    test('keeps bytes of every value and length, empty ones too', async () => {
      const all = Buffer.from(Array.from({ length: 256 }, (_, value) => value))
      for (const bytes of [Buffer.alloc(0), all, Buffer.alloc(3_000_001, all)]) {
        await bench.store.write('shop/alice', bytes, {
          ifVersion: (await bench.store.read('shop/alice'))?.version,
        })
        const found = await bench.store.read('shop/alice')
        expect(found && Buffer.from(found.bytes).equals(bytes)).toBe(true)
      }
    })

    test('hands out and takes copies', async () => {
      const mine = bytesOf('one')
      await bench.store.write('shop/alice', mine, fresh)
      mine.fill(0)
      ;(await bench.store.read('shop/alice'))?.bytes.fill(0)
      expect(await bench.textOf('shop/alice')).toBe('one')
    })

    test('keeps sessions apart', async () => {
      await bench.put('shop/alice', 'one')
      await bench.put('shop/bob', 'two')
      expect([await bench.textOf('shop/alice'), await bench.textOf('shop/bob')]).toEqual(['one', 'two'])
      expect((await bench.store.list()).sort()).toEqual(['shop/alice', 'shop/bob'])
    })
  })

  describe('compare-and-set', () => {
    test('refuses an old version, one of another session and an invented one, and changes nothing', async () => {
      const first = await bench.put('shop/alice', 'one')
      await bench.put('shop/alice', 'two')
      const foreign = await bench.put('shop/bob', 'other')
      for (const ifVersion of [first, foreign, undefined, '', 'nonsense', '1-', '2-xx', '../x'])
        await expect(bench.store.write('shop/alice', bytesOf('three'), { ifVersion })).rejects.toThrow(
          StoreConflictError,
        )
      expect(await bench.textOf('shop/alice')).toBe('two')
    })

    test('refuses a version where nothing is', async () => {
      const gone = await bench.put('shop/bob', 'one')
      const conflict = await bench.store
        .write('shop/alice', bytesOf('x'), { ifVersion: gone })
        .catch((e: unknown) => e)
      expect(conflict).toBeInstanceOf(StoreConflictError)
      expect(conflict).toMatchObject({ expected: gone, found: undefined })
      expect(await bench.store.read('shop/alice')).toBeUndefined()
    })

    test('lets one of several writers with the same version through', async () => {
      for (let round = 0; round < 5; round++) {
        const ifVersion = (await bench.store.read('shop/alice'))?.version
        const writers = Array.from({ length: 8 }, (_, index) =>
          bench.open().write('shop/alice', bytesOf(`${String(round)}-${String(index)}`), { ifVersion }),
        )
        const results = await Promise.allSettled(writers)
        const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []))
        expect(winners).toHaveLength(1)
        for (const result of results)
          if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(StoreConflictError)
        expect(await bench.textOf('shop/alice')).toBe(`${String(round)}-${String(winners[0])}`)
      }
    })

    test('refuses a version from before a removal, even for the same bytes written anew and on', async () => {
      await bench.put('shop/alice', 'one')
      const before = await bench.put('shop/alice', 'two')
      await bench.store.remove('shop/alice')
      await expect(bench.store.write('shop/alice', bytesOf('x'), { ifVersion: before })).rejects.toThrow(
        StoreConflictError,
      )
      await bench.put('shop/alice', 'three')
      await bench.put('shop/alice', 'four')
      await expect(bench.store.write('shop/alice', bytesOf('x'), { ifVersion: before })).rejects.toThrow(
        StoreConflictError,
      )
      expect(await bench.textOf('shop/alice')).toBe('four')
    })
  })

  describe('removing', () => {
    test('forgets all generations, and may be repeated', async () => {
      await bench.put('shop/alice', 'one')
      await bench.put('shop/alice', 'two')
      await bench.put('shop/bob', 'stays')
      for (let time = 0; time < 2; time++) {
        await bench.store.remove('shop/alice')
        expect(await bench.store.read('shop/alice')).toBeUndefined()
        expect(await bench.store.list()).toEqual(['shop/bob'])
      }
      await bench.store.remove('never/there')
    })

    test('beside a writer leaves all of its last write or nothing', async () => {
      for (let round = 0; round < 20; round++) {
        const ifVersion = await bench.put('shop/alice', 'base')
        const other = bench.open()
        const [write] = await Promise.allSettled([
          bench.store.write('shop/alice', bytesOf('late'), { ifVersion }),
          other.remove('shop/alice'),
        ])
        if (write.status === 'rejected') expect(write.reason).toBeInstanceOf(StoreConflictError)
        expect(await bench.store.read('shop/alice')).toBeUndefined()
        expect(await bench.store.list()).toEqual([])
      }
    })
  })
}
