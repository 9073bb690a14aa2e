import type { BrowserContext, CDPSession, Frame, Page } from 'playwright'

/** One session per page for its life: a second one would make a second isolated world in the same document. */
const sessions = new WeakMap<Page, Promise<CDPSession | undefined>>()

/**
 * Runs an expression in a frame and gives its answer, a string. In Chromium it runs in an isolated world: a page that has
 * replaced `Storage.prototype.getItem` or given arrays a `toJSON` is read as it is. Other engines give tests no such
 * world; there it runs among the page's own scripts.
 */
export async function evaluateInFrame(
  context: BrowserContext,
  frame: Frame,
  expression: string,
): Promise<string> {
  const own = frame === frame.page().mainFrame() ? undefined : await ownSession(context, frame)
  const session = own ?? (await pageSession(context, frame.page()))
  if (session === undefined) return frame.evaluate<string>(expression)
  const { frameTree } = await session.send('Page.getFrameTree')
  const isRoot = own !== undefined || frame === frame.page().mainFrame()
  const frameId = isRoot ? frameTree.frame.id : findFrame(frameTree, frame.url())
  if (frameId === undefined) throw new Error('the frame has gone elsewhere')
  const { executionContextId } = await session.send('Page.createIsolatedWorld', {
    frameId,
    worldName: 'sessionbridge',
  })
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    contextId: executionContextId,
    expression,
    awaitPromise: true,
    returnByValue: true,
  })
  if (exceptionDetails !== undefined || typeof result.value !== 'string')
    throw new Error('the script threw in the page')
  return result.value
}

/** A frame of another site has a process, and so a session, of its own; others are reached through their page. */
async function ownSession(context: BrowserContext, frame: Frame): Promise<CDPSession | undefined> {
  return context.newCDPSession(frame).catch(() => undefined)
}

async function pageSession(context: BrowserContext, page: Page): Promise<CDPSession | undefined> {
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
