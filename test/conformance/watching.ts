import { describe, expect, test } from 'vitest'
import type { Bench } from './shelf.ts'
import { bytesOf, fresh } from './shelf.ts'
import { eventually } from './wait.ts'

/** Changes by anybody are heard of. */
export function describeWatching(bench: Bench): void {
  describe('watching', () => {
    test('hears of each first write, further write and removal by another store, until stopped', async () => {
      const other = bench.open()
      let calls = 0
      const stop = bench.store.watch('shop/alice', () => {
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
      const stopControl = bench.store.watch('shop/alice', () => {
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
      const stops = [
        bench.store.watch('shop/alice', () => alice++),
        bench.store.watch('shop/bob', () => bob++),
      ]
      await bench.put('shop/bob', 'x')
      await eventually(() => Promise.resolve(bob > 0 || undefined))
      for (const stop of stops) stop()
      expect(alice).toBe(0)
    })
  })
}
