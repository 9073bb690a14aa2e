import { describe, expect, test } from 'vitest'
import type { Bench } from './shelf.ts'
import { bytesOf, fresh } from './shelf.ts'

/** Generations that are kept, and for how long. */
export function describeHistory(bench: Bench): void {
  /** What is kept, newest first, each as its own version gives it. */
  async function texts(name = 'shop/alice'): Promise<(string | undefined)[]> {
    const history = await bench.store.history(name)
    return Promise.all(history.map(({ version }) => bench.textOf(name, bench.store, version)))
  }

  describe('history', () => {
    test('gives the newest and the one before it, newest first, with size and time', async () => {
      for (const text of ['one', 'two', 'three', 'fourth']) await bench.put('shop/alice', text)
      const history = await bench.open().history('shop/alice')
      expect(await texts()).toEqual(['fourth', 'three'])
      expect(history[0]?.version).toBe((await bench.store.read('shop/alice'))?.version)
      expect(history.map(({ size }) => size)).toEqual([6, 5])
      for (const { writtenAt } of history) {
        expect(Number.isInteger(writtenAt)).toBe(true)
        expect(Math.abs(writtenAt - Date.now())).toBeLessThan(3_600_000) // by whatever clock
      }
    })

    test('reads a kept generation by its version, and nothing for one that is not kept or never was', async () => {
      const versions: string[] = []
      for (const text of ['one', 'two', 'three']) versions.push(await bench.put('shop/alice', text))
      const foreign = await bench.put('shop/bob', 'two')
      const other = bench.open()
      const found = await Promise.all(versions.map((version) => other.read('shop/alice', version)))
      expect(found.map((one) => one && Buffer.from(one.bytes).toString())).toEqual([
        undefined,
        'two',
        'three',
      ])
      expect(found.map((one) => one?.version)).toEqual([undefined, ...versions.slice(1)])
      for (const version of [foreign, '', 'nonsense', '1-', '2-xx', '3-', '../x'])
        expect(await other.read('shop/alice', version), version).toBeUndefined()
    })

    test('keeps an empty generation like any other', async () => {
      for (const text of ['', 'next']) await bench.put('shop/alice', text)
      expect(await texts()).toEqual(['next', ''])
    })

    test('keeps milestones through many writes, the first write too', async () => {
      await bench.put('shop/alice', 'login', { milestone: true })
      for (let n = 0; n < 15; n++) await bench.put('shop/alice', String(n))
      await bench.put('shop/alice', 'renewal', { milestone: true })
      expect(await texts()).toEqual(['renewal', '14', 'login'])
      for (let n = 15; n < 30; n++) await bench.put('shop/alice', String(n))
      expect(await texts()).toEqual(['29', '28', 'renewal', 'login'])
    })

    test('keeps the last ten milestones and no more', async () => {
      for (let n = 0; n < 14; n++) await bench.put('shop/alice', `m${String(n)}`, { milestone: true })
      expect(await texts()).toEqual(Array.from({ length: 10 }, (_, n) => `m${String(13 - n)}`))
      await bench.put('shop/alice', 'x')
      await bench.put('shop/alice', 'y')
      expect(await texts()).toEqual(['y', 'x', ...Array.from({ length: 10 }, (_, n) => `m${String(13 - n)}`)])
    })

    test('is empty where nothing is, and after a removal, milestones included', async () => {
      expect(await bench.store.history('shop/alice')).toEqual([])
      const milestone = await bench.put('shop/alice', 'login', { milestone: true })
      for (const text of ['one', 'two', 'three']) await bench.put('shop/alice', text)
      await bench.store.remove('shop/alice')
      expect(await bench.store.history('shop/alice')).toEqual([])
      expect(await bench.store.read('shop/alice', milestone)).toBeUndefined()
      await bench.put('shop/alice', 'anew')
      expect(await texts()).toEqual(['anew'])
    })
  })

  describe('forgetting', () => {
    test('drops what is asked, previous and milestones, and never the newest', async () => {
      const versions: string[] = []
      for (const text of ['login', 'second', 'one', 'two', 'three'])
        versions.push(await bench.put('shop/alice', text, { milestone: !/^[ot]/.test(text) }))
      expect(await texts()).toEqual(['three', 'two', 'second', 'login'])
      await bench.store.forget('shop/alice', [...versions.slice(0, 1), ...versions.slice(3)])
      expect(await texts()).toEqual(['three', 'second'])
      expect(await bench.textOf('shop/alice')).toBe('three')
      expect(await bench.store.read('shop/alice', versions[3])).toBeUndefined()
      await bench.put('shop/alice', 'next')
      expect(await texts()).toEqual(['next', 'three', 'second'])
    })

    test('of a milestone that is also the previous generation drops it', async () => {
      const login = await bench.put('shop/alice', 'login', { milestone: true })
      const newest = await bench.put('shop/alice', 'one', { milestone: true })
      await bench.store.forget('shop/alice', [login, newest])
      expect(await texts()).toEqual(['one'])
      await bench.store.forget('shop/alice', [login, newest])
      await bench.put('shop/alice', 'two')
      await bench.put('shop/alice', 'three')
      expect(await texts()).toEqual(['three', 'two', 'one'])
    })

    test('leaves compare-and-set as it was: what was current once is refused, what is current is taken', async () => {
      const first = await bench.put('shop/alice', 'one')
      const second = await bench.put('shop/alice', 'two')
      await bench.store.forget('shop/alice', [first, second])
      for (const ifVersion of [first, undefined])
        await expect(bench.store.write('shop/alice', bytesOf('x'), { ifVersion })).rejects.toThrow()
      await bench.store.write('shop/alice', bytesOf('three'), { ifVersion: second })
      expect(await texts()).toEqual(['three', 'two'])
    })

    test('of what is not there, or not of this session, is no error and drops nothing', async () => {
      await bench.store.forget('never/there', ['1-x'])
      const foreign = await bench.store.write('shop/bob', bytesOf('two'), fresh)
      await bench.put('shop/alice', 'one')
      await bench.put('shop/alice', 'two')
      await bench.store.forget('shop/alice', [foreign, '', 'nonsense', '../x', '1-'])
      await bench.store.forget('shop/alice', [])
      expect(await texts()).toEqual(['two', 'one'])
      expect(await texts('shop/bob')).toEqual(['two'])
    })
  })
}
