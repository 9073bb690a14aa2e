import type { BrowserContext, Page, Route } from 'playwright'
import { TimedOutError } from '../../errors.ts'
import type { Reason } from '../../state/report.ts'
import { within } from './deadline.ts'
import { webOrigin } from './web-origin.ts'
import { pageSession } from './world.ts'

const own = new WeakSet<Page>()

/** Whether a page is one of ours, opened to reach the storage of an origin: nobody "visits" anything with it. */
export function isOwnPage(page: Page): boolean {
  return own.has(page)
}

export interface OwnVisitOptions {
  /** Milliseconds to arrive at one origin; what happens there sees to its own deadline. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

export type OwnVisit<T> =
  | { readonly origin: string; readonly value: T }
  | { readonly origin: string; readonly reason: Reason; readonly rule: string }

/**
 * Stands on each origin for a moment in a page of ours: the request is answered by us with a blank document, so the
 * site hears nothing and none of its code runs. The cost of an origin is the browser's new renderer process, about
 * 50 ms of CPU, most of which waits on nothing: four pages side by side beat one after the other by a third on two cores,
 * more pages gain nothing. An origin that fails or hangs is told as such and costs the others nothing.
 */
export async function visitBlank<T>(
  context: BrowserContext,
  origins: readonly string[],
  visit: (page: Page, origin: string) => Promise<T>,
  options: OwnVisitOptions,
): Promise<OwnVisit<T>[]> {
  const queue = [...origins]
  const done: OwnVisit<T>[] = []
  const lane = async (): Promise<void> => {
    let page: Page | undefined
    try {
      for (let origin = queue.shift(); origin !== undefined; origin = queue.shift()) {
        const result = await visitOne(context, page, origin, visit, options)
        page = result.page
        done.push(result.visit)
      }
    } finally {
      await letGo(page)
    }
  }
  await Promise.all(Array.from({ length: Math.min(4, Math.ceil(origins.length / 2)) }, lane))
  return done
}

async function visitOne<T>(
  context: BrowserContext,
  reuse: Page | undefined,
  origin: string,
  visit: (page: Page, origin: string) => Promise<T>,
  options: OwnVisitOptions,
): Promise<{ visit: OwnVisit<T>; page: Page | undefined }> {
  let page = reuse
  let over = false
  const arrive = async (): Promise<Page> => {
    page ??= await openBlank(context)
    if (over) void letGo(page) // it opened after the deadline; what follows fails on the closed page, unheard
    await page.goto(`${origin}/`, { waitUntil: 'commit', timeout: options.timeout })
    return page
  }
  try {
    page = await within(arrive(), options.timeout, `a blank page of ${origin}`, options.signal)
    // HSTS turns an http origin into https before any request could be answered by us.
    if (webOrigin(page.url()) !== origin)
      return { visit: { origin, reason: 'refused', rule: 'the browser went to another origin' }, page }
    return { visit: { origin, value: await visit(page, origin) }, page }
  } catch (error) {
    over = true
    void letGo(page)
    options.signal?.throwIfAborted()
    const failure: OwnVisit<T> =
      error instanceof TimedOutError
        ? { origin, reason: 'timed-out', rule: `no answer within ${String(Math.round(error.after))} ms` }
        : { origin, reason: 'unreadable', rule: 'a blank page of this origin could not be opened' }
    return { visit: failure, page: undefined }
  }
}

async function openBlank(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  own.add(page)
  await Promise.all([page.route('**/*', answerBlank), bypassServiceWorker(context, page)])
  return page
}

async function answerBlank(route: Route): Promise<void> {
  const blank = { contentType: 'text/html', body: '<!doctype html>' }
  await (route.request().isNavigationRequest() ? route.fulfill(blank) : route.abort()).catch(() => undefined)
}

/** A service worker of the origin would answer before our route does. Only Chromium can be told to leave it out. */
async function bypassServiceWorker(context: BrowserContext, page: Page): Promise<void> {
  const session = await pageSession(context, page)
  if (session === undefined) return
  await session.send('Network.enable')
  await session.send('Network.setBypassServiceWorker', { bypass: true })
}

/** Waited for only so long: closing a page whose renderer hangs takes as long as it likes. */
async function letGo(page: Page | undefined): Promise<void> {
  if (page === undefined) return
  await within(page.close(), 1_000, 'closing a page').catch(() => undefined)
}
