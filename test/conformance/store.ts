import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ClosedError, StoreConflictError } from '../../src/errors.ts'
import type { Store } from '../../src/store/contract.ts'

/** One shelf, and ways to it. */
export interface ShelfUnderTest {
  /** Another store on the same shelf, as another process or machine has it. */
  open(): Store
  close(): Promise<void>
}

const bytesOf = (text: string): Buffer => Buffer.from(text)
const fresh = { ifVersion: undefined }

/** Every sentence of the contract (src/store/contract.ts) as a test, for any store. */
export function describeStore(kind: string, makeShelf: () => Promise<ShelfUnderTest>): void {
  describe(`a ${kind} store`, () => {
    let shelf: ShelfUnderTest
    let store: Store

    beforeEach(async () => {
      shelf = await makeShelf()
      store = shelf.open()
    })

    afterEach(async () => {
      await store.close()
      await shelf.close()
    })

    async function textOf(name: string, from = store): Promise<string | undefined> {
      const found = await from.read(name)
      return found && Buffer.from(found.bytes).toString()
    }

    /** Writes over whatever is there. */
    async function put(name: string, text: string): Promise<string> {
      return store.write(name, bytesOf(text), { ifVersion: (await store.read(name))?.version })
    }

    describe('reading and writing', () => {
      test('gives nothing where nothing was written', async () => {
        expect(await store.read('shop/alice')).toBeUndefined()
        expect(await store.readPrevious('shop/alice')).toBeUndefined()
        expect(await store.list()).toEqual([])
      })

      test('gives the newest write and its version, from every store on the shelf', async () => {
        const first = await store.write('shop/alice', bytesOf('one'), fresh)
        expect(await store.read('shop/alice')).toMatchObject({ version: first })
        const second = await store.write('shop/alice', bytesOf('two'), { ifVersion: first })
        expect(second).not.toBe(first)
        const other = shelf.open()
        expect(await textOf('shop/alice', other)).toBe('two')
        expect((await other.read('shop/alice'))?.version).toBe(second)
      })

      test('keeps bytes of every value and length, empty ones too', async () => {
        const all = Buffer.from(Array.from({ length: 256 }, (_, value) => value))
        for (const bytes of [Buffer.alloc(0), all, Buffer.alloc(3_000_001, all)]) {
          await store.write('shop/alice', bytes, { ifVersion: (await store.read('shop/alice'))?.version })
          const found = await store.read('shop/alice')
          expect(found && Buffer.from(found.bytes).equals(bytes)).toBe(true)
        }
      })

      test('hands out and takes copies', async () => {
        const mine = bytesOf('one')
        await store.write('shop/alice', mine, fresh)
        mine.fill(0)
        ;(await store.read('shop/alice'))?.bytes.fill(0)
        expect(await textOf('shop/alice')).toBe('one')
      })

      test('keeps the generation before the newest', async () => {
        for (const text of ['one', 'two', 'three', 'four']) await put('shop/alice', text)
        const previous = await store.readPrevious('shop/alice')
        expect(previous && Buffer.from(previous.bytes).toString()).toBe('three')
      })

      test('keeps sessions apart', async () => {
        await put('shop/alice', 'one')
        await put('shop/bob', 'two')
        expect([await textOf('shop/alice'), await textOf('shop/bob')]).toEqual(['one', 'two'])
        expect((await store.list()).sort()).toEqual(['shop/alice', 'shop/bob'])
      })
    })

    describe('compare-and-set', () => {
      test('refuses an old version, one of another session and an invented one, and changes nothing', async () => {
        const first = await put('shop/alice', 'one')
        await put('shop/alice', 'two')
        const foreign = await put('shop/bob', 'other')
        for (const ifVersion of [first, foreign, undefined, '', 'nonsense', '1-', '2-xx', '../x'])
          await expect(store.write('shop/alice', bytesOf('three'), { ifVersion })).rejects.toThrow(
            StoreConflictError,
          )
        expect(await textOf('shop/alice')).toBe('two')
        const previous = await store.readPrevious('shop/alice')
        expect(previous && Buffer.from(previous.bytes).toString()).toBe('one')
      })

      test('refuses a version where nothing is', async () => {
        const gone = await put('shop/bob', 'one')
        const conflict = await store
          .write('shop/alice', bytesOf('x'), { ifVersion: gone })
          .catch((e: unknown) => e)
        expect(conflict).toBeInstanceOf(StoreConflictError)
        expect(conflict).toMatchObject({ expected: gone, found: undefined })
        expect(await store.read('shop/alice')).toBeUndefined()
      })

      test('lets one of several writers with the same version through', async () => {
        for (let round = 0; round < 5; round++) {
          const ifVersion = (await store.read('shop/alice'))?.version
          const writers = Array.from({ length: 8 }, (_, index) =>
            shelf.open().write('shop/alice', bytesOf(`${String(round)}-${String(index)}`), { ifVersion }),
          )
          const results = await Promise.allSettled(writers)
          const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []))
          expect(winners).toHaveLength(1)
          for (const result of results)
            if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(StoreConflictError)
          expect(await textOf('shop/alice')).toBe(`${String(round)}-${String(winners[0])}`)
        }
      })

      test('refuses a version from before a removal, even for the same bytes written anew and on', async () => {
        await put('shop/alice', 'one')
        const before = await put('shop/alice', 'two')
        await store.remove('shop/alice')
        await expect(store.write('shop/alice', bytesOf('x'), { ifVersion: before })).rejects.toThrow(
          StoreConflictError,
        )
        await put('shop/alice', 'three')
        await put('shop/alice', 'four')
        await expect(store.write('shop/alice', bytesOf('x'), { ifVersion: before })).rejects.toThrow(
          StoreConflictError,
        )
        expect(await textOf('shop/alice')).toBe('four')
      })
    })

    describe('removing', () => {
      test('forgets all generations, and may be repeated', async () => {
        await put('shop/alice', 'one')
        await put('shop/alice', 'two')
        await put('shop/bob', 'stays')
        for (let time = 0; time < 2; time++) {
          await store.remove('shop/alice')
          expect(await store.read('shop/alice')).toBeUndefined()
          expect(await store.readPrevious('shop/alice')).toBeUndefined()
          expect(await store.list()).toEqual(['shop/bob'])
        }
        await store.remove('never/there')
      })

      test('beside a writer leaves all of its last write or nothing', async () => {
        for (let round = 0; round < 20; round++) {
          const ifVersion = await put('shop/alice', 'base')
          const other = shelf.open()
          const [write] = await Promise.allSettled([
            store.write('shop/alice', bytesOf('late'), { ifVersion }),
            other.remove('shop/alice'),
          ])
          if (write.status === 'rejected') expect(write.reason).toBeInstanceOf(StoreConflictError)
          expect(await store.read('shop/alice')).toBeUndefined()
          expect(await store.list()).toEqual([])
        }
      })
    })

    describe('names', () => {
      const names = [
        ...[
          'shop/alice',
          'Shop/alice',
          'shop/Alice',
          'SHOP/ALICE',
          'shop/../alice',
          '..',
          '.',
          '../../etc/passwd',
        ],
        ...[
          '/',
          '//',
          'a/b/c',
          'a~b',
          'a%2fb',
          '%',
          '%u0041',
          'A',
          '\\',
          'a\\b',
          'C:\\x',
          'a:b',
          'a b',
          ' ',
          '~',
        ],
        ...[
          '\0',
          'a\nb',
          'é',
          'e\u0301',
          'ß',
          'ss',
          'İ',
          'i',
          '😀',
          '\ud800',
          '\udc00',
          '\ufffd',
          'con',
          'a.',
          '.a',
        ],
        ...[
          'a.b',
          '.work',
          '.leases',
          '1.sealed',
          'name.json',
          '__proto__',
          'constructor',
          '{a}',
          'a*',
          'a?',
          '-rf',
        ],
        ...['a'.repeat(200), 'A'.repeat(200), '😀'.repeat(100), `${'é'.repeat(199)}a`, `${'é'.repeat(199)}b`],
      ]

      test('of every kind stay apart, are listed as they were given, and can be removed', async () => {
        for (const name of names) await store.write(name, bytesOf(JSON.stringify(name)), fresh)
        expect((await shelf.open().list()).sort()).toEqual([...names].sort())
        for (const name of names) expect(await textOf(name)).toBe(JSON.stringify(name))
        for (const name of names) {
          expect((await store.lease(name, 60_000))?.fence, name).toBe(1)
          await store.remove(name)
        }
        expect(await store.list()).toEqual([])
      })

      test('that are no names are refused as misuse', async () => {
        for (const name of ['', 'a'.repeat(201)]) {
          await expect(store.read(name)).rejects.toThrow(TypeError)
          await expect(store.write(name, bytesOf('x'), fresh)).rejects.toThrow(TypeError)
          await expect(store.lease(name, 1000)).rejects.toThrow(TypeError)
        }
      })
    })

    describe('leases', () => {
      test('are exclusive per name, until released', async () => {
        const other = shelf.open()
        const lease = await store.lease('shop/alice', 60_000)
        expect(lease).toBeDefined()
        expect(await other.lease('shop/alice', 60_000)).toBeUndefined()
        expect(await store.lease('shop/alice', 60_000)).toBeUndefined()
        expect(await other.lease('shop/bob', 60_000)).toBeDefined()
        await lease?.release()
        expect(await other.lease('shop/alice', 60_000)).toBeDefined()
      })

      test('go to one of many who want them at once', async () => {
        for (let round = 0; round < 5; round++) {
          const wanted = Array.from({ length: 10 }, () => shelf.open().lease('shop/alice', 60_000))
          const got = (await Promise.all(wanted)).filter((lease) => lease !== undefined)
          expect(got).toHaveLength(1)
          await got[0]?.release()
        }
      })

      test('have fences that only grow, over release, expiry and removal', async () => {
        let highest = 0
        for (let round = 0; round < 6; round++) {
          const lease = await eventually(() => store.lease('shop/alice', 30))
          expect(lease.fence).toBeGreaterThan(highest)
          highest = lease.fence
          if (round % 3 === 0) await lease.release()
          if (round % 3 === 1) {
            await put('shop/alice', 'x')
            await store.remove('shop/alice')
          }
        }
      })

      test('end by themselves after their ttl and not before, and their holder learns it', async () => {
        const other = shelf.open()
        const started = performance.now()
        const lease = await store.lease('shop/alice', 200)
        const next = await eventually(() => other.lease('shop/alice', 60_000))
        expect(performance.now() - started).toBeGreaterThanOrEqual(200)
        expect(await lease?.renew()).toBe(false)
        await lease?.release() // frees nothing that is not ours
        expect(await store.lease('shop/alice', 60_000)).toBeUndefined()
        expect(await next.renew()).toBe(true)
      })

      test('last as long as they are renewed', async () => {
        const other = shelf.open()
        const lease = await store.lease('shop/alice', 300)
        const until = performance.now() + 1_000
        while (performance.now() < until) {
          expect(await lease?.renew()).toBe(true)
          expect(await other.lease('shop/alice', 300)).toBeUndefined()
          await pause(20)
        }
        await lease?.release()
        expect(await lease?.renew()).toBe(false)
      })

      test('are refused for a ttl that is none', async () => {
        for (const ttl of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
          await expect(rejecting(() => store.lease('shop/alice', ttl))).rejects.toThrow(TypeError)
      })

      test('leave the stored bytes alone, and do not list the name', async () => {
        await store.lease('shop/alice', 60_000)
        expect(await store.list()).toEqual([])
        await put('shop/alice', 'one')
        expect(await textOf('shop/alice')).toBe('one')
      })
    })

    describe('watching', () => {
      test('hears of each first write, further write and removal by another store, until stopped', async () => {
        const other = shelf.open()
        let calls = 0
        const stop = store.watch('shop/alice', () => {
          calls++
        })
        const heard = async (change: () => Promise<unknown>): Promise<void> => {
          const before = calls
          await change()
          await eventually(() => Promise.resolve(calls > before || undefined))
        }
        let version: string | undefined
        for (let round = 0; round < 2; round++) {
          for (let write = 0; write < 3; write++)
            await heard(async () => {
              version = await other.write('shop/alice', bytesOf(String(write)), { ifVersion: version })
            })
          await heard(() => other.remove('shop/alice'))
          version = undefined
        }
        stop()
        stop()
        const atStop = calls
        let control = 0
        const stopControl = store.watch('shop/alice', () => {
          control++
        })
        await other.write('shop/alice', bytesOf('x'), fresh)
        await eventually(() => Promise.resolve(control > 0 || undefined))
        stopControl()
        expect(calls).toBe(atStop)
      })

      test('does not hear of other sessions', async () => {
        let alice = 0
        let bob = 0
        const stops = [store.watch('shop/alice', () => alice++), store.watch('shop/bob', () => bob++)]
        await put('shop/bob', 'x')
        await eventually(() => Promise.resolve(bob > 0 || undefined))
        for (const stop of stops) stop()
        expect(alice).toBe(0)
      })
    })

    test('once closed refuses everything, and leaves what is stored to others', async () => {
      const other = shelf.open()
      await other.write('shop/alice', bytesOf('one'), fresh)
      const closed = shelf.open()
      await closed.close()
      await closed.close()
      const calls = [
        () => closed.read('shop/alice'),
        () => closed.readPrevious('shop/alice'),
        () => closed.write('shop/alice', bytesOf('x'), fresh),
        () => closed.remove('shop/alice'),
        () => closed.list(),
        () => closed.lease('shop/alice', 1000),
        () => Promise.resolve(closed.watch('shop/alice', () => undefined)),
      ]
      for (const call of calls) await expect(rejecting(call)).rejects.toThrow(ClosedError)
      if (other !== closed) expect(await textOf('shop/alice', other)).toBe('one')
    })
  })
}

/** What is thrown at once counts like what is rejected. */
async function rejecting(call: () => Promise<unknown>): Promise<unknown> {
  return call()
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Asks until there is an answer; the test's own deadline ends it. */
export async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await pause(5)
  }
}
