/**
 * What a document of an origin finds in its storage at its first visit; items as JSON text, parsed only where needed.
 */
export interface Seed {
  /** `[name, value][]` as JSON text; left out once the origin has been seeded. */
  readonly local?: string
  /**
   * A frame inside another site's page has had the local seed; with partitioned storage that was not the whole
   * origin.
   */
  readonly framed?: boolean
  /** `[name, value][]` as JSON text, for each tab once. */
  readonly session?: string
}

/**
 * Runs in every document before the page's own scripts, and seeds the storage of the origins that wait for it. "Has
 * this been done before?" must be answered on the spot, from what only a document can know, without a mark in the
 * app's storage:
 *
 * - A document of this origin came before this one: the browser itself says so (`navigation.activation.from`, which
 *   `storage.clear()` does not touch), or one stands in the same tab, or opened this one.
 * - This tab has been here before and gone elsewhere in between: a mark in sessionStorage, which is set when the
 *   document goes away and taken out before the next one's scripts run. While a page runs, it is not there.
 * - An item that exists is never overwritten: what the app has refreshed stays.
 *
 * Beyond these few milliseconds it is not up to this script: once a document of the origin is there, the local seed
 * is taken out of it (see seeding.ts). What is left to chance: two tabs opening an unvisited origin in the same
 * instant, the first deleting an item at once, the second getting it again.
 */
export function seedDocument(seeds: Record<string, Seed>, marker: string): void {
  const seed = Object.hasOwn(seeds, self.origin) ? seeds[self.origin] : undefined
  if (seed === undefined) return
  // While one script takes the place of another a document runs both. The first answers the second's call, unseen.
  if (!dispatchEvent(new Event(marker, { cancelable: true }))) return
  addEventListener(marker, (event) => {
    event.stopImmediatePropagation()
    event.preventDefault()
  })

  const isSibling = (other: Window): boolean => {
    try {
      return other !== self && other.origin === self.origin
    } catch {
      return false // of another origin
    }
  }
  const holdsSibling = (frame: Window): boolean => {
    if (isSibling(frame)) return true
    for (let index = 0; index < frame.length; index += 1) {
      const child = frame[index]
      if (child !== undefined && holdsSibling(child)) return true
    }
    return false
  }
  const cameBefore = (): boolean => {
    const { navigation } = self as { navigation?: { activation?: { from?: unknown } | null } }
    if (navigation?.activation?.from) return true
    const opener = self.opener as Window | null
    return (opener !== null && isSibling(opener)) || holdsSibling(top ?? self)
  }
  const addMissing = (storage: Storage, json: string): void => {
    for (const [name, value] of JSON.parse(json) as [string, string][])
      if (storage.getItem(name) === null)
        try {
          storage.setItem(name, value)
        } catch {
          // over quota: known since applyState tried the big ones; the next item may fit
        }
  }

  const wasHere = cameBefore()
  try {
    const isDone = wasHere || (seed.framed === true && localStorage.length > 0)
    if (seed.local !== undefined && !isDone) addMissing(localStorage, seed.local)
  } catch {
    // the browser denies this document its storage; told by the check after the first commit
  }
  try {
    if (seed.session === undefined) return
    const storage = sessionStorage
    const wasInTab = storage.getItem(marker) !== null
    if (wasInTab) storage.removeItem(marker)
    else if (!wasHere) addMissing(storage, seed.session)
    if (self !== top || !location.protocol.startsWith('http')) return // a pop-up's first, empty document goes unnoticed
    addEventListener('pagehide', () => {
      try {
        storage.setItem(marker, '')
      } catch {
        // full: the next document knows the origin it came from by other signs
      }
    })
    // The old document can go away after the new one has begun, when they are in two processes: then the mark comes
    // late.
    addEventListener('storage', (event) => {
      if (event.key !== marker) return
      event.stopImmediatePropagation()
      storage.removeItem(marker)
    })
  } catch {
    // denied, as above
  }
}
