import type { Browser, BrowserContext, Frame, Page } from 'playwright'
import { afterAll, beforeAll } from 'vitest'
import type { OriginState, SessionState, StorageItem } from '../../../src/state/state.ts'
import { launchChromium } from '../../site/chromium.ts'
import { type Shop, startShop } from '../../site/shop.ts'

/** A shop and a browser for all tests of a file, and what the tests of storage say over and over. */
export interface Stage {
  readonly shop: Shop
  readonly browser: Browser
  /** The origin of a host of the shop. */
  origin(host: string): string
  /** A route that answers with a page holding this script, on every host. */
  page(path: string, script: string, headers?: Record<string, string>): void
  /** Runs a test in a context of its own. */
  inContext<T>(run: (context: BrowserContext) => Promise<T>): Promise<T>
}

export function useStage(): Stage {
  let shop: Shop | undefined
  let browser: Browser | undefined
  beforeAll(async () => {
    shop = await startShop()
    browser = await launchChromium(shop)
  })
  afterAll(async () => {
    await browser?.close()
    await shop?.close()
  })
  const ready = <T>(thing: T | undefined): T => {
    if (thing === undefined) throw new Error('The stage is set up before the tests run')
    return thing
  }
  return {
    get shop() {
      return ready(shop)
    },
    get browser() {
      return ready(browser)
    },
    origin: (host) => new URL(ready(shop).url(host)).origin,
    page: (path, script, headers = {}) => {
      ready(shop).on('*', path, (_, res) => {
        res.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers })
        res.end(`<!doctype html><title>${path}</title><body><script>${script}</script>`)
      })
    },
    inContext: async (run) => {
      const context = await ready(browser).newContext()
      try {
        return await run(context)
      } finally {
        await context.close()
      }
    },
  }
}

export type StorageName = 'localStorage' | 'sessionStorage'

/** What a storage holds, as the page sees it. */
export async function itemsIn(page: Page, storage: StorageName): Promise<Record<string, string>> {
  return page.evaluate((name) => {
    const held = (window as unknown as Record<StorageName, Storage>)[name]
    return Object.fromEntries(Object.keys(held).map((key) => [key, held.getItem(key) ?? '']))
  }, storage)
}

/** Puts items into a storage as an app would. */
export async function putItems(
  page: Page | Frame,
  storage: StorageName,
  items: readonly StorageItem[],
): Promise<void> {
  // As text: Playwright's own argument passing loses lone surrogates.
  await page.evaluate(
    ([name, text]) => {
      const held = (window as unknown as Record<StorageName, Storage>)[name]
      for (const item of JSON.parse(text) as { name: string; value: string }[])
        held.setItem(item.name, item.value)
    },
    [storage, JSON.stringify(items)] as const,
  )
}

export function item(name: string, value: string): StorageItem {
  return { name, value }
}

/** A state without cookies. */
export function stateOf(...origins: OriginState[]): SessionState {
  return { cookies: [], origins }
}

export function sorted(items: readonly StorageItem[] = []): StorageItem[] {
  return [...items].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

export function originIn(state: SessionState, origin: string): OriginState | undefined {
  return state.origins.find((entry) => entry.origin === origin)
}
