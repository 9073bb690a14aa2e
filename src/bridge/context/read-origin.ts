import type { BrowserContext, Frame } from 'playwright'
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
import { askOrigins } from './own-pages.ts'
import { marker } from './seeding.ts'
import { askWorld } from './world.ts'

export interface ReadOptions {
  /** Milliseconds for one origin. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/** Reads what all documents of an origin share, of origins where no page stands, by pages of ours. */
export async function readClosed(
  context: BrowserContext,
  origins: readonly string[],
  options: ReadOptions,
): Promise<{ reads: OriginReads[]; report: ReportItem[] }> {
  const expression = readExpression({ local: true, session: false, databases: 'read' }, options)
  const questions = origins.map((origin) => ({ origin, expression }))
  const reads: OriginReads[] = []
  const report: ReportItem[] = []
  for (const answer of await askOrigins(context, questions, options)) {
    const { origin } = answer
    const failure = 'text' in answer ? undefined : answer
    const read = 'text' in answer ? parseRead(answer.text) : undefined
    if (read?.origin === origin) {
      reads.push({ origin, shared: read, tabs: [] })
      report.push(...placed(read.problems, origin))
    } else {
      const { reason, rule } = failure ?? { reason: 'unreadable' as const, rule: 'another origin answered' }
      report.push({ kind: 'origin', name: origin, where: origin, reason, rule })
    }
  }
  return { reads, report }
}

/**
 * Half the time for the page to show that it is alive: a page that holds little says all of it with its first answer.
 * Megabytes take seconds on a busy machine, which is no sign of a hung page: they get 2 ms more for each 1,000 units.
 */
async function readIn(
  context: BrowserContext,
  frame: Frame,
  shared: boolean,
  options: ReadOptions,
): Promise<StorageRead> {
  const { timeout, signal } = options
  const wanted = { local: shared, session: true, databases: shared ? 'count' : 'no' } as const
  const beginning = askWorld(context, frame, readExpression({ ...wanted, longest: 1_000_000 }, options))
  const { world, answer } = await within(beginning, timeout / 2, 'a first answer', signal)
  const time = answer.startsWith('#') ? timeout + Number(answer.slice(1)) / 500 : 0
  const storages =
    time > 0 ? await within(world(readExpression(wanted, options)), time, 'reading', signal) : answer
  const read = parseRead(storages)
  if ((read.databaseCount ?? 0) === 0) return shared ? { databases: [], ...read } : read
  const rest = readExpression({ local: false, session: false, databases: 'read' }, options)
  const { databases, problems } = parseRead(await within(world(rest), timeout, 'reading databases', signal))
  return { ...read, ...(databases && { databases }), problems: [...read.problems, ...problems] }
}

/**
 * Reads an origin where it stands: every tab's sessionStorage, and what they share from the first frame. A page has
 * half the time to show that it is alive; the other half remains for reading what they share by a page of ours, when
 * `shared` comes back undefined.
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
      const read = await readIn(context, frame, frame === first, options)
      const hasNone = read.origin !== origin || (read.session === undefined && frame.parentFrame() !== null)
      // A sandboxed frame, or an iframe that is denied storage as a third party, holds nothing that could be lost.
      return hasNone ? undefined : read
    } catch (error) {
      options.signal?.throwIfAborted()
      report.push(unansweredTab(origin, error))
      return undefined
    }
  }
  const answers = await Promise.all(tabs.map(async (frame) => ({ frame, read: await readTab(frame) })))
  const shared = first && answers.find(({ frame }) => frame === first)?.read
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

type Wanted = Omit<ReadRequest, 'databaseTimeout' | 'marker'>

function readExpression(wanted: Wanted, { timeout }: ReadOptions): string {
  const request: ReadRequest = { ...wanted, databaseTimeout: timeout * 0.8, marker }
  return wanted.databases === 'read'
    ? callInPage(readStorage, encodeValue, readDatabases, request)
    : callInPage(readStorage, null, null, request)
}

function parseRead(text: string): StorageRead {
  return JSON.parse(text) as StorageRead
}
