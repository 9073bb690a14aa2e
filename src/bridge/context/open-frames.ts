import type { BrowserContext, Frame } from 'playwright'
import { siteOf } from '../../policy/public-suffix.ts'
import { isOwnPage } from './own-pages.ts'
import { webOrigin } from './web-origin.ts'

/** Frames that stand on one origin: one for each tab, since all frames of a tab share its sessionStorage. */
export interface StandingFrames {
  readonly origin: string
  /** In the order in which the tabs were opened. */
  readonly tabs: readonly Frame[]
  /**
   * The frame to reach what all tabs share by: a page's own document, or an iframe in a page of the same site. Not an
   * iframe in another site's page: that may be denied storage, or have a partition of its own, which a state cannot
   * express.
   */
  readonly first: Frame | undefined
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
    const first = tabs.find((frame) => frame.parentFrame() === null) ?? tabs.find(isFirstParty)
    standing.set(origin, { origin, tabs, first })
  }
  return standing
}

function isFirstParty(frame: Frame): boolean {
  const [own, top] = [frame.url(), frame.page().url()]
  return URL.canParse(own) && URL.canParse(top) && siteOf(new URL(own)) === siteOf(new URL(top))
}
