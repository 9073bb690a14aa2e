import type { BrowserContext, Frame, Page } from 'playwright'
import { TimedOutError } from '../../errors.ts'
import type { ReportItem } from '../../state/report.ts'
import { within } from './deadline.ts'
import { encodeValue } from './in-page/encode-value.ts'
import type { Problem } from './in-page/problem.ts'
import { readDatabases } from './in-page/read-databases.ts'
import { type Items, type ReadRequest, readStorage, type StorageRead } from './in-page/read-storage.ts'
import { callInPage } from './in-page/source.ts'
import type { StandingFrames } from './open-frames.ts'
import type { OriginReads } from './origin-state.ts'
import { marker } from './seeding.ts'
import { openWorld, ownWorld } from './world.ts'

export interface ReadOptions {
  /** Milliseconds for one origin. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/** Reads the storage that a page of ours, standing on the origin, shares with all others of the origin. */
export async function readInOwnPage(page: Page, timeout: number): Promise<StorageRead> {
  const world = await ownWorld(page)
  return parseRead(await world(readExpression(true, false, timeout)))
}

/**
 * Reads an origin where it stands: every tab's sessionStorage, and what they share from the first frame. A page has
 * half the time to show that it is alive; the other half remains for reading the shared part in a page of ours, when `shared` comes back undefined.
 */
export async function readStanding(
  context: BrowserContext,
  standing: StandingFrames,
  options: ReadOptions,
): Promise<{ reads: OriginReads; report: ReportItem[] }> {
  const { origin, tabs, first } = standing
  const alive = options.timeout / 2
  const report: ReportItem[] = []
  const readTab = async (frame: Frame): Promise<StorageRead | undefined> => {
    const expression = readExpression(frame === first, true, options.timeout)
    try {
      const what = `storage of ${origin}`
      const world = await within(openWorld(context, frame), alive, what, options.signal)
      const read = parseRead(await within(world(expression), options.timeout, what, options.signal))
      const hasNone = read.origin !== origin || (read.local === undefined && frame.parentFrame() !== null)
      // A sandboxed frame, or an iframe that is denied storage as a third party, holds nothing that could be lost.
      return hasNone ? undefined : read
    } catch (error) {
      options.signal?.throwIfAborted()
      report.push(unansweredTab(origin, error))
      return undefined
    }
  }
  const answers = await Promise.all(tabs.map(async (frame) => ({ frame, read: await readTab(frame) })))
  const shared = answers.find(({ frame }) => frame === first)?.read
  const sessions = answers
    .map(({ read }) => read?.session)
    .filter((items): items is Items => items !== undefined)
  for (const { read } of answers) report.push(...placed(read?.problems ?? [], origin))
  return { reads: { origin, shared, tabs: sessions }, report }
}

/** Problems of a script in a page, as report items. */
export function placed(problems: readonly Problem[], origin: string): ReportItem[] {
  return problems.map((problem) => ({ ...problem, where: origin }))
}

function unansweredTab(origin: string, error: unknown): ReportItem {
  const late = error instanceof TimedOutError
  const rule = late
    ? `its page did not answer within ${String(error.after)} ms`
    : 'its page went away while it was read'
  return { kind: 'sessionStorage', name: '*', where: origin, reason: late ? 'timed-out' : 'unreadable', rule }
}

function readExpression(shared: boolean, session: boolean, timeout: number): string {
  const request: ReadRequest = { shared, session, databaseTimeout: timeout * 0.8, marker }
  return callInPage(readStorage, encodeValue, readDatabases, request)
}

function parseRead(text: string): StorageRead {
  return JSON.parse(text) as StorageRead
}
