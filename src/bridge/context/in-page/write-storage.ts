import type { IndexedDatabase, StorageItem } from '../../../state/state.ts'
import type { decodeValue } from './decode-value.ts'
import type { Problem } from './problem.ts'
import type { writeDatabases } from './write-databases.ts'

export interface WriteRequest {
  /** Left out: localStorage is left alone. */
  readonly local?: readonly StorageItem[]
  readonly session?: readonly StorageItem[]
  readonly databases?: readonly IndexedDatabase[]
  /**
   * A key of ours in sessionStorage that says between two documents that the tab has been here (seed-document.ts).
   */
  readonly marker?: string
  /** Milliseconds for one database. */
  readonly databaseTimeout: number
}

/**
 * Replaces the web storage of the page's origin. One item that does not fit is told and costs the others nothing.
 * Answers with the problems as JSON text. Runs in a page.
 */
export async function writeStorage(
  decode: typeof decodeValue,
  writeAll: typeof writeDatabases,
  request: WriteRequest,
): Promise<string> {
  const problems: Problem[] = []
  const replace = (kind: Problem['kind'], storageOf: () => Storage, items: readonly StorageItem[]): void => {
    const failed = (name: string, error: unknown): void => {
      const rule = (error as Error).name
      problems.push({ kind, name, reason: rule === 'QuotaExceededError' ? 'too-big' : 'refused', rule })
    }
    try {
      const storage = storageOf()
      storage.clear()
      for (const { name, value } of items)
        try {
          storage.setItem(name, value)
        } catch (error) {
          failed(name, error)
        }
    } catch (error) {
      failed('*', error)
    }
  }
  if (request.local !== undefined) replace('localStorage', () => localStorage, request.local)
  if (request.session !== undefined) replace('sessionStorage', () => sessionStorage, request.session)
  const { marker } = request
  if (marker !== undefined && self === top)
    addEventListener('pagehide', () => {
      try {
        sessionStorage.setItem(marker, '')
      } catch {
        // full or denied
      }
    })
  if (request.databases !== undefined)
    problems.push(...(await writeAll(decode, request.databases, request.databaseTimeout)))
  return JSON.stringify(problems)
}
