import type { IndexedDatabase } from '../../../state/state.ts'
import type { encodeValue } from './encode-value.ts'
import type { Problem } from './problem.ts'
import type { readDatabases } from './read-databases.ts'

export interface ReadRequest {
  /**
   * localStorage and IndexedDB are what all documents of an origin share; sessionStorage every tab has for itself.
   */
  readonly local: boolean
  readonly session: boolean
  /** `count` only says whether there are any: most origins have none, and the script that reads them is long. */
  readonly databases: 'read' | 'count' | 'no'
  /** Milliseconds for one database. */
  readonly databaseTimeout: number
  /** Answers `#` and its length instead when both storages together are longer than this, in UTF-16 units. */
  readonly longest?: number
  /** A key of ours in sessionStorage, not to be told. */
  readonly marker: string
}

export type Items = (readonly [name: string, value: string])[]

export interface StorageRead {
  /** Where the document really stands; `null` in a sandbox. */
  readonly origin: string
  readonly local?: Items
  readonly session?: Items
  readonly databases?: IndexedDatabase[]
  readonly databaseCount?: number
  readonly problems: Problem[]
}

/**
 * Reads the storage of the page's origin. Answers as JSON text, in which lone surrogates are escaped, and so travel.
 * A storage that the page is denied is left out and told. Runs in a page; the parts that read databases are left out
 * (null) when not needed.
 */
export async function readStorage(
  encode: typeof encodeValue | null,
  databasesOf: typeof readDatabases | null,
  request: ReadRequest,
): Promise<string> {
  const problems: Problem[] = []
  const denied = (kind: Problem['kind'], error: unknown): undefined => {
    const { name, message } = error as Error
    problems.push({ kind, name: '*', reason: 'unreadable', rule: name === 'Error' ? message : name })
  }
  // By index: Object.keys would lose a key named `length`.
  const items = (storage: Storage): Items =>
    Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '')
      .filter((name) => name !== request.marker)
      .map((name) => [name, storage.getItem(name) ?? ''])
  const length = (list: Items = []): number =>
    list.reduce((sum, [name, value]) => sum + name.length + value.length, 0)

  const read: { -readonly [field in keyof StorageRead]: StorageRead[field] } = {
    origin: self.origin,
    problems,
  }
  try {
    if (request.local) read.local = items(localStorage)
  } catch (error) {
    denied('localStorage', error)
  }
  try {
    if (request.session) read.session = items(sessionStorage)
  } catch (error) {
    denied('sessionStorage', error)
  }
  const size = length(read.local) + length(read.session)
  if (request.longest !== undefined && size > request.longest) return `#${String(size)}`
  try {
    if (request.databases === 'count') read.databaseCount = (await indexedDB.databases()).length
    if (request.databases === 'read' && encode !== null && databasesOf !== null) {
      const found = await databasesOf(encode, request.databaseTimeout)
      read.databases = found.databases
      problems.push(...found.problems)
    }
  } catch (error) {
    denied('indexedDB', error)
  }
  return JSON.stringify(read)
}
