import { randomUUID } from 'node:crypto'
import type { BrowserContext, CDPSession, Frame, Page } from 'playwright'
import { within } from '../context/deadline.ts'
import { callInPage } from '../context/in-page/source.ts'
import { watchFrames } from '../context/visited.ts'
import { openWorld, pageSession } from '../context/world.ts'

/**
 * Hears of cookies that scripts change, where pages can tell: `cookieStore` of the main document, listened to in a world
 * of ours. It only says that something has changed (never of HttpOnly cookies, and not on plain http): what, is read
 * from the browser, which is read at short intervals anyway.
 */
export class CookieEars {
  readonly #context: BrowserContext
  readonly #onChange: () => void
  /** Known in our worlds only. */
  readonly #binding = `sessionbridge${randomUUID().replaceAll('-', '')}`
  readonly #pages = new Map<Page, () => Promise<void>>()
  readonly #unwatch: () => void

  constructor(context: BrowserContext, onChange: () => void) {
    this.#context = context
    this.#onChange = onChange
    this.#unwatch = watchFrames(context, (_, frame) => {
      // The document has gone, or hangs: then the readings at intervals are all there is.
      if (frame.parentFrame() === null) this.#listen(frame).catch(() => undefined)
    })
  }

  /** Takes the listeners out of the documents that stand. Not longer than half a second: a page may hang. */
  async stop(): Promise<void> {
    this.#unwatch()
    const leave = async (page: Page): Promise<void> => {
      await this.#pages.get(page)?.()
      const world = await openWorld(this.#context, page.mainFrame())
      await world(callInPage(stopTelling, this.#binding))
    }
    const standing = [...this.#pages.keys()].filter((page) => !page.isClosed())
    await Promise.all(standing.map((page) => within(leave(page), 500, 'a page').catch(() => undefined)))
  }

  async #listen(frame: Frame): Promise<void> {
    const page = frame.page()
    const session = await this.#sessionOf(page)
    if (session === undefined) return
    const world = await openWorld(this.#context, frame)
    const name = this.#binding
    // Given to worlds that are there, not to those to come, and once: so it is taken away and given again.
    session.send('Runtime.removeBinding', { name }).catch(() => undefined)
    session.send('Runtime.addBinding', { name, executionContextName: 'sessionbridge' }).catch(() => undefined)
    // What the document wrote before it was listened to is read now.
    if ((await world(callInPage(tellChanges, name))) === 'new') this.#onChange()
  }

  /** Undefined in other engines than Chromium. */
  async #sessionOf(page: Page): Promise<CDPSession | undefined> {
    const session = await pageSession(this.#context, page)
    if (session === undefined || this.#pages.has(page)) return session
    const hear = ({ name }: { name: string }): void => {
      if (name === this.#binding) this.#onChange()
    }
    const onClose = (): void => {
      this.#pages.delete(page)
    }
    session.on('Runtime.bindingCalled', hear)
    page.once('close', onClose)
    this.#pages.set(page, async () => {
      page.off('close', onClose)
      session.off('Runtime.bindingCalled', hear)
      await session.send('Runtime.removeBinding', { name: this.#binding })
    })
    return session
  }
}

/** Runs in our world of a page, once for each document. */
function tellChanges(binding: string): string {
  const self = globalThis as unknown as Record<string, unknown>
  const store = self.cookieStore as EventTarget | undefined
  const stop = `${binding}:stop`
  if (store === undefined || self[stop] !== undefined) return 'known'
  const controller = new AbortController()
  self[stop] = controller
  const tell = (): void => {
    const call = self[binding]
    if (typeof call === 'function') (call as (payload: string) => void)('')
  }
  store.addEventListener('change', tell, { signal: controller.signal })
  return 'new'
}

function stopTelling(binding: string): string {
  const self = globalThis as unknown as Record<string, unknown>
  const stop = `${binding}:stop`
  const controller = self[stop]
  if (controller instanceof AbortController) controller.abort()
  self[stop] = undefined
  return ''
}
