import { ClosedError, StoreConflictError } from '../errors.ts'
import type { Generation, Lease, Store, StoredBytes, WriteOptions } from './contract.ts'
import { checkName, checkTtl } from './session-name.ts'

/** Keeps sessions for as long as the process lives; for tests, and for jobs that end with their process. */
export function memoryStore(): Store {
  return new MemoryStore()
}

const KEPT = 2
const MILESTONES = 10

interface Kept extends StoredBytes {
  readonly writtenAt: number
  readonly milestone: boolean
}

class MemoryStore implements Store {
  /** Newest first; never empty. */
  readonly #generations = new Map<string, readonly Kept[]>()
  readonly #leases = new Map<string, MemoryLease>()
  readonly #listeners = new Map<string, Set<() => void>>()
  #writes = 0
  #closed = false

  read(name: string, version?: string): Promise<StoredBytes | undefined> {
    return this.#do(name, () => {
      const kept = this.#kept(name)
      return copyOf(version === undefined ? kept[0] : kept.find((one) => one.version === version))
    })
  }

  history(name: string): Promise<readonly Generation[]> {
    return this.#do(name, () =>
      this.#kept(name).map(({ version, bytes, writtenAt }) => ({ version, size: bytes.length, writtenAt })),
    )
  }

  forget(name: string, versions: readonly string[]): Promise<void> {
    return this.#do(name, () => {
      const rest = this.#kept(name).filter((one, index) => index === 0 || !versions.includes(one.version))
      if (rest.length > 0) this.#generations.set(name, rest)
    })
  }

  write(name: string, bytes: Uint8Array, { ifVersion, milestone = false }: WriteOptions): Promise<string> {
    return this.#do(name, () => {
      const kept = this.#kept(name)
      if (kept[0]?.version !== ifVersion) throw new StoreConflictError(name, ifVersion, kept[0]?.version)
      const version = `m${String(++this.#writes)}`
      const written = { bytes: Uint8Array.from(bytes), version, writtenAt: Date.now(), milestone }
      this.#generations.set(name, worthKeeping([written, ...kept]))
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

  #kept(name: string): readonly Kept[] {
    return this.#generations.get(name) ?? []
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

function worthKeeping(generations: readonly Kept[]): Kept[] {
  const milestones = generations.filter(({ milestone }) => milestone).slice(0, MILESTONES)
  return generations.filter((one, index) => index < KEPT || milestones.includes(one))
}

/** The caller may change what it gets. */
function copyOf(stored: StoredBytes | undefined): StoredBytes | undefined {
  return stored && { bytes: Uint8Array.from(stored.bytes), version: stored.version }
}
