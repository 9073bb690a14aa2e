import type { StorageKind } from './traffic.ts'

/** Runs in pages, see bridge/context/in-page/source.ts. */
export interface ExchangeRequest {
  readonly kind: StorageKind
  /** Written only where the item still is `was`; null: not there. */
  readonly writes: readonly (readonly [name: string, was: string | null, value: string | null])[]
  /** Names to read; null: all there are. */
  readonly names: readonly string[] | null
}

export interface Exchange {
  /** Where the document really stands; `null` in a sandbox. */
  readonly origin: string
  /** As they are after the writes; absent when the document is denied its storage. */
  readonly items?: readonly (readonly [name: string, value: string | null])[]
  /** Names that the storage did not take. */
  readonly refused: readonly string[]
}

/**
 * Writes and reads items of the document's storage in one go, with no script of the page in between: an item that the
 * page has changed since it was last read is not overwritten. Answers as JSON text. Runs in a page.
 */
export function exchangeItems(request: ExchangeRequest): string {
  const refused: string[] = []
  try {
    const storage = request.kind === 'localStorage' ? localStorage : sessionStorage
    for (const [name, was, value] of request.writes) {
      if (storage.getItem(name) !== was) continue
      try {
        if (value === null) storage.removeItem(name)
        else storage.setItem(name, value)
      } catch {
        refused.push(name)
      }
    }
    // By index: Object.keys would lose a key named `length`.
    const names =
      request.names ?? Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '')
    return JSON.stringify({
      origin: self.origin,
      items: names.map((name) => [name, storage.getItem(name)]),
      refused,
    })
  } catch {
    return JSON.stringify({ origin: self.origin, refused })
  }
}

/** Reading `document.cookie` waits until all that scripts have written to it is in the jar (field notes). */
export function settleCookies(): string {
  try {
    return String(document.cookie.length)
  } catch {
    return '0' // a sandbox has none
  }
}
