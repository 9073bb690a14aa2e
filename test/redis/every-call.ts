import { expect } from 'vitest'
import { StoreFailedError } from '../../src/errors.ts'
import type { Store } from '../../src/store/contract.ts'

/** What a machine at load 20 may take on top of the store's own time. */
const PATIENCE_MS = 15_000

/** Every call of a store that asks Redis something. */
export const everyCall: Readonly<Record<string, (store: Store, name: string) => Promise<unknown>>> = {
  read: (store, name) => store.read(name),
  history: (store, name) => store.history(name),
  write: (store, name) => store.write(name, Buffer.from('fault'), { ifVersion: undefined }),
  forget: (store, name) => store.forget(name, ['x']),
  remove: (store, name) => store.remove(name),
  list: (store) => store.list(),
  lease: (store, name) => store.lease(name, 1_000),
}

/** All calls at once: each must fail in bounded time, with one of the words; gives the longest time in ms. */
export async function expectAllFail(
  store: Store,
  words: readonly string[],
  calls = Object.keys(everyCall),
): Promise<number> {
  const times = await Promise.all(
    calls.map(async (call) => {
      const started = performance.now()
      const error = await failureOf(everyCall[call]?.(store, 'shop/alice') ?? Promise.resolve())
      const took = performance.now() - started
      expect(error, call).toBeInstanceOf(StoreFailedError)
      expect(words, call).toContain((error as { cause: { code: string } }).cause.code)
      expect(took, call).toBeLessThan(PATIENCE_MS)
      return took
    }),
  )
  return Math.max(...times)
}

export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return { resolved: await work }
  } catch (error) {
    return error
  }
}
