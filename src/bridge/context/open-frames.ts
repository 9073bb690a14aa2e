import type { BrowserContext, Frame } from 'playwright'
import { isOwnPage } from './own-pages.ts'
import { webOrigin } from './web-origin.ts'

/** Frames that stand on one origin: one for each tab, since all frames of a tab share its sessionStorage. */
export interface StandingFrames {
  readonly origin: string
  /** In the order in which the tabs were opened. */
  readonly tabs: readonly Frame[]
  /** The frame to read what all tabs share from: a page's own document before an iframe, which may be denied storage. */
  readonly first: Frame
}

export function openFrames(context: BrowserContext): Map<string, StandingFrames> {
  const byOrigin = new Map<string, Frame[]>()
  for (const page of context.pages()) {
    if (isOwnPage(page)) continue
    const found = new Map<string, Frame>()
    for (const frame of page.frames()) {
      const origin = webOrigin(frame.url())
      if (origin !== undefined && !found.has(origin)) found.set(origin, frame)
    }
    for (const [origin, frame] of found) byOrigin.set(origin, [...(byOrigin.get(origin) ?? []), frame])
  }
  const standing = new Map<string, StandingFrames>()
  for (const [origin, tabs] of byOrigin) {
    const first = tabs.find((frame) => frame.parentFrame() === null) ?? tabs[0]
    if (first !== undefined) standing.set(origin, { origin, tabs, first })
  }
  return standing
}
