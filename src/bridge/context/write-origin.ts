import type { BrowserContext, Frame } from 'playwright'
import { TimedOutError } from '../../errors.ts'
import type { ReportItem } from '../../state/report.ts'
import type { OriginState } from '../../state/state.ts'
import { within } from './deadline.ts'
import { decodeValue } from './in-page/decode-value.ts'
import type { Problem } from './in-page/problem.ts'
import { callInPage } from './in-page/source.ts'
import { writeDatabases } from './in-page/write-databases.ts'
import { type WriteRequest, writeStorage } from './in-page/write-storage.ts'
import type { StandingFrames } from './open-frames.ts'
import { visitBlank } from './own-pages.ts'
import { placed } from './read-origin.ts'
import { marker } from './seeding.ts'
import { evaluateInFrame } from './world.ts'

export interface WriteOptions {
  /** Milliseconds for one origin. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/** Replaces the storage of origins where no page stands. sessionStorage is tried there, too, so that what does not fit is known. */
export async function writeClosed(
  context: BrowserContext,
  states: readonly OriginState[],
  options: WriteOptions,
): Promise<ReportItem[]> {
  const byOrigin = new Map(states.map((state) => [state.origin, state]))
  const visits = await visitBlank<Problem[]>(
    context,
    [...byOrigin.keys()],
    async (page, origin) => {
      const state = byOrigin.get(origin)
      const request = {
        local: state?.localStorage ?? [],
        session: state?.sessionStorage ?? [],
        databases: state?.indexedDB ?? [],
      }
      return parseProblems(await page.evaluate<string>(writeExpression(request, options.timeout)))
    },
    options,
  )
  return visits.flatMap((visit) =>
    'value' in visit
      ? placed(visit.value, visit.origin)
      : [
          {
            kind: 'origin' as const,
            name: visit.origin,
            where: visit.origin,
            reason: visit.reason,
            rule: visit.rule,
          },
        ],
  )
}

/** Replaces the storage of an origin where its pages stand: what they share once, sessionStorage in every tab. */
export async function writeOpen(
  context: BrowserContext,
  standing: StandingFrames,
  state: OriginState,
  options: WriteOptions,
): Promise<ReportItem[]> {
  const { origin, tabs, first } = standing
  const write = async (frame: Frame): Promise<ReportItem[]> => {
    const shared = { local: state.localStorage, databases: state.indexedDB ?? [] }
    const request = { session: state.sessionStorage ?? [], marker, ...(frame === first && shared) }
    try {
      const answer = evaluateInFrame(context, frame, writeExpression(request, options.timeout))
      return placed(
        parseProblems(await within(answer, options.timeout, `storage of ${origin}`, options.signal)),
        origin,
      )
    } catch (error) {
      options.signal?.throwIfAborted()
      const reason = error instanceof TimedOutError ? 'timed-out' : 'refused'
      const kind = frame === first ? 'origin' : 'sessionStorage'
      return [
        {
          kind,
          name: kind === 'origin' ? origin : '*',
          where: origin,
          reason,
          rule: 'its open page was not written',
        },
      ]
    }
  }
  return (await Promise.all(tabs.map(write))).flat()
}

function writeExpression(request: Omit<WriteRequest, 'databaseTimeout'>, timeout: number): string {
  const whole: WriteRequest = { ...request, databaseTimeout: timeout * 0.4 }
  return callInPage(writeStorage, decodeValue, writeDatabases, whole)
}

function parseProblems(text: string): Problem[] {
  return JSON.parse(text) as Problem[]
}
