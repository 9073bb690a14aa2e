import type { BrowserContext, CDPSession, Frame, Page } from 'playwright'

/** One session per page for its life: a second one would make a second isolated world in the same document. */
const sessions = new WeakMap<Page, Promise<CDPSession | undefined>>()

/** A place to run expressions in. */
export type World = (expression: string) => Promise<string>

/**
 * A place in the frame where expressions run and answer a string. A frame that opens it is alive. In Chromium it is
 * an isolated world: a page that has replaced `Storage.prototype.getItem` or given arrays a `toJSON` is read as it
 * is. Other engines have no such world for us; there expressions run among the page's own scripts.
 */
export async function openWorld(context: BrowserContext, frame: Frame): Promise<World> {
  const own = frame === frame.page().mainFrame() ? undefined : await ownSession(context, frame)
  const session = own ?? (await pageSession(context, frame.page()))
  if (session === undefined) return mainWorld(frame)
  const { frameTree } = await session.send('Page.getFrameTree')
  const isRoot = own !== undefined || frame === frame.page().mainFrame()
  const frameId = isRoot ? frameTree.frame.id : findFrame(frameTree, frame.url())
  if (frameId === undefined) throw new Error('the frame has gone elsewhere')
  const { executionContextId } = await session.send('Page.createIsolatedWorld', {
    frameId,
    worldName: 'sessionbridge',
  })
  return (expression) => evaluate(session, expression, executionContextId)
}

/**
 * The main world of a page of ours, where no other script runs: one message to the browser for each expression, which
 * for megabytes takes a third of the time of `page.evaluate`.
 */
export async function ownWorld(page: Page): Promise<World> {
  const session = await pageSession(page.context(), page)
  if (session === undefined) return (expression) => page.evaluate<string>(expression)
  return (expression) => evaluate(session, expression)
}

async function evaluate(session: CDPSession, expression: string, contextId?: number): Promise<string> {
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    ...(contextId !== undefined && { contextId }),
    expression,
    awaitPromise: true,
    returnByValue: true,
  })
  if (exceptionDetails !== undefined || typeof result.value !== 'string')
    throw new Error('the script threw in the page')
  return result.value
}

async function mainWorld(frame: Frame): Promise<World> {
  await frame.evaluate('0')
  return (expression) => frame.evaluate<string>(expression)
}

/** A frame of another site has a process, and so a session, of its own; others are reached through their page. */
async function ownSession(context: BrowserContext, frame: Frame): Promise<CDPSession | undefined> {
  return context.newCDPSession(frame).catch(() => undefined)
}

/** Undefined in other engines than Chromium. */
export async function pageSession(context: BrowserContext, page: Page): Promise<CDPSession | undefined> {
  let session = sessions.get(page)
  if (session === undefined) {
    session = context.newCDPSession(page).catch(() => undefined)
    sessions.set(page, session)
  }
  return session
}

interface FrameTree {
  readonly frame: { readonly id: string; readonly url: string; readonly urlFragment?: string }
  readonly childFrames?: readonly FrameTree[]
}

function findFrame(tree: FrameTree, url: string): string | undefined {
  if (tree.frame.url + (tree.frame.urlFragment ?? '') === url) return tree.frame.id
  for (const child of tree.childFrames ?? []) {
    const found = findFrame(child, url)
    if (found !== undefined) return found
  }
  return undefined
}
