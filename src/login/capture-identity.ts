import type { Browser, BrowserContextOptions, Page } from 'playwright'
import type { Identity } from '../state/identity.ts'
import { askedHints, hintFacts, type HintFacts, hintValues } from './capture-hints.ts'
import type { ObservedRequest } from './learn/watch-requests.ts'

/**
 * Headers of a Chromium navigation in the order in which it sends them, which is a constant (measured on the wire,
 * Chromium 156; the DevTools protocol tells them in alphabetical order). What is not in this list is not a part of how
 * the browser presents itself: cookies, host, client hints that one site has asked for, and headers that a page or a recipe
 * has added.
 */
const navigationOrder = [
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
  'dnt',
  'upgrade-insecure-requests',
  'user-agent',
  'accept',
  'sec-gpc',
  'sec-fetch-site',
  'sec-fetch-mode',
  'sec-fetch-user',
  'sec-fetch-dest',
  'accept-encoding',
  'accept-language',
  'priority',
]

/** The headers of a navigation as the browser sent them, in its order. Pure. */
export function navigationHeaders(request: ObservedRequest | undefined): [name: string, value: string][] {
  const sent = new Map(
    request?.headers.map(([name, value]) => [name.toLowerCase(), [name, value] as const]) ?? [],
  )
  return navigationOrder.flatMap((name) => {
    const header = sent.get(name)
    return header === undefined ? [] : [[header[0], header[1]]]
  })
}

/**
 * The navigation that shows the browser best: a GET that nobody's link led to, over https (over plain http there are
 * no client hints, and other encodings are offered), the earliest of these. Pure.
 */
export function chooseNavigation(requests: readonly ObservedRequest[]): ObservedRequest | undefined {
  const navigations = requests.filter((request) => request.topLevel && request.method === 'GET')
  const rank = (request: ObservedRequest): number =>
    (request.url.startsWith('https:') ? 2 : 0) + (headerOf(request, 'sec-fetch-site') === 'none' ? 1 : 0)
  return navigations.reduce<ObservedRequest | undefined>(
    (best, request) => (best === undefined || rank(request) > rank(best) ? request : best),
    undefined,
  )
}

export interface PageFacts extends HintFacts {
  readonly userAgent: string
  readonly languages: readonly string[]
  readonly timeZone: string
  readonly dark: boolean
}

/** What scripts of the page see of the browser; `undefined` when the page does not answer within `within` ms. */
export async function readPageFacts(page: Page, within = 5_000): Promise<PageFacts | undefined> {
  const ask = async (): Promise<PageFacts> => ({
    ...(await page.evaluate(() => ({
      userAgent: navigator.userAgent,
      languages: [...navigator.languages],
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      dark: matchMedia('(prefers-color-scheme: dark)').matches,
    }))),
    ...(await page.evaluate(hintFacts)),
  })
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, within, undefined)
  })
  // Asked twice, because a document that is just being replaced cannot answer.
  const answer = ask().catch(() => ask().catch(() => undefined))
  return Promise.race([answer, silence]).finally(() => {
    clearTimeout(timer)
  })
}

/** How the site knows the browser that this context belongs to. */
export async function captureIdentity(page: Page, requests: readonly ObservedRequest[]): Promise<Identity> {
  const headers = navigationHeaders(chooseNavigation(requests))
  const facts = await readPageFacts(page)
  const sent = (name: string): string | undefined =>
    headers.find(([known]) => known.toLowerCase() === name)?.[1]
  const viewport = page.viewportSize()
  const thirdPartyCookies = seenThirdPartyCookies(requests)
  const clientHints = hintValues(facts, requests)
  const hintsAsked = askedHints(requests)
  return {
    userAgent: sent('user-agent') ?? facts?.userAgent ?? '',
    navigationHeaders: headers,
    languages: facts?.languages ?? languagesOf(sent('accept-language')),
    ...(facts !== undefined && { timeZone: facts.timeZone, colorScheme: facts.dark ? 'dark' : 'light' }),
    ...(viewport !== null && { viewport }),
    ...(clientHints.length > 0 && { clientHints }),
    ...(hintsAsked !== undefined && { hintsAsked }),
    ...(thirdPartyCookies !== undefined && { thirdPartyCookies }),
  }
}

/** Chromium tells a foreign site, where cookies would go along, whether it gets any. */
function seenThirdPartyCookies(requests: readonly ObservedRequest[]): Identity['thirdPartyCookies'] {
  const said = requests.map((request) => headerOf(request, 'sec-fetch-storage-access')).filter(Boolean)
  if (said.length === 0) return undefined
  return said.includes('active') ? 'allowed' : 'blocked'
}

/** `en-US,en;q=0.9` → `['en-US', 'en']`. */
function languagesOf(header: string | undefined): string[] {
  return (header ?? '')
    .split(',')
    .map((part) => part.split(';')[0]?.trim() ?? '')
    .filter((language) => language !== '')
}

/**
 * Context options for a login: the recipe's, and for headless Chromium its own user agent without "Headless". Nothing
 * else is touched: the client hints do not say headless, and stay as they are only while no `--user-agent` argument is
 * given (measured: that empties the high-entropy hints).
 */
export async function loginContextOptions(
  browser: Browser,
  own: BrowserContextOptions | undefined,
): Promise<BrowserContextOptions> {
  const userAgent = own?.userAgent ?? (await plainUserAgent(browser))
  return { ...own, ...(userAgent !== undefined && { userAgent }) }
}

async function plainUserAgent(browser: Browser): Promise<string | undefined> {
  if (browser.browserType().name() !== 'chromium') return undefined
  const protocol = await browser.newBrowserCDPSession()
  try {
    const { userAgent } = await protocol.send('Browser.getVersion')
    return userAgent.includes('HeadlessChrome') ? userAgent.replace('HeadlessChrome', 'Chrome') : undefined
  } finally {
    await protocol.detach()
  }
}

function headerOf(request: ObservedRequest, name: string): string | undefined {
  return request.headers.find(([known]) => known.toLowerCase() === name)?.[1]
}
