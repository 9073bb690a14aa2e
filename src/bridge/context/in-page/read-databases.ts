import type { IndexedDatabase } from '../../../state/state.ts'
import type { encodeValue } from './encode-value.ts'
import type { Problem } from './problem.ts'

type Store = IndexedDatabase['stores'][number]

/**
 * Reads every IndexedDB database of the page's origin. A database that does not open in time, a store that cannot be
 * read, a record of a type that the form cannot express: each is told and costs the others nothing. Runs in a page.
 * `ms` is the time for one database.
 */
export async function readDatabases(
  encode: typeof encodeValue,
  ms: number,
): Promise<{ databases: IndexedDatabase[]; problems: Problem[] }> {
  const problems: Problem[] = []
  const problem = (name: string, reason: Problem['reason'], rule: string): void => {
    problems.push({ kind: 'indexedDB', name, reason, rule })
  }
  const answer = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => {
        resolve(request.result)
      }
      request.onerror = () => {
        reject(new Error(request.error?.name))
      }
    })
  const open = (name: string): Promise<IDBDatabase> => {
    const request = indexedDB.open(name)
    // Deleted since it was listed: opening would create it, empty.
    request.onupgradeneeded = () => request.transaction?.abort()
    return answer(request)
  }
  const inTime = <T>(work: Promise<T>): Promise<T | 'late'> =>
    Promise.race([
      work,
      new Promise<'late'>((resolve) => {
        setTimeout(() => {
          resolve('late')
        }, ms)
      }),
    ])
  const paths = (path: string | string[] | null): { keyPath?: string; keyPathArray?: string[] } =>
    typeof path === 'string' ? { keyPath: path } : Array.isArray(path) ? { keyPathArray: path } : {}

  const readRecords = async (store: IDBObjectStore, where: string): Promise<Store['records']> => {
    const [keys, values] = await Promise.all([answer(store.getAllKeys()), answer(store.getAll())])
    const left = new Map<string, number>()
    const records: Store['records'][number][] = []
    keys.forEach((key, index) => {
      try {
        const value = encode(values[index])
        const encodedKey = store.keyPath === null ? encode(key) : undefined
        records.push({
          ...(encodedKey && (encodedKey.plain ? { key } : { keyEncoded: encodedKey.encoded })),
          ...(value.plain ? { value: values[index] as unknown } : { valueEncoded: value.encoded }),
        })
      } catch (error) {
        const type = (error as Error).message
        left.set(type, (left.get(type) ?? 0) + 1)
      }
    })
    for (const [type, count] of left)
      problem(
        where,
        'unsupported',
        `${String(count)} records hold what a storage state cannot express: ${type}`,
      )
    return records
  }

  const readStore = async (store: IDBObjectStore, where: string): Promise<Store> => ({
    name: store.name,
    ...paths(store.keyPath),
    autoIncrement: store.autoIncrement,
    records: await readRecords(store, where).catch((error: unknown) => {
      problem(where, 'unreadable', `its records could not be read (${(error as Error).message})`)
      return []
    }),
    indexes: [...store.indexNames].map((name) => {
      const index = store.index(name)
      return { name, ...paths(index.keyPath), multiEntry: index.multiEntry, unique: index.unique }
    }),
  })

  const readDatabase = async (name: string): Promise<IndexedDatabase | undefined> => {
    const opening = open(name)
    const database = await inTime(opening)
    if (database === 'late') {
      problem(name, 'timed-out', 'the database did not open; the page may be changing its version')
      opening.then(
        (late) => {
          late.close()
        },
        () => undefined,
      )
      return undefined
    }
    database.onversionchange = () => {
      database.close() // never stand in the way of the page's own upgrade
    }
    try {
      const names = [...database.objectStoreNames]
      if (names.length === 0) return { name, version: database.version, stores: [] }
      const transaction = database.transaction(names, 'readonly')
      const reading = names.map((store) => readStore(transaction.objectStore(store), `${name}/${store}`))
      const stores = await inTime(Promise.all(reading))
      if (stores !== 'late') return { name, version: database.version, stores }
      problem(name, 'timed-out', 'reading its records took too long')
      return undefined
    } finally {
      database.close()
    }
  }

  const listed = await indexedDB.databases()
  const names = listed.map((info) => info.name ?? '').sort()
  const databases = await Promise.all(
    names.map((name) =>
      readDatabase(name).catch((error: unknown) => {
        problem(name, 'unreadable', `the database could not be read (${(error as Error).message})`)
        return undefined
      }),
    ),
  )
  return { databases: databases.filter((database) => database !== undefined), problems }
}
