import { randomUUID } from 'node:crypto'
import type { BrowserContext, CDPSession } from 'playwright'

const known = new WeakMap<BrowserContext, Promise<string>>()

/** Reserved (RFC 2606): no request ever goes there, so the marker is never sent anywhere. */
export const markerDomain = 'context-marker.sessionbridge.invalid'

/**
 * Chromium's name for a context, which Playwright does not tell. An open page knows it; without one the context is
 * recognised by a marker cookie, which is there for some milliseconds: opening a page instead would take twenty times as
 * long and be seen by the caller's own `page` listeners.
 */
export function browserContextId(session: CDPSession, context: BrowserContext): Promise<string> {
  let id = known.get(context)
  if (id === undefined) {
    id = findId(session, context)
    known.set(context, id)
    id.catch(() => known.delete(context)) // the next caller may have more luck
  }
  return id
}

async function findId(session: CDPSession, context: BrowserContext): Promise<string> {
  return (await idOfPage(context)) ?? (await idOfMarker(session, context))
}

async function idOfPage(context: BrowserContext): Promise<string | undefined> {
  const [page] = context.pages()
  if (page === undefined) return undefined
  try {
    const session = await context.newCDPSession(page)
    const { targetInfo } = await session.send('Target.getTargetInfo')
    session.detach().catch(() => undefined) // not awaited: it takes as long as a hung page hangs
    return targetInfo.browserContextId
  } catch {
    return undefined // the page was closed meanwhile
  }
}

async function idOfMarker(session: CDPSession, context: BrowserContext): Promise<string> {
  const name = randomUUID()
  const marker = { name, value: '', domain: markerDomain, path: '/' }
  await context.addCookies([{ ...marker, expires: Date.now() / 1000 + 60 }])
  const { browserContextIds } = await session.send('Target.getBrowserContexts')
  for (const browserContextId of browserContextIds) {
    const { cookies } = await session.send('Storage.getCookies', { browserContextId })
    if (!cookies.some((cookie) => cookie.name === name)) continue
    await session.send('Storage.setCookies', { browserContextId, cookies: [{ ...marker, expires: 1 }] })
    return browserContextId
  }
  throw new Error('The browser does not know this context; was it closed?')
}
