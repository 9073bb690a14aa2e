import type { Browser, BrowserContext, CDPSession } from 'playwright'
import { launchChromium } from '../site/chromium.ts'
import { type Shop, startShop } from '../site/shop.ts'
import { allToLoopback, type Place, worldHosts } from './cookie-world.ts'

/** A real Chromium before a real server that answers every path of the cookie world, for looking at cookies only. */
export interface CookieWire {
  readonly context: BrowserContext
  url(place: Place): URL
  /** Navigates as if the user had typed the URL; gives the Cookie header that came, and answers with these lines. */
  visit(url: URL, answer?: { readonly lines: readonly string[]; readonly date?: string }): Promise<string>
  close(): Promise<void>
}

const paths = ['/', '/a', '/a/*', '/ab', '/A/*', '/a%20b/*', '/b'] as const

export async function openCookieWire(): Promise<CookieWire> {
  const shop = await startShop()
  const seen: { header: string | undefined; answer: string } = { header: undefined, answer: '' }
  answerEverywhere(shop, seen)
  const browser: Browser = await launchChromium(shop, { args: allToLoopback })
  const context = await browser.newContext()
  const tab: CDPSession = await context.newCDPSession(await context.newPage())
  return {
    context,
    url: ({ secure, host, path }) => new URL(secure ? shop.url(host, path) : shop.httpUrl(host, path)),
    async visit(url, { lines, date } = { lines: [] }) {
      seen.header = undefined
      // 204: the page stays where it is, which makes a navigation cheap. Written by hand, since node:http would
      // not send the octets that matter here.
      seen.answer = [
        'HTTP/1.1 204 No Content',
        'Connection: close',
        ...(date === undefined ? [] : [`Date: ${date}`]),
        ...lines.map((line) => `Set-Cookie: ${line}`),
        '\r\n',
      ].join('\r\n')
      await tab.send('Page.navigate', { url: url.href })
      const { header } = seen as { header: string | undefined }
      if (header === undefined) throw new Error(`No request for ${url.href}`)
      return header
    },
    async close() {
      await browser.close()
      await shop.close()
    },
  }
}

function answerEverywhere(shop: Shop, seen: { header: string | undefined; answer: string }): void {
  for (const host of worldHosts)
    for (const path of paths)
      shop.on(host, path, (req) => {
        seen.header = req.headers.cookie ?? ''
        req.socket.end(seen.answer, 'latin1')
      })
}

/** How many cases to generate: so many in `npm test`, so many times more where `SESSIONBRIDGE_ROUNDS` says so. */
export function rounds(usual: number): number {
  return usual * Number(process.env.SESSIONBRIDGE_ROUNDS ?? '1')
}
