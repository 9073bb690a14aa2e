import { randomUUID } from 'node:crypto'
import type { BrowserContext, CDPSession } from 'playwright'
import { serverObject } from './playwright-server.ts'
import { pageSession } from './world.ts'

const known = new WeakMap<BrowserContext, Promise<string>>()

/** Reserved (RFC 2606): no request ever goes there, so the marker is never sent anywhere. */
export const markerDomain = 'context-marker.sessionbridge.invalid'

/**
 * Chromium's name for a context. Playwright knows it; an open page does, too; without either the context is
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
  return idOfPlaywright(context) ?? (await idOfPage(context)) ?? (await idOfMarker(session, context))
}

function idOfPlaywright(context: BrowserContext): string | undefined {
  const id = serverObject(context)?._browserContextId
  return typeof id === 'string' && id !== '' ? id : undefined
}

async function idOfPage(context: BrowserContext): Promise<string | undefined> {
  const [page] = context.pages()
  if (page === undefined) return undefined
  try {
    const session = await pageSession(context, page)
    const info = await session?.send('Target.getTargetInfo') // answered by the browser, not by the page, which may hang
    return info?.targetInfo.browserContextId
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
