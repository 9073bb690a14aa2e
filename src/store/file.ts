import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ClosedError } from '../errors.ts'
import type { Generation, Lease, Store, StoredBytes, WriteOptions } from './contract.ts'
import { checkName, checkTtl, digestFolderOf, digestOf, folderOf, nameOf } from './session-name.ts'
import { attempt, codeOf, ensureFolder, readWhole } from './file/disk.ts'
import { removeGenerations, writeFirst, writeNext } from './file/generations.ts'
import { forgetGenerations, historyOf, readKept, readNewest } from './file/kept.ts'
import { acquireLease } from './file/lease.ts'
import { Root } from './file/root.ts'
import { watchGenerations } from './file/watch.ts'

/** In the folder of a session whose name is too long to be spelled by the folder's own. */
const NAME_FILE = 'name.json'
const LEASES = '.leases'

/**
 * Keeps each session as files of a folder in `directory`, which is created with mode 0700 at the first write. Any
 * number of processes may share it. Needs hard links, so a local disk or a network disk that has them.
 *
 * Throws `StoreFailedError` when the directory is a link, belongs to somebody else or is writable by others, and when
 * the disk does not do what it should; `StoreConflictError` as the contract says.
 */
export function fileStore(directory: string): Store {
  if (typeof directory !== 'string' || directory === '') throw new TypeError('fileStore() needs a directory')
  return new FileStore(new Root(directory))
}

class FileStore implements Store {
  readonly #root: Root
  readonly #stops = new Set<() => void>()
  #closed = false

  constructor(root: Root) {
    this.#root = root
  }

  read(name: string, version?: string): Promise<StoredBytes | undefined> {
    return this.#attempt(`read ${name}`, name, () => {
      const folder = this.#folder(name)
      return version === undefined ? readNewest(folder) : readKept(folder, version)
    })
  }

  history(name: string): Promise<readonly Generation[]> {
    return this.#attempt(`read the history of ${name}`, name, () => historyOf(this.#folder(name)))
  }

  forget(name: string, versions: readonly string[]): Promise<void> {
    return this.#attempt(`forget generations of ${name}`, name, () =>
      forgetGenerations(this.#folder(name), versions),
    )
  }

  write(name: string, bytes: Uint8Array, options: WriteOptions): Promise<string> {
    return this.#attempt(`write ${name}`, name, async () => {
      await this.#root.ensure()
      const folder = this.#folder(name)
      const { ifVersion, milestone = false } = options
      if (ifVersion !== undefined) return writeNext(folder, bytes, name, { ifVersion, milestone })
      const nameFile = folderOf(name) === undefined ? NAME_FILE : undefined
      return writeFirst(folder, bytes, name, { nameFile, milestone })
    })
  }

  remove(name: string): Promise<void> {
    return this.#attempt(`remove ${name}`, name, () => removeGenerations(this.#folder(name)))
  }

  list(): Promise<string[]> {
    return this.#attempt('list its sessions', undefined, () => {
      if (!this.#root.isThere()) return []
      return readdirSync(this.#root.path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
        .map((entry) => nameOf(entry.name) ?? this.#nameInside(entry.name))
        .filter((name) => name !== undefined)
    })
  }

  lease(name: string, ttl: number): Promise<Lease | undefined> {
    return this.#attempt(`lease ${name}`, name, async () => {
      checkTtl(ttl)
      await this.#root.ensure()
      const leases = join(this.#root.path, LEASES)
      ensureFolder(leases)
      return acquireLease(join(leases, digestOf(name)), ttl)
    })
  }

  watch(name: string, listener: () => void): () => void {
    if (this.#closed) throw new ClosedError('The store')
    checkName(name)
    const unwatch = watchGenerations(this.#folder(name), listener)
    const stop = (): void => {
      this.#stops.delete(stop)
      unwatch()
    }
    this.#stops.add(stop)
    return stop
  }

  close(): Promise<void> {
    this.#closed = true
    for (const stop of [...this.#stops]) stop()
    return Promise.resolve()
  }

  #attempt<T>(operation: string, name: string | undefined, work: () => T | Promise<T>): Promise<T> {
    return attempt(operation, () => {
      if (this.#closed) throw new ClosedError('The store')
      if (name !== undefined) checkName(name)
      this.#root.isThere() // refuses one that is not safe to use
      return work()
    })
  }

  #folder(name: string): string {
    return join(this.#root.path, folderOf(name) ?? digestFolderOf(name))
  }

  #nameInside(folder: string): string | undefined {
    try {
      const name: unknown = JSON.parse(readWhole(join(this.#root.path, folder, NAME_FILE)).toString())
      return typeof name === 'string' && digestFolderOf(name) === folder ? name : undefined
    } catch (error) {
      if (error instanceof SyntaxError || codeOf(error) === 'ENOENT') return undefined // not ours, or just removed
      throw error
    }
  }
}
