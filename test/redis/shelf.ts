import type { Store } from '../../src/store/contract.ts'
import type { ShelfUnderTest } from '../conformance/store.ts'

/** A shelf that closes every store which was opened on it: each has connections. */
export function shelfOf(open: () => Store, close: () => Promise<void>): ShelfUnderTest {
  const opened: Store[] = []
  return {
    open() {
      const store = open()
      opened.push(store)
      return store
    },
    async close() {
      await Promise.all(opened.map((store) => store.close()))
      await close()
    },
  }
}
