import type { BrowserContext, Frame, Page } from 'playwright'
import { TimedOutError } from '../../errors.ts'
import type { ReportItem } from '../../state/report.ts'
import { within } from './deadline.ts'
import { encodeValue } from './in-page/encode-value.ts'
import type { Problem } from './in-page/problem.ts'
import { readDatabases } from './in-page/read-databases.ts'
import {
  type Items,
  type ReadRequest,
  readStorage,
  storageSize,
  type StorageRead,
} from './in-page/read-storage.ts'
import { callInPage } from './in-page/source.ts'
import type { StandingFrames } from './open-frames.ts'
import type { OriginReads } from './origin-state.ts'
import { marker } from './seeding.ts'
import { openWorld, ownWorld, type World } from './world.ts'

export interface ReadOptions {
  /** Milliseconds for one origin. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/** Reads the storage that a page of ours, standing on the origin, shares with all others of the origin. */
export async function readInOwnPage(page: Page, options: ReadOptions): Promise<StorageRead> {
  return readIn(ownWorld(page), { shared: true, session: false }, options)
}

/**
 * Half the time for the page to show that it is alive and say how much it holds. Megabytes take seconds on a busy
 * machine, which is no sign of a hung page: they get 2 ms more for each 1,000 UTF-16 units.
 */
async function readIn(
  opening: Promise<World>,
  wanted: Pick<ReadRequest, 'shared' | 'session'>,
  { timeout, signal }: ReadOptions,
): Promise<StorageRead> {
  const sizing = opening.then(async (world) => ({ world, size: await world(callInPage(storageSize)) }))
  const { world, size } = await within(sizing, timeout / 2, 'opening a page for reading', signal)
  const request: ReadRequest = { ...wanted, databaseTimeout: timeout * 0.8, marker }
  const reading = world(callInPage(readStorage, encodeValue, readDatabases, request))
  return JSON.parse(await within(reading, timeout + Number(size) / 500, 'reading', signal)) as StorageRead
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
  const report: ReportItem[] = []
  const readTab = async (frame: Frame): Promise<StorageRead | undefined> => {
    try {
      const wanted = { shared: frame === first, session: true }
      const read = await readIn(openWorld(context, frame), wanted, options)
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
    ? `its page did not answer within ${String(Math.round(error.after))} ms`
    : 'its page went away while it was read'
  return { kind: 'sessionStorage', name: '*', where: origin, reason: late ? 'timed-out' : 'unreadable', rule }
}
