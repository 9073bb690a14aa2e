import type { BrowserContext } from 'playwright'
import { keptOrigin } from '../../state/kept-values.ts'
import type { Report, ReportItem } from '../../state/report.ts'
import type { OriginState, SessionState } from '../../state/state.ts'
import { writeCookies } from './cookies.ts'
import { within } from './deadline.ts'
import type { Seed } from './in-page/seed-document.ts'
import { knownOrigins } from './known-origins.ts'
import { openFrames } from './open-frames.ts'
import { Seeding, seedingOf, seedOf } from './seeding.ts'
import { webOrigin } from './web-origin.ts'
import { length, surelyFits, writeClosed, writeOpen } from './write-origin.ts'

export interface ApplyOptions {
  readonly signal?: AbortSignal
  /** Milliseconds for one origin that must be written at once (default 10,000). */
  readonly timeout?: number
  /** Hears of what turns out only when an origin is first visited. */
  readonly onReport?: (item: ReportItem) => void
}

/**
 * Makes a context wear a state, in place of whatever it held: cookies at once, the storage of an origin when it is
 * first visited, before the page's own scripts run (seeding.ts says how, and why nothing that the app changes
 * afterwards is put back). Each new tab gets the origin's sessionStorage once. Three kinds of origins are written at
 * once, by pages of ours: those with IndexedDB, which cannot be written while a document starts; those with much
 * localStorage, which would be sent to every document meanwhile; and those that the context has visited before. Where
 * a page stands open, it is written in place; sessionStorage that an open tab has for origins where it no longer
 * stands cannot be reached, and stays.
 *
 * Item by item: what cannot be put on is in the report and costs the rest nothing. Rejects only when the signal is
 * aborted (with its reason; the context then wears a part of the state) or the context is closed.
 */
export async function applyState(
  context: BrowserContext,
  state: SessionState,
  options: ApplyOptions = {},
): Promise<Report> {
  const { signal, timeout = 10_000, onReport } = options
  signal?.throwIfAborted()
  const { origins, report } = usableOrigins(state)
  const known = await knownOrigins(context, { timeout, signal })
  const earlier = seedingOf(context)?.written ?? []
  const atOnce = [...origins.values()].filter(isWrittenAtOnce).map(({ origin }) => origin)
  const now = new Set([...known, ...earlier, ...atOnce])
  const seeding = Seeding.begin(context, origins, now, onReport)
  const open = openFrames(context)
  const targets = [...now].map((origin) => origins.get(origin) ?? { origin, localStorage: [] })
  const write = { timeout, signal }
  const written = await Promise.all([
    within(writeCookies(context, state.cookies, { replace: true }), cookieTimeout, 'writing cookies', signal),
    writeClosed(
      context,
      targets.filter(({ origin }) => open.get(origin)?.first === undefined),
      write,
    ),
    ...targets.flatMap((target) => {
      const frames = open.get(target.origin)
      return frames === undefined ? [] : [writeOpen(context, frames, target, write)]
    }),
    within(seeding.wait(waitingSeeds(origins, now)), timeout, 'installing the seeds', signal).then(
      (): Report => [],
    ),
  ])
  return [...report, ...written.flat()]
}

/** Milliseconds. Cookies go to the browser process, which no page can hang. */
const cookieTimeout = 30_000

/** Longest localStorage, in UTF-16 units, that may wait in the init script of every document. */
const waitingLimit = 32_768

function isWrittenAtOnce(state: OriginState): boolean {
  const { origin, localStorage, sessionStorage = [], indexedDB = [] } = state
  if (origin === keptOrigin) return false // nobody can stand there
  return indexedDB.length > 0 || length(localStorage) > waitingLimit || length(sessionStorage) > surelyFits
}

function waitingSeeds(
  origins: ReadonlyMap<string, OriginState>,
  now: ReadonlySet<string>,
): Map<string, Seed> {
  const seeds = new Map<string, Seed>()
  for (const { origin, localStorage, sessionStorage = [] } of origins.values()) {
    if (origin === keptOrigin) continue
    const seed = seedOf(now.has(origin) ? [] : localStorage, sessionStorage)
    if (seed !== undefined) seeds.set(origin, seed)
  }
  return seeds
}

function usableOrigins(state: SessionState): { origins: Map<string, OriginState>; report: ReportItem[] } {
  const origins = new Map<string, OriginState>()
  const report: ReportItem[] = []
  for (const entry of state.origins) {
    const origin = webOrigin(entry.origin)
    if (origin === undefined) {
      const rule = 'only http and https origins have storage that can be put on'
      report.push({ kind: 'origin', name: entry.origin, where: entry.origin, reason: 'unsupported', rule })
      continue
    }
    if (origins.has(origin)) report.push({ kind: 'origin', name: origin, where: origin, reason: 'duplicate' })
    origins.set(origin, entry.origin === origin ? entry : { ...entry, origin })
  }
  return { origins, report }
}
