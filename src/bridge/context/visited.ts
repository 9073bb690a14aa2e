import type { BrowserContext, Frame, Page } from 'playwright'
import { isOwnPage } from './own-pages.ts'
import { webOrigin } from './web-origin.ts'

export interface OriginWatch {
  /** Every http(s) origin that a frame of any page stood on since the watch began. Grows while the watch lasts. */
  readonly origins: ReadonlySet<string>
  /** Ends the watch and takes its listeners away; what was seen stays in `origins`. */
  stop(): void
}

/**
 * Remembers every http(s) origin that a frame of any page of the context stands on, from now on and at this moment:
 * pop-ups and iframes too. A redirect counts only where a document came of it: what answered with a Location never
 * held storage.
 */
export function watchOrigins(context: BrowserContext): OriginWatch {
  const origins = new Set<string>()
  const stop = watchFrames(context, (origin) => origins.add(origin))
  return { origins, stop }
}

/** Calls `onFrame` for each frame that stands on an http(s) origin, now and whenever one arrives there. */
export function watchFrames(
  context: BrowserContext,
  onFrame: (origin: string, frame: Frame) => void,
): () => void {
  const watched = new Set<Page>()
  const onNavigated = (frame: Frame): void => {
    const origin = webOrigin(frame.url())
    // Asked here and not when the page appears: a page of ours is known as ours only once it is open.
    if (origin !== undefined && !isOwnPage(frame.page())) onFrame(origin, frame)
  }
  const onPage = (page: Page): void => {
    watched.add(page)
    page.on('framenavigated', onNavigated)
    page.once('close', onClose)
    // A pop-up is announced only after its first document has been committed.
    for (const frame of page.frames()) onNavigated(frame)
  }
  const onClose = (page: Page): void => {
    watched.delete(page)
  }
  for (const page of context.pages()) onPage(page)
  context.on('page', onPage)
  return () => {
    context.off('page', onPage)
    for (const page of watched) {
      page.off('framenavigated', onNavigated)
      page.off('close', onClose)
    }
    watched.clear()
  }
}
