import type { Browser, BrowserContext, CDPSession } from 'playwright'
import type { Report } from '../../state/report.ts'
import type { StateCookie } from '../../state/state.ts'
import { whereOf } from '../../policy/cookie-rules.ts'
import { playwrightCookie } from '../formats/playwright-cookie.ts'
import { browserContextId, markerDomain } from './context-id.ts'

/** One way into the cookies of a browser context. Nothing to close: what it goes by belongs to the browser. */
export interface CookieAccess {
  /** Complete, or only what Playwright's view of a cookie holds. */
  readonly complete: boolean
  read(): Promise<StateCookie[]>
  /** All or nothing: fails as a whole when the browser does not like one of them. */
  write(cookies: readonly StateCookie[]): Promise<void>
  clear(): Promise<void>
  /** What an empty context, where no page can interfere, makes of these cookies; left out where none can be had. */
  trial?(cookies: readonly StateCookie[]): Promise<StateCookie[]>
}

/**
 * Chromium's own protocol where there is one: Playwright's view loses whether SameSite was set, priority, source scheme
 * and port. It works on the browser's connection, so no page is needed and none is left behind.
 */
export async function openCookieAccess(context: BrowserContext): Promise<CookieAccess> {
  const browser = context.browser()
  if (browser === null) return playwrightAccess(context)
  return browser.browserType().name() === 'chromium'
    ? chromiumAccess(browser, context)
    : playwrightAccess(context)
}

async function chromiumAccess(browser: Browser, context: BrowserContext): Promise<CookieAccess> {
  const session = await browserSession(browser)
  const scope = { browserContextId: await browserContextId(session, context) }
  return {
    complete: true,
    read: () => readFrom(session, scope),
    write: (cookies) => writeTo(session, scope, cookies),
    clear: async () => {
      await session.send('Storage.clearCookies', scope)
    },
    trial: async (cookies) => {
      const empty = await session.send('Target.createBrowserContext')
      try {
        await writeTo(session, empty, cookies)
        return await readFrom(session, empty)
      } finally {
        await session.send('Target.disposeBrowserContext', empty)
      }
    },
  }
}

interface Scope {
  readonly browserContextId: string
}

async function readFrom(session: CDPSession, scope: Scope): Promise<StateCookie[]> {
  const { cookies } = await session.send('Storage.getCookies', scope)
  return cookies.filter(({ domain }) => domain !== markerDomain).map(cookieOfChromium)
}

async function writeTo(session: CDPSession, scope: Scope, cookies: readonly StateCookie[]): Promise<void> {
  await session.send('Storage.setCookies', { ...scope, cookies: cookies.map(cookieForChromium) })
}

const sessions = new WeakMap<Browser, Promise<CDPSession>>()

/**
 * One protocol session per browser, for all its contexts and for as long as it lives: opening and letting go of one takes
 * ten times as long as reading the cookies.
 */
function browserSession(browser: Browser): Promise<CDPSession> {
  let session = sessions.get(browser)
  if (session === undefined) {
    session = browser.newBrowserCDPSession()
    sessions.set(browser, session)
    session.catch(() => sessions.delete(browser)) // the next caller hears for himself
  }
  return session
}

/** A cookie as the protocol's `Storage` domain has it, as far as we read and write it. */
interface ChromiumCookie {
  readonly name: string
  readonly value: string
  readonly domain: string
  readonly path: string
  readonly secure: boolean
  readonly httpOnly: boolean
  /** Absent when the site did not say. */
  readonly sameSite?: 'Strict' | 'Lax' | 'None'
  readonly partitionKey?: { topLevelSite: string; hasCrossSiteAncestor: boolean }
}

interface ReadCookie extends ChromiumCookie {
  readonly expires: number
  readonly session: boolean
  readonly priority: 'Low' | 'Medium' | 'High'
  readonly sourceScheme: 'Unset' | 'NonSecure' | 'Secure'
  readonly sourcePort: number
}

interface WrittenCookie
  extends ChromiumCookie, Partial<Pick<ReadCookie, 'priority' | 'sourceScheme' | 'sourcePort'>> {
  readonly expires?: number
}

function cookieOfChromium(cookie: ReadCookie): StateCookie {
  return {
    name: cookie.name,
    value: cookie.value,
    domain: cookie.domain,
    path: cookie.path,
    expires: cookie.session ? -1 : cookie.expires,
    httpOnly: cookie.httpOnly,
    secure: cookie.secure,
    ...(cookie.sameSite !== undefined && { sameSite: cookie.sameSite }),
    ...(cookie.partitionKey !== undefined && {
      partitionKey: cookie.partitionKey.topLevelSite,
      _crHasCrossSiteAncestor: cookie.partitionKey.hasCrossSiteAncestor,
    }),
    sourceScheme: cookie.sourceScheme,
    sourcePort: cookie.sourcePort,
    priority: cookie.priority,
  }
}

function cookieForChromium(cookie: StateCookie): WrittenCookie {
  const { name, value, domain, path, secure, httpOnly } = cookie
  // A Secure cookie from plain http is a contradiction that fails the batch; without a scheme Chromium takes https.
  const contradicts = secure && cookie.sourceScheme === 'NonSecure'
  return {
    name,
    value,
    domain,
    path,
    secure,
    httpOnly,
    ...(cookie.expires !== -1 && { expires: cookie.expires }),
    ...(cookie.sameSite !== undefined && { sameSite: cookie.sameSite }),
    ...(cookie.priority !== undefined && { priority: cookie.priority }),
    ...(cookie.sourceScheme !== undefined && !contradicts && { sourceScheme: cookie.sourceScheme }),
    ...(cookie.sourcePort !== undefined && !contradicts && { sourcePort: cookie.sourcePort }),
    ...(cookie.partitionKey !== undefined && {
      partitionKey: {
        topLevelSite: cookie.partitionKey,
        hasCrossSiteAncestor: cookie._crHasCrossSiteAncestor ?? true,
      },
    }),
  }
}

function playwrightAccess(context: BrowserContext): CookieAccess {
  return {
    complete: false,
    read: async () => (await context.cookies()).map((cookie) => ({ ...cookie })),
    write: async (cookies) => {
      await context.addCookies(cookies.map(playwrightCookie))
    },
    clear: () => context.clearCookies(),
  }
}

/** What a view of Playwright's may have lost, cookie by cookie. */
export function viewLosses(cookies: readonly StateCookie[]): Report {
  const rule = 'this engine does not show whether SameSite was set, nor priority, source scheme and port'
  return cookies.map((cookie) => ({
    kind: 'cookie',
    name: cookie.name,
    where: whereOf(cookie),
    reason: 'unsupported',
    rule,
  }))
}
