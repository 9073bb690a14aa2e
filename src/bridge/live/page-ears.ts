import type { BrowserContext, CDPSession, Frame, Page } from 'playwright'
import { siteOf } from '../../policy/public-suffix.ts'
import { within } from '../context/deadline.ts'
import { callInPage } from '../context/in-page/source.ts'
import { isOwnPage } from '../context/own-pages.ts'
import { watchFrames } from '../context/visited.ts'
import { webOrigin } from '../context/web-origin.ts'
import { openWorld, pageSession, type World } from '../context/world.ts'
import { exchangeItems, type Exchange, type ExchangeRequest, settleCookies } from './exchange-items.ts'
import type { StorageKind } from './traffic.ts'

export interface EarEvents {
  /** A document of this origin stands in the page, with the storage that the origin has as a first party. */
  arrived(page: Page, origin: string): void
  left(page: Page): void
  told(page: Page, origin: string, kind: StorageKind, name: string, value: string | undefined): void
  cleared(page: Page, origin: string, kind: StorageKind): void
}

/** Milliseconds for one answer of a page. */
const patience = 3_000

/**
 * Listens to the storage of all pages of a context (Chromium's `DOMStorage` events, which come for every frame of a page
 * in its process) and asks documents. Frames of other sites are left out: their storage is partitioned by the page around them.
 */
export class PageEars {
  readonly #context: BrowserContext
  readonly #events: EarEvents
  readonly #pages = new Map<Page, () => Promise<void>>()
  readonly #worlds = new WeakMap<Frame, Promise<World>>()
  readonly #unwatch: () => void

