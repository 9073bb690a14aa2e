import { ClosedError, StoreConflictError } from '../errors.ts'
import type { Lease, Store, StoredBytes, WriteOptions } from './contract.ts'
import { checkName, checkTtl } from './session-name.ts'

/** Keeps sessions for as long as the process lives; for tests, and for jobs that end with their process. */
export function memoryStore(): Store {
  return new MemoryStore()
}

class MemoryStore implements Store {
  readonly #generations = new Map<string, { newest: StoredBytes; previous: StoredBytes | undefined }>()
  readonly #leases = new Map<string, MemoryLease>()
  readonly #listeners = new Map<string, Set<() => void>>()
  #writes = 0
  #closed = false

  read(name: string): Promise<StoredBytes | undefined> {
    return this.#do(name, () => copyOf(this.#generations.get(name)?.newest))
  }

  readPrevious(name: string): Promise<StoredBytes | undefined> {
    return this.#do(name, () => copyOf(this.#generations.get(name)?.previous))
  }

  write(name: string, bytes: Uint8Array, { ifVersion }: WriteOptions): Promise<string> {
    return this.#do(name, () => {
      const there = this.#generations.get(name)?.newest
      if (there?.version !== ifVersion) throw new StoreConflictError(name, ifVersion, there?.version)
      const version = `m${String(++this.#writes)}`
      this.#generations.set(name, { newest: { bytes: Uint8Array.from(bytes), version }, previous: there })
      this.#changed(name)
      return version
    })
  }

  remove(name: string): Promise<void> {
    return this.#do(name, () => {
      if (this.#generations.delete(name)) this.#changed(name)
    })
  }

  list(): Promise<string[]> {
    return this.#do(undefined, () => [...this.#generations.keys()])
  }

  lease(name: string, ttl: number): Promise<Lease | undefined> {
    return this.#do(name, () => {
      checkTtl(ttl)
      const holder = this.#leases.get(name)
      if (holder?.isHeld() === true) return undefined
      const lease: MemoryLease = new MemoryLease(
        (holder?.fence ?? 0) + 1,
        ttl,
        () => this.#leases.get(name) === lease,
      )
      this.#leases.set(name, lease)
      return lease
    })
  }

  watch(name: string, listener: () => void): () => void {
    if (this.#closed) throw new ClosedError('The store')
    checkName(name)
    const call = (): void => {
      listener()
    }
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(call))
    return () => {
      listeners.delete(call)
    }
  }

  close(): Promise<void> {
    this.#closed = true
    this.#listeners.clear()
    return Promise.resolve()
  }

  async #do<T>(name: string | undefined, work: () => T): Promise<T> {
    await Promise.resolve() // never answers before the caller waits, as no real store does
    if (this.#closed) throw new ClosedError('The store')
    if (name !== undefined) checkName(name)
    return work()
  }

  #changed(name: string): void {
    for (const call of this.#listeners.get(name) ?? [])
      setImmediate(() => {
        if (this.#listeners.get(name)?.has(call) === true) call()
      })
  }
}

class MemoryLease implements Lease {
  readonly fence: number
  readonly #ttl: number
  readonly #isNewest: () => boolean
  #endsAt: number

  constructor(fence: number, ttl: number, isNewest: () => boolean) {
    this.fence = fence
    this.#ttl = ttl
    this.#isNewest = isNewest
    this.#endsAt = performance.now() + ttl
  }

  isHeld(): boolean {
    return this.#isNewest() && performance.now() < this.#endsAt
  }

  renew(): Promise<boolean> {
    const held = this.isHeld()
    if (held) this.#endsAt = performance.now() + this.#ttl
    return Promise.resolve(held)
  }

  release(): Promise<void> {
    if (this.isHeld()) this.#endsAt = 0
    return Promise.resolve()
  }
}

/** The caller may change what it gets. */
function copyOf(stored: StoredBytes | undefined): StoredBytes | undefined {
  return stored && { bytes: Uint8Array.from(stored.bytes), version: stored.version }
}
