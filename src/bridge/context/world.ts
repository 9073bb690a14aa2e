import { randomUUID } from 'node:crypto'
import type { BrowserContext, CDPSession, Frame, Page } from 'playwright'
import { serverObject } from './playwright-server.ts'

/** One session per page for its life: a second one would make a second isolated world in the same document. */
const sessions = new WeakMap<Page, Promise<CDPSession | undefined>>()

/** A place to run expressions in. */
export type World = (expression: string) => Promise<string>

/** The world of a frame's document. It goes with the document; the browser then says so. */
const worlds = new WeakMap<Frame, World>()

/**
 * Set in worlds of ours, where no page sees it. Each renderer process counts its worlds for itself: nothing of ours
 * runs where a number has come to mean another world.
 */
const ours = `sessionbridge:${randomUUID()}`

/**
 * A place in the frame where expressions run and answer a string. A frame that opens it is alive. In Chromium it is
 * an isolated world: a page that has replaced `Storage.prototype.getItem` or given arrays a `toJSON` is read as it
 * is. Other engines have no such world for us; there expressions run among the page's own scripts.
 */
export async function openWorld(context: BrowserContext, frame: Frame): Promise<World> {
  const { world } = await askWorld(context, frame, `''`)
  return world
}

/**
 * A world with its first answer: one journey to the browser and back where the document has a world already. An
 * expression that fails there is asked once more, in a new world: most likely there is another document.
 */
export async function askWorld(
  context: BrowserContext,
  frame: Frame,
  expression: string,
): Promise<{ world: World; answer: string }> {
  const known = worlds.get(frame)
  const answer = await known?.(expression).catch(() => undefined)
  if (known !== undefined && answer !== undefined) return { world: known, answer }
  const world = await newWorld(context, frame)
  worlds.set(frame, world)
  return { world, answer: await world(expression) }
}

async function newWorld(context: BrowserContext, frame: Frame): Promise<World> {
  const isMain = frame === frame.page().mainFrame()
  const own = isMain ? undefined : await ownSession(context, frame)
  const session = own ?? (await pageSession(context, frame.page()))
  if (session === undefined) return mainWorld(frame)
  const create = async (frameId: string): Promise<number> => {
    const world = await session.send('Page.createIsolatedWorld', { frameId, worldName: 'sessionbridge' })
    return world.executionContextId
  }
  const known = serverObject(frame)?._id
  const created = typeof known === 'string' ? await create(known).catch(() => undefined) : undefined
  const contextId = created ?? (await create(await findId(session, frame, own !== undefined || isMain)))
  const sign = `self[${JSON.stringify(ours)}]`
  // Not awaited: it is there before whatever is sent after it.
  session.send('Runtime.evaluate', { contextId, expression: `${sign} = true` }).catch(() => undefined)
  return (expression) => evaluate(session, `${sign} === true ? (${expression}) : undefined`, contextId)
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

/**
 * A frame of another site has a process, and so a session, of its own, which ends when the frame joins its page's
 * process; others are reached through their page.
 */
async function ownSession(context: BrowserContext, frame: Frame): Promise<CDPSession | undefined> {
  const known = frameSessions.get(frame)
  if (known !== undefined && (await known.send('Page.getFrameTree').then(yes, no))) return known
  const session = await context.newCDPSession(frame).catch(() => undefined)
  if (session !== undefined) frameSessions.set(frame, session)
  return session
}

const frameSessions = new WeakMap<Frame, CDPSession>()
const yes = (): boolean => true
const no = (): boolean => false

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

async function findId(session: CDPSession, frame: Frame, isRoot: boolean): Promise<string> {
  const { frameTree } = await session.send('Page.getFrameTree')
  const id = isRoot ? frameTree.frame.id : findFrame(frameTree, frame.url())
  if (id === undefined) throw new Error('the frame has gone elsewhere')
  return id
}

function findFrame(tree: FrameTree, url: string): string | undefined {
  if (tree.frame.url + (tree.frame.urlFragment ?? '') === url) return tree.frame.id
  for (const child of tree.childFrames ?? []) {
    const found = findFrame(child, url)
    if (found !== undefined) return found
  }
  return undefined
}
