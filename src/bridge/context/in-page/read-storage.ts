import type { IndexedDatabase } from '../../../state/state.ts'
import type { encodeValue } from './encode-value.ts'
import type { Problem } from './problem.ts'
import type { readDatabases } from './read-databases.ts'

export interface ReadRequest {
  /** localStorage and IndexedDB, which all documents of an origin share. */
  readonly shared: boolean
  /** sessionStorage, which every tab has for itself. */
  readonly session: boolean
  /** Milliseconds for one database. */
  readonly databaseTimeout: number
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
  readonly problems: Problem[]
}

/**
 * Reads the web storage of the page's origin. Answers as JSON text, in which lone surrogates are escaped, and so travel.
 * A storage that the page is denied is left out and told. Runs in a page.
 */
export async function readStorage(
  encode: typeof encodeValue,
  databasesOf: typeof readDatabases,
  request: ReadRequest,
): Promise<string> {
  const problems: Problem[] = []
  const denied = (kind: Problem['kind'], error: unknown): undefined => {
    const { name, message } = error as Error
    problems.push({ kind, name: '*', reason: 'unreadable', rule: name === 'Error' ? message : name })
  }
  // By index: Object.keys would lose a key named `length`, and index 0 would be taken for a key.
  const items = (storage: Storage): Items =>
    Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '')
      .filter((name) => name !== request.marker)
      .map((name) => [name, storage.getItem(name) ?? ''])

  const read: { -readonly [field in keyof StorageRead]: StorageRead[field] } = {
    origin: self.origin,
    problems,
  }
  if (request.shared) {
    try {
      read.local = items(localStorage)
    } catch (error) {
      denied('localStorage', error)
    }
    try {
      const { databases, problems: inside } = await databasesOf(encode, request.databaseTimeout)
      read.databases = databases
      problems.push(...inside)
    } catch (error) {
      denied('indexedDB', error)
    }
  }
  if (request.session) {
    try {
      read.session = items(sessionStorage)
    } catch (error) {
      denied('sessionStorage', error)
    }
  }
  return JSON.stringify(read)
}

/** How much both web storages hold, in UTF-16 units, as text. Runs in a page. */
export function storageSize(): string {
  const size = (storage: Storage): number => {
    let sum = 0
    for (let index = 0; index < storage.length; index += 1)
      sum += storage.getItem(storage.key(index) ?? '')?.length ?? 0
    return sum
  }
  try {
    return String(size(localStorage) + size(sessionStorage))
  } catch {
    return '0' // denied; reading will say so
  }
}
