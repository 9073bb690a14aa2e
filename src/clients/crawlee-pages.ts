import type { BrowserContext, Page } from 'playwright'
import type { Visit } from '../session/visits/visit.ts'
import { chooser, type CrawleeSessions } from './crawlee.ts'

interface Crawling {
  readonly page: Page
  /** The entry of Crawlee's pool. */
  readonly session?: object | undefined
}

/** Options of a PlaywrightCrawler, to be spread into its others. */
export interface CrawleePageOptions {
  readonly preNavigationHooks: ((crawling: Crawling) => Promise<void>)[]
  /** Crawlee would write the cookies of each page to its disk, unsealed. */
  readonly persistCookiesPerSession: false
  /** Each page has a context of its own. */
  readonly launchContext: { readonly useIncognitoPages: true }
  readonly browserPoolOptions: {
    /** Crawlee would make up another browser for each page; the session is known as the one that it signed in with. */
    readonly useFingerprints: false
    readonly prePageCloseHooks: ((page: Page) => Promise<void>)[]
  }
}

/**
 * Pages of a PlaywrightCrawler that wear the session while they live; what they change goes home:
 * `new PlaywrightCrawler({ ...crawleePageHooks(session), requestHandler })`. Where you have a `launchContext` or
 * `browserPoolOptions` of your own, spread these into them. For many accounts give their sessions, as to `crawleeClient`.
 */
export function crawleePageHooks(sessions: CrawleeSessions): CrawleePageOptions {
  const sessionOf = chooser(sessions)
  const visits = new Map<BrowserContext, Promise<Visit>>()
  const begin = async ({ page, session }: Crawling): Promise<void> => {
    const context = page.context()
    const visit = visits.get(context) ?? sessionOf(session).attach(context)
    visits.set(context, visit)
    await visit
  }
  const end = async (page: Page): Promise<void> => {
    const context = page.context()
    const visit = visits.get(context)
    if (visit === undefined || context.pages().length > 1) return
    visits.delete(context)
    await (await visit).end()
  }
  return {
    preNavigationHooks: [begin],
    persistCookiesPerSession: false,
    launchContext: { useIncognitoPages: true },
    browserPoolOptions: { useFingerprints: false, prePageCloseHooks: [end] },
  }
}
