import { StoreFailedError } from '../errors.ts'
import type { Store } from '../store/contract.ts'

/** A store that has failed is not asked again for so long, ms. */
const restFor = 3_000

/**
 * A store that fails at once for a while after it has failed. For those who go on without it: a login asks the store half
 * a dozen times, and each would wait as long as the store takes to say that it is not there.
 */
export function withoutPatience(store: Store): Store {
  let failed: { readonly error: StoreFailedError; readonly at: number } | undefined
  const guard = async <T>(work: () => Promise<T>): Promise<T> => {
    if (failed !== undefined && performance.now() - failed.at < restFor) throw failed.error
    try {
      const result = await work()
      failed = undefined
      return result
    } catch (error) {
      if (error instanceof StoreFailedError) failed = { error, at: performance.now() }
      throw error
    }
  }
  return {
    read: (name, version) => guard(() => store.read(name, version)),
    history: (name) => guard(() => store.history(name)),
    forget: (name, versions) => guard(() => store.forget(name, versions)),
    write: (name, bytes, options) => guard(() => store.write(name, bytes, options)),
    remove: (name) => guard(() => store.remove(name)),
    list: () => guard(() => store.list()),
    lease: (name, ttl) => guard(() => store.lease(name, ttl)),
    watch: (name, listener) => store.watch(name, listener),
    close: () => store.close(),
  }
}