  constructor(context: BrowserContext, events: EarEvents) {
    this.#context = context
    this.#events = events
    for (const page of context.pages()) this.#listen(page)
    context.on('page', this.#listen)
    this.#unwatch = watchFrames(context, (origin, frame) => {
      this.#worlds.delete(frame)
      if (isFirstParty(frame)) events.arrived(frame.page(), origin)
    })
  }

  /** Asks documents of the origin, in any page or this one, until one answers that has storage. */
  async ask(
    origin: string,
    request: ExchangeRequest,
    page?: Page,
  ): Promise<Exchange | 'nobody' | 'unanswered'> {
    let isSilent = false
    for (const frame of this.#standing(origin, page).slice(0, 3)) {
      const text = await this.#evaluate(frame, callInPage(exchangeItems, request))
      if (text === undefined) isSilent ||= webOrigin(frame.url()) === origin
      const answer = text === undefined ? undefined : (JSON.parse(text) as Exchange)
      if (answer?.origin === origin && answer.items !== undefined) return answer
    }
    return isSilent ? 'unanswered' : 'nobody'
  }

  /** Origins of the documents that stand in a page. */
  originsIn(page: Page): Set<string> {
    if (page.isClosed() || isOwnPage(page)) return new Set()
    const origins = page.frames().map((frame) => (isFirstParty(frame) ? webOrigin(frame.url()) : undefined))
    return new Set(origins.filter((origin) => origin !== undefined))
  }

  /** Waits until what the pages' scripts have written to `document.cookie` is where it can be read. */
  async settleCookies(): Promise<void> {
    const frames = this.#context.pages().flatMap((page) => (isOwnPage(page) ? [] : [page.mainFrame()]))
    const web = frames.filter((frame) => webOrigin(frame.url()) !== undefined)
    await Promise.all(web.map((frame) => this.#evaluate(frame, callInPage(settleCookies), 500)))
  }

  /** Takes away every listener and ends the events. */
  async stop(): Promise<void> {
    this.#context.off('page', this.#listen)
    this.#unwatch()
    await Promise.all([...this.#pages.values()].map((deafen) => deafen()))
  }

  #standing(origin: string, page?: Page): Frame[] {
    const pages = page === undefined ? this.#context.pages() : [page]
    const frames = pages.flatMap((one) => (one.isClosed() || isOwnPage(one) ? [] : one.frames()))
    const found = frames.filter((frame) => webOrigin(frame.url()) === origin && isFirstParty(frame))
    return found.sort((a, b) => Number(a.parentFrame() !== null) - Number(b.parentFrame() !== null))
  }

  /** Undefined when the frame has gone elsewhere or does not answer. */
  async #evaluate(frame: Frame, expression: string, ms = patience): Promise<string | undefined> {
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      try {
        let world = this.#worlds.get(frame)
        if (world === undefined) this.#worlds.set(frame, (world = openWorld(this.#context, frame)))
        const answer = world.then((run) => run(expression))
        return await within(answer, ms, 'a page')
      } catch (error) {
        this.#worlds.delete(frame)
        if ((error as Error).name === 'TimedOutError') return undefined
      }
    }
    return undefined
  }

  readonly #listen = (page: Page): void => {
    const opening = this.#open(page)
    const onClose = (): void => {
      this.#pages.delete(page)
      this.#events.left(page)
    }
    page.once('close', onClose)
    this.#pages.set(page, async () => {
      page.off('close', onClose)
      await opening.then((deafen) => deafen?.())
    })
  }

  /** Undefined when the page has been closed meanwhile. */
  async #open(page: Page): Promise<(() => Promise<void>) | undefined> {
    const session = await pageSession(this.#context, page)
    if (session === undefined) return undefined
    const off = this.#subscribe(session, page)
    await session.send('DOMStorage.enable').catch(() => undefined)
    return async () => {
      off()
      // Not longer than this: a hung page answers when it likes, and nobody listens any more.
      await within(session.send('DOMStorage.disable'), 500, 'a page').catch(() => undefined)
    }
  }

  #subscribe(session: CDPSession, page: Page): () => void {
    const hear = ({ storageId, key, newValue }: ItemEvent): void => {
      const origin = firstPartyOrigin(storageId)
      if (origin !== undefined && !isOwnPage(page))
        this.#events.told(page, origin, kindOf(storageId), key, newValue)
    }
    const clear = ({ storageId }: { storageId: StorageId }): void => {
      const origin = firstPartyOrigin(storageId)
      if (origin !== undefined && !isOwnPage(page)) this.#events.cleared(page, origin, kindOf(storageId))
    }
    session.on('DOMStorage.domStorageItemAdded', hear)
    session.on('DOMStorage.domStorageItemUpdated', hear)
    session.on('DOMStorage.domStorageItemRemoved', hear)
    session.on('DOMStorage.domStorageItemsCleared', clear)
    return () => {
      session.off('DOMStorage.domStorageItemAdded', hear)
      session.off('DOMStorage.domStorageItemUpdated', hear)
      session.off('DOMStorage.domStorageItemRemoved', hear)
      session.off('DOMStorage.domStorageItemsCleared', clear)
    }
  }
}

interface StorageId {
  readonly storageKey?: string
  readonly isLocalStorage: boolean
}

interface ItemEvent {
  readonly storageId: StorageId
  readonly key: string
  readonly newValue?: string
}

/** `https://shop.test/` is the key of an origin as first party; a partition has more behind a `^`. */
function firstPartyOrigin({ storageKey = '' }: StorageId): string | undefined {
  return storageKey.endsWith('/') && !storageKey.includes('^') ? webOrigin(storageKey) : undefined
}

function kindOf({ isLocalStorage }: StorageId): StorageKind {
  return isLocalStorage ? 'localStorage' : 'sessionStorage'
}

function isFirstParty(frame: Frame): boolean {
  const site = siteAt(frame)
  for (let above = frame.parentFrame(); above !== null; above = above.parentFrame())
    if (siteAt(above) !== site) return false
  return true
}

function siteAt(frame: Frame): string | undefined {
  return webOrigin(frame.url()) === undefined ? undefined : siteOf(new URL(frame.url()))
}
