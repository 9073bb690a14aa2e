import { afterEach, beforeEach } from 'vitest'
import type { Store } from '../../src/store/contract.ts'
import { withSealedNames } from './sealed-name.ts'

/** One shelf, and ways to it. */
export interface ShelfUnderTest {
  /** Another store on the same shelf, as another process or machine has it. */
  open(): Store
  close(): Promise<void>
}

/** A shelf of its own for each test, and what the tests do with it. */
export interface Bench {
  readonly store: Store
  open(): Store
  /** Writes over whatever is there. */
  put(name: string, text: string, options?: { readonly milestone?: boolean }): Promise<string>
  textOf(name: string, from?: Store, version?: string): Promise<string | undefined>
}

export const fresh = { ifVersion: undefined }
export const bytesOf = (text: string): Buffer => Buffer.from(text)

export function benchFor(makeShelf: () => Promise<ShelfUnderTest>): Bench {
  let shelf: ShelfUnderTest
  let store: Store

  beforeEach(async () => {
    shelf = await makeShelf()
    store = withSealedNames(shelf.open())
  })

  afterEach(async () => {
    await store.close()
    await shelf.close()
  })

  return {
    get store() {
      return store
    },
    open: () => withSealedNames(shelf.open()),
    async put(name, text, options = {}) {
      const ifVersion = (await store.read(name))?.version
      return store.write(name, bytesOf(text), { ifVersion, ...options })
    },
    async textOf(name, from = store, version?: string) {
      const found = await from.read(name, version)
      return found && Buffer.from(found.bytes).toString()
    },
  }
}

/** What is thrown at once counts like what is rejected. */
export async function rejecting(call: () => Promise<unknown>): Promise<unknown> {
  return call()
}
