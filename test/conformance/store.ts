import { describe, expect, test } from 'vitest'
import { ClosedError } from '../../src/errors.ts'
import { describeHistory } from './history.ts'
import { describeLeases } from './leases.ts'
import { describeNames } from './names.ts'
import type { ShelfUnderTest } from './shelf.ts'
import { benchFor, bytesOf, fresh, rejecting } from './shelf.ts'
import { describeWatching } from './watching.ts'
import { describeWriting } from './writing.ts'

export type { ShelfUnderTest } from './shelf.ts'
export { eventually, pause } from './wait.ts'

/** Every sentence of the contract (src/store/contract.ts) as a test, for any store. */
export function describeStore(kind: string, makeShelf: () => Promise<ShelfUnderTest>): void {
  describe(`a ${kind} store`, () => {
    const bench = benchFor(makeShelf)

    describeWriting(bench)
    describeHistory(bench)
    describeNames(bench)
    describeLeases(bench)
    describeWatching(bench)

    test('once closed refuses everything, and leaves what is stored to others', async () => {
      const other = bench.open()
      await other.write('shop/alice', bytesOf('one'), fresh)
      const closed = bench.open()
      await closed.close()
      await closed.close()
      const calls = [
        () => closed.read('shop/alice'),
        () => closed.history('shop/alice'),
        () => closed.forget('shop/alice', []),
        () => closed.write('shop/alice', bytesOf('x'), fresh),
        () => closed.remove('shop/alice'),
        () => closed.list(),
        () => closed.lease('shop/alice', 1000),
        () => Promise.resolve(closed.watch('shop/alice', () => undefined)),
      ]
      for (const call of calls) await expect(rejecting(call)).rejects.toThrow(ClosedError)
      if (other !== closed) expect(await bench.textOf('shop/alice', other)).toBe('one')
    })
  })
}
