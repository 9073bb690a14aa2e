import type { Browser, Page } from 'playwright'
import type { Session } from '../../src/index.ts'
import { loadCrawlee } from '../site/foreign-clients.ts'
import { chromiumPath } from '../site/chromium.ts'
import type { Asking } from './clients-by-hand.ts'

/** Playwright's request context with the session's cookies in it. */
export async function contextRequest(browser: Browser, session: Session): Promise<Asking> {
  const context = await browser.newContext()
  await context.addCookies(session.state.cookies.map((cookie) => ({ sameSite: 'Lax', ...cookie })))
  return {
    name: "Playwright's context.request",
    ask: async (url) => (await context.request.get(url)).text(),
    close: () => context.close(),
  }
}

/** `sendRequest` as a handler of a crawler gets it, with Crawlee's own client; the handler stays open until `close`. */
export async function crawleeSendRequest(origin: string, cookie: string): Promise<Asking> {
  const { BasicCrawler, Configuration, log } = await loadCrawlee()
  log.setLevel(0)
  let close = (): void => undefined
  const over = new Promise<void>((resolve) => (close = resolve))
  let running: Promise<unknown> = Promise.resolve()
  const send = await new Promise<(asked: object) => Promise<{ readonly body: string }>>((resolve, reject) => {
    const crawler = new BasicCrawler(
      {
        requestHandlerTimeoutSecs: 3_600,
        async requestHandler({ sendRequest }: { sendRequest: (asked: object) => Promise<{ body: string }> }) {
          resolve(sendRequest)
          await over
        },
      },
      new Configuration({ persistStorage: false }),
    )
    running = crawler.run([origin])
    running.catch(reject)
  })
  return {
    name: "Crawlee's sendRequest",
    ask: async (url) => (await send({ url, headers: { cookie } })).body,
    async close() {
      close()
      await running
    },
  }
}

/** `fetch` inside a page of the origin: many at once in one call, which is the best that can be made of it. */
export async function pageFetch(
  browser: Browser,
  session: Session,
  origin: string,
): Promise<{ fetchAll(urls: readonly string[], atOnce: number): Promise<void>; close(): Promise<void> }> {
  const context = await browser.newContext()
  await context.addCookies(session.state.cookies.map((cookie) => ({ sameSite: 'Lax', ...cookie })))
  const page: Page = await context.newPage()
  await page.goto(`${origin}/`)
  return {
    async fetchAll(urls, atOnce) {
      await page.evaluate(
        async ([all, width]) => {
          let next = 0
          const worker = async (): Promise<void> => {
            for (let url = all[next++]; url !== undefined; url = all[next++]) await (await fetch(url)).text()
          }
          await Promise.all(Array.from({ length: width }, worker))
        },
        [urls, atOnce] as const,
      )
    },
    close: () => context.close(),
  }
}

export async function launchBenchBrowser(): Promise<Browser> {
  const { chromium } = await import('playwright')
  return chromium.launch({ executablePath: await chromiumPath(), chromiumSandbox: false })
}
