import type { BrowserContext, Frame } from 'playwright'
import { TimedOutError } from '../../errors.ts'
import type { ReportItem } from '../../state/report.ts'
import type { IndexedDatabase, OriginState, StorageItem } from '../../state/state.ts'
import { within } from './deadline.ts'
import { decodeValue } from './in-page/decode-value.ts'
import type { Problem } from './in-page/problem.ts'
import { callInPage } from './in-page/source.ts'
import { writeDatabases } from './in-page/write-databases.ts'
import { type WriteRequest, writeStorage } from './in-page/write-storage.ts'
import type { StandingFrames } from './open-frames.ts'
import { askOrigins } from './own-pages.ts'
import { placed } from './read-origin.ts'
import { marker } from './seeding.ts'
import { openWorld } from './world.ts'

export interface WriteOptions {
  /** Milliseconds for one origin. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/** Replaces the storage of origins where no page stands. */
export async function writeClosed(
  context: BrowserContext,
  states: readonly OriginState[],
  options: WriteOptions,
): Promise<ReportItem[]> {
  const report: ReportItem[] = []
  const questions = states.map(({ origin, localStorage, sessionStorage = [], indexedDB = [] }) => {
    const { databases, problems } = expressible(indexedDB)
    report.push(...placed(problems, origin))
    const request: Writing = { local: localStorage, databases }
    // Tried here only for what does not fit: every tab has its own.
    const tried = length(sessionStorage) > surelyFits ? { ...request, session: sessionStorage } : request
    return { origin, expression: writeExpression(tried, options.timeout) }
  })
  const longest = Math.max(0, ...questions.map(({ expression }) => expression.length))
  const timeout = options.timeout + longest / 500
  for (const answer of await askOrigins(context, questions, { ...options, timeout })) {
    const { origin } = answer
    if ('text' in answer) report.push(...placed(parseProblems(answer.text), origin))
    else
      report.push({ kind: 'origin', name: origin, where: origin, reason: answer.reason, rule: answer.rule })
  }
  return report
}

/** Replaces the storage of an origin where its pages stand: what they share once, sessionStorage in every tab. */
export async function writeOpen(
  context: BrowserContext,
  standing: StandingFrames,
  state: OriginState,
  options: WriteOptions,
): Promise<ReportItem[]> {
  const { origin, tabs, first } = standing
  const what = `storage of ${origin}`
  // Megabytes take seconds on a busy machine, which is no sign of a hung page.
  const time = options.timeout + length([...state.localStorage, ...(state.sessionStorage ?? [])]) / 500
  const { databases, problems } = expressible(state.indexedDB ?? [])
  const write = async (frame: Frame): Promise<ReportItem[]> => {
    const shared = { local: state.localStorage, databases }
    const request = { session: state.sessionStorage ?? [], marker, ...(frame === first && shared) }
    try {
      const world = await within(openWorld(context, frame), options.timeout / 2, what, options.signal)
      const answer = world(writeExpression(request, options.timeout))
      return placed(parseProblems(await within(answer, time, what, options.signal)), origin)
    } catch (error) {
      options.signal?.throwIfAborted()
      const reason = error instanceof TimedOutError ? 'timed-out' : 'refused'
      const kind = frame === first ? 'origin' : 'sessionStorage'
      const name = kind === 'origin' ? origin : '*'
      return [{ kind, name, where: origin, reason, rule: 'its open page was not written' }]
    }
  }
  return [...placed(problems, origin), ...(await Promise.all(tabs.map(write))).flat()]
}

type Writing = Omit<WriteRequest, 'databaseTimeout'>

/** UTF-16 units that fit into a web storage in every engine; Chromium takes 5 million, others half of it. */
export const surelyFits = 2_000_000

/** Length of items in UTF-16 units. */
export function length(items: readonly StorageItem[]): number {
  return items.reduce((sum, { name, value }) => sum + name.length + value.length, 0)
}

/** Leaves out records that are no JSON: what Playwright's storageState gives can hold cyclic values. */
function expressible(databases: readonly IndexedDatabase[]): {
  databases: readonly IndexedDatabase[]
  problems: Problem[]
} {
  const isJson = (value: unknown): boolean => {
    try {
      JSON.stringify(value)
      return true
    } catch {
      return false
    }
  }
  if (isJson(databases)) return { databases, problems: [] }
  const problems: Problem[] = []
  const keep = (database: IndexedDatabase, store: IndexedDatabase['stores'][number]) => {
    const records = store.records.filter(isJson)
    const rule = `${String(store.records.length - records.length)} records are not plain JSON`
    const name = `${database.name}/${store.name}`
    if (records.length < store.records.length)
      problems.push({ kind: 'indexedDB', name, reason: 'malformed', rule })
    return { ...store, records }
  }
  const kept = databases.map((database) => ({
    ...database,
    stores: database.stores.map((store) => keep(database, store)),
  }))
  return { databases: kept, problems }
}

function writeExpression(request: Writing, timeout: number): string {
  const whole: WriteRequest = { ...request, databaseTimeout: timeout * 0.4 }
  return callInPage(writeStorage, decodeValue, writeDatabases, whole)
}

function parseProblems(text: string): Problem[] {
  return JSON.parse(text) as Problem[]
}
