import type { BrowserContext } from 'playwright'
import type { Report, ReportItem } from '../../state/report.ts'
import type { OriginState, SessionState } from '../../state/state.ts'
import { readCookies } from './cookies.ts'
import { within } from './deadline.ts'
import { knownOrigins } from './known-origins.ts'
import { openFrames } from './open-frames.ts'
import { originState, type OriginReads } from './origin-state.ts'
import { readClosed, readStanding, type ReadOptions } from './read-origin.ts'
import { seedingOf } from './seeding.ts'
import { webOrigin } from './web-origin.ts'

export interface CaptureOptions {
  readonly signal?: AbortSignal
  /** Milliseconds for one origin (default 5,000). A page that does not answer costs no more, and is reported. */
  readonly timeout?: number
  /** Origins that were visited, besides those that stand open and those that are known of this context. */
  readonly origins?: Iterable<string>
  /** An earlier state of the context: origins not visited are taken from it unread, and so is what cannot be read. */
  readonly previous?: SessionState
}

/**
 * Reads the state of a context: cookies, and localStorage, sessionStorage and IndexedDB of every visited origin. Open
 * pages and frames are read where they stand; an origin without one is stood on for a moment by a page of ours, which
 * its site does not hear of. sessionStorage ends with its tab: of an origin without an open tab it is what `previous`
 * (or what applyState put on) says. After applyState only origins visited since are read.
 *
 * What cannot be read is in the report and costs the rest nothing. Rejects only when the signal is aborted (with its
 * reason), the context is closed, or its cookies cannot be read.
 */
export async function captureState(
  context: BrowserContext,
  options: CaptureOptions = {},
): Promise<{ state: SessionState; report: Report }> {
  const read: ReadOptions = { timeout: options.timeout ?? 5_000, signal: options.signal }
  read.signal?.throwIfAborted()
  const before = statesBefore(context, options.previous)
  const [cookies, storage] = await Promise.all([
    within(readCookies(context), cookieTimeout, 'reading cookies', read.signal),
    readOrigins(context, await visitedOrigins(context, options, read), read),
  ])
  for (const reads of storage.reads) {
    const state = originState(reads, before.get(reads.origin))
    if (state === undefined) before.delete(reads.origin)
    else before.set(reads.origin, state)
  }
  return {
    state: { cookies: cookies.cookies, origins: [...before.values()] },
    report: [...cookies.report, ...storage.report],
  }
}

/** Milliseconds. Cookies come from the browser process, which no page can hang. */
const cookieTimeout = 30_000

/** What is true of an origin unless it is read: what was put on, under what is known since. */
function statesBefore(context: BrowserContext, previous: SessionState | undefined): Map<string, OriginState> {
  const before = new Map(seedingOf(context)?.applied)
  for (const state of previous?.origins ?? []) before.set(state.origin, state)
  return before
}

async function visitedOrigins(
  context: BrowserContext,
  options: CaptureOptions,
  read: ReadOptions,
): Promise<Set<string>> {
  const visited = await knownOrigins(context, read)
  for (const given of options.origins ?? []) {
    const origin = webOrigin(given)
    if (origin !== undefined) visited.add(origin)
  }
  return visited
}

async function readOrigins(
  context: BrowserContext,
  origins: ReadonlySet<string>,
  options: ReadOptions,
): Promise<{ reads: OriginReads[]; report: ReportItem[] }> {
  const open = openFrames(context)
  const closed = [...origins].filter((origin) => !open.has(origin))
  const [standing, own] = await Promise.all([
    Promise.all([...open.values()].map((frames) => readOpen(context, frames, options))),
    readClosed(context, closed, options),
  ])
  return {
    reads: [...standing.flatMap(({ reads }) => reads), ...own.reads],
    report: [...standing.flatMap(({ report }) => report), ...own.report],
  }
}

/** An open origin: in place, and where its page does not answer or is denied storage, by a page of ours. */
async function readOpen(
  context: BrowserContext,
  frames: Parameters<typeof readStanding>[1],
  options: ReadOptions,
): Promise<{ reads: OriginReads[]; report: ReportItem[] }> {
  const { reads, report } = await readStanding(context, frames, options)
  if (reads.shared?.local !== undefined) return { reads: [reads], report }
  const again = await readClosed(context, [frames.origin], { ...options, timeout: options.timeout / 2 })
  const shared = again.reads[0]?.shared
  return { reads: [{ ...reads, shared }], report: [...report, ...again.report] }
}
