import type { IndexedDatabase } from '../../../state/state.ts'
import type { decodeValue } from './decode-value.ts'
import type { Problem } from './problem.ts'

type Store = IndexedDatabase['stores'][number]

/**
 * Replaces the IndexedDB databases of the page's origin by the given ones. A record that a store refuses is told and
 * costs the others nothing. Runs in a page. `ms` is the time for one database to be deleted or opened.
 */
export async function writeDatabases(
  decode: typeof decodeValue,
  databases: readonly IndexedDatabase[],
  ms: number,
): Promise<Problem[]> {
  const problems: Problem[] = []
  const problem = (name: string, error: unknown): void => {
    const { message } = error as Error
    const reason = message === 'QuotaExceededError' ? 'too-big' : message === 'late' ? 'timed-out' : 'refused'
    problems.push({ kind: 'indexedDB', name, reason, rule: message })
  }
  const answer = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => {
        resolve(request.result)
      }
      request.onerror = (event) => {
        event.preventDefault() // one refused record must not take the transaction with it
        reject(new Error(request.error?.name))
      }
    })
  const inTime = <T>(work: Promise<T>): Promise<T> =>
    Promise.race([
      work,
      new Promise<never>((_, reject) => {
        setTimeout(() => {
          reject(new Error('late'))
        }, ms)
      }),
    ])

  const createStore = (database: IDBDatabase, store: Store): void => {
    const created = database.createObjectStore(store.name, {
      autoIncrement: store.autoIncrement,
      keyPath: (store.keyPathArray as string[] | undefined) ?? store.keyPath ?? null,
    })
    for (const index of store.indexes)
      try {
        const path = (index.keyPathArray as string[] | undefined) ?? index.keyPath ?? ''
        created.createIndex(index.name, path, { unique: index.unique, multiEntry: index.multiEntry })
      } catch (error) {
        problem(`${database.name}/${store.name}`, error)
      }
  }

  const openEmpty = (description: IndexedDatabase): Promise<IDBDatabase> => {
    const request = indexedDB.open(description.name, description.version)
    request.onupgradeneeded = () => {
      for (const store of description.stores)
        try {
          createStore(request.result, store)
        } catch (error) {
          problem(`${description.name}/${store.name}`, error)
        }
    }
    return answer(request)
  }

  const fill = async (target: IDBObjectStore, records: Store['records'], where: string): Promise<void> => {
    const refused = new Map<string, unknown>()
    const add = async (record: Store['records'][number]): Promise<void> => {
      const value = 'valueEncoded' in record ? decode(record.valueEncoded) : record.value
      const key = 'keyEncoded' in record ? decode(record.keyEncoded) : record.key
      await answer(target.add(value, key as IDBValidKey | undefined))
    }
    const adding = records.map((record) =>
      add(record).catch((error: unknown) => {
        refused.set((error as Error).message, error)
      }),
    )
    await Promise.all(adding)
    for (const error of refused.values()) problem(where, error)
  }

  const restore = async (description: IndexedDatabase): Promise<void> => {
    const database = await inTime(openEmpty(description))
    try {
      const names = [...database.objectStoreNames]
      if (names.length === 0) return
      const transaction = database.transaction(names, 'readwrite')
      const finished = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => {
          resolve()
        }
        transaction.onabort = () => {
          reject(new Error(transaction.error?.name ?? 'aborted'))
        }
      })
      const stores = description.stores.filter((store) => names.includes(store.name))
      await Promise.all([
        finished,
        ...stores.map((store) =>
          fill(transaction.objectStore(store.name), store.records, `${description.name}/${store.name}`),
        ),
      ])
    } finally {
      database.close()
    }
  }

  const replaceAll = async (): Promise<void> => {
    const old = await indexedDB.databases()
    await Promise.all(
      old.map(async ({ name = '' }) => {
        await inTime(answer(indexedDB.deleteDatabase(name))).catch((error: unknown) => {
          problem(name, error)
        })
      }),
    )
    await Promise.all(
      databases.map((description) =>
        restore(description).catch((error: unknown) => {
          problem(description.name, error)
        }),
      ),
    )
  }
  await replaceAll().catch((error: unknown) => {
    problem('*', error)
  })
  return problems
}
