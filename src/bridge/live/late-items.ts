import type { BrowserContext } from 'playwright'
import { callInPage } from '../context/in-page/source.ts'
import type { ExchangeRequest } from './exchange-items.ts'
import type { Items } from './items.ts'
import type { StorageArea } from './storage-area.ts'

type Writes = ExchangeRequest['writes']

export interface LateWrites {
  readonly local: Writes
  readonly session: Writes
}

/**
 * Changes of the cell for origins that have been visited, but where no document stands now. They are made by an init script when the next one starts,
 * before the page's own scripts, and only where the item still is what it was: it never puts anything back.
 */
export class LateItems {
  readonly #context: BrowserContext
  #script: Promise<{ dispose(): Promise<void> }> | undefined
  #text = '{}'

  constructor(context: BrowserContext) {
    this.#context = context
  }

  /** Puts these in the place of what waited before. Rejects when the context is closed. */
  async install(lates: ReadonlyMap<string, LateWrites>): Promise<void> {
    const all = Object.fromEntries(lates)
    const text = JSON.stringify(all)
    if (text === this.#text) return
    this.#text = text
    const old = this.#script
    this.#script =
      lates.size === 0 ? undefined : this.#context.addInitScript({ content: callInPage(writeLate, all) })
    try {
      await this.#script
    } finally {
      await old?.then((script) => script.dispose()).catch(() => undefined)
    }
  }
}

/** What the areas wait to write, by origin. */
export function lateWrites(
  areas: Iterable<StorageArea>,
  itemsOf: (area: StorageArea) => Items,
): Map<string, LateWrites> {
  const lates = new Map<string, LateWrites>()
  for (const area of areas) {
    if (area.touched.size === 0) continue
    const items = itemsOf(area)
    const writes = [...area.touched].map(
      (name) => [name, area.base.get(name) ?? null, items.get(name) ?? null] as const,
    )
    const { local, session } = lates.get(area.origin) ?? { local: [], session: [] }
    const isShared = area.kind === 'localStorage'
    lates.set(
      area.origin,
      isShared ? { local: writes, session } : { local, session: [...session, ...writes] },
    )
  }
  return lates
}

function writeLate(lates: Record<string, LateWrites>): void {
  const late = Object.hasOwn(lates, self.origin) ? lates[self.origin] : undefined
  if (late === undefined) return
  const write = (storageOf: () => Storage, writes: Writes): void => {
    try {
      const storage = storageOf()
      for (const [name, was, value] of writes) {
        if (storage.getItem(name) !== was) continue
        if (value === null) storage.removeItem(name)
        else storage.setItem(name, value)
      }
    } catch {
      // denied or full; the sync finds out when it reads the document
    }
  }
  write(() => localStorage, late.local)
  write(() => sessionStorage, late.session)
}
