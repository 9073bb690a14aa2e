import type { Store } from '../../src/store/contract.ts'

/**
 * Stands for the name that only the holder of the keys can read (`sealedName`): a store that keeps no names in clear
 * lists it instead. Lone surrogates survive.
 */
const SEALED = 'sealed:'

function sealedNameOf(name: string): string {
  return SEALED + Buffer.from(name, 'utf16le').toString('base64url')
}

/** What a store lists, as the name. */
function nameFrom(listed: string): string {
  if (!listed.startsWith(SEALED)) return listed
  return Buffer.from(listed.slice(SEALED.length), 'base64url').toString('utf16le')
}

const wrapped = new WeakMap<Store, Store>()

/** The store as the suite uses it: each write hands over a sealed name, and the list gives names again. */
export function withSealedNames(store: Store): Store {
  const known = wrapped.get(store)
  if (known !== undefined) return known
  const named: Store = {
    read: (name, version) => store.read(name, version),
    history: (name) => store.history(name),
    forget: (name, versions) => store.forget(name, versions),
    write: (name, bytes, options) => store.write(name, bytes, { sealedName: sealedNameOf(name), ...options }),
    remove: (name) => store.remove(name),
    list: async () => (await store.list()).map(nameFrom),
    lease: (name, ttl) => store.lease(name, ttl),
    watch: (name, listener) => store.watch(name, listener),
    close: () => store.close(),
  }
  wrapped.set(store, named)
  return named
}
