import type { BrowserContext } from 'playwright'
import { within } from './deadline.ts'
import { openFrames } from './open-frames.ts'
import { serverObject } from './playwright-server.ts'
import { seedingOf } from './seeding.ts'
import { webOrigin } from './web-origin.ts'

/**
 * The origins whose storage may differ from a new context's: those that stand open, those that an earlier applyState
 * has watched, and otherwise those that Playwright has seen in the context since it was opened.
 */
export async function knownOrigins(
  context: BrowserContext,
  options: { timeout: number; signal?: AbortSignal | undefined },
): Promise<Set<string>> {
  const known = new Set(openFrames(context).keys())
  const seeding = seedingOf(context)
  const more = seeding?.visited ?? seenByPlaywright(context) ?? (await storedOrigins(context, options))
  for (const origin of more) known.add(origin)
  return known
}

/** Playwright keeps the list but has no public call for it. */
function seenByPlaywright(context: BrowserContext): Set<string> | undefined {
  const server = serverObject(context) as { visitedOrigins?: () => Iterable<string> } | undefined
  try {
    const origins = server?.visitedOrigins?.()
    return origins === undefined ? undefined : new Set([...origins].filter((origin) => webOrigin(origin)))
  } catch {
    return undefined // it has come to mean something else
  }
}

/**
 * The slow public way: visits every origin one by one, tells only those with storage, and waits on a hung page for
 * ever.
 */
async function storedOrigins(
  context: BrowserContext,
  options: { timeout: number; signal?: AbortSignal | undefined },
): Promise<string[]> {
  const reading = context.storageState({ indexedDB: true })
  const state = await within(reading, options.timeout, 'list of origins', options.signal).catch(
    () => undefined,
  )
  options.signal?.throwIfAborted()
  return state?.origins.map(({ origin }) => origin) ?? []
}
