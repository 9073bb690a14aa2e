import { ProbeMissingError, SessionDeadError } from '../errors.ts'
import type { Carrier } from '../http/carrier.ts'
import type { HttpOptions } from '../http/client.ts'
import { checkProbe, type Liveness } from '../login/probe.ts'
import { namePatterns } from '../policy/name-patterns.ts'
import { Cell } from '../state/cell.ts'
import { applyDiff, diffStates } from '../state/diff.ts'
import type { Probe } from '../state/identity.ts'
import type { Report } from '../state/report.ts'
import { cookieKey, emptyState, type SessionState, type StateCookie } from '../state/state.ts'
import { smallest } from './smallest.ts'
import { listParts, only, type StatePart } from './state-parts.ts'

export interface MinimizeOptions {
  /** Names of cookies and storage items that stay whatever the probe says; `*` for any rest. */
  readonly keep?: readonly string[]
  /** Put the smallest state in place of the session's and save it; default: only find it. */
  readonly apply?: boolean
  /** Most questions to the server, default 200; when they are used up, the smallest state found by then counts. */
  readonly maxProbes?: number
  readonly signal?: AbortSignal
}

export interface Minimized {
  /** What passes the probe; with `apply` the state that the session now has. */
  readonly state: SessionState
  /** What the probe does not need, and which learned headers go with it. */
  readonly removed: Report
  /** Questions that the server was asked. */
  readonly probes: number
  /** False when `maxProbes` ran out: there may be a smaller one. */
  readonly smallest: boolean
  /** True when it was put in place: asked for, and nobody has logged in meanwhile. */
  readonly applied: boolean
}

export interface MinimizeWork {
  readonly carrier: Carrier
  readonly probe: Probe | undefined
  /** The protect lists of vault and recipe. */
  readonly protect: readonly string[]
  readonly http: HttpOptions | undefined
}

/**
 * Finds the smallest state that still passes the probe, by leaving parts out of copies and asking the server, one
 * question at a time. Values that the server rotates with its answers are taken over into the session at the end, where
 * they would otherwise be lost; nothing else touches it before.
 *
 * Throws `ProbeMissingError` when nothing is known that would tell, `SessionDeadError` when the whole state does not pass
 * any more, and the signal's reason.
 */
export async function minimizeState(work: MinimizeWork, options: MinimizeOptions = {}): Promise<Minimized> {
  const { carrier, probe } = work
  const { name, cell } = carrier
  if (probe === undefined) throw new ProbeMissingError(name, 'no request is known that tells')
  const begun = { state: cell.state, epoch: cell.epoch }
  const asker = new Asker(work, probe, options)

  const first = await asker.ask(begun.state)
  if (first === 'dead') throw new SessionDeadError(name, 'the server does not take it as it is')
  if (first === 'unclear')
    throw new ProbeMissingError(
      name,
      'the one that is known is answered neither as to the living nor as to the dead',
    )
  if ((await asker.ask(emptyState)) === 'alive')
    throw new ProbeMissingError(name, 'the one that is known is answered without a session as with it')

  const parts = listParts(begun.state)
  const isKept = namePatterns([...work.protect, ...(options.keep ?? [])])
  const kept = parts.filter((part) => isKept(part.name))
  const open = parts.filter((part) => !isKept(part.name))
  const whole = (some: readonly StatePart[]): SessionState => only(asker.newest, [...kept, ...some])

  const needed =
    kept.length > 0 && (await asker.passes(whole([]))) === true
      ? []
      : await smallest(open, (some) => asker.passes(whole(some)))
  await asker.proves(() => whole(needed))

  const gone = open.filter((part) => !needed.includes(part))
  const isSame = cell.epoch === begun.epoch
  if (isSame) takeRotations(cell, begun.state, asker.newest)
  const applied = isSame && options.apply === true
  if (applied) {
    const keys = new Set(gone.map(({ key }) => key))
    const stays = listParts(cell.state).filter(({ key }) => !keys.has(key))
    cell.merge(diffStates(cell.state, only(cell.state, stays)), 'minimize')
  }
  return {
    state: applied ? cell.state : whole(needed),
    removed: gone.map((part) => reportOf(part, carrier)),
    probes: asker.asked,
    smallest: !asker.isOut,
    applied,
  }
}

/** Asks with copies, one at a time: two copies of one rotating cookie at once would make a strict server end the session. */
class Asker {
  readonly #work: MinimizeWork
  readonly #probe: Probe
  readonly #most: number
  readonly #signal: AbortSignal | undefined
  /** The whole state with the values that the server has given since. */
  newest: SessionState
  asked = 0
  isOut = false

  constructor(work: MinimizeWork, probe: Probe, { maxProbes = 200, signal }: MinimizeOptions) {
    this.#work = work
    this.#probe = probe
    this.#most = Math.max(maxProbes, 4) // whole, nothing, and the proof of what is found
    this.#signal = signal
    this.newest = work.carrier.cell.state
  }

  /** Whether the server takes this state as signed in; `undefined` when it has been asked often enough. */
  async passes(state: SessionState): Promise<boolean | undefined> {
    this.isOut ||= this.asked >= this.#most - 2
    return this.isOut ? undefined : (await this.ask(state)) === 'alive'
  }

  /** Twice in a row, and no budget: what is handed out has been proven. */
  async proves(state: () => SessionState): Promise<void> {
    if ((await this.ask(state())) === 'alive' && (await this.ask(state())) === 'alive') return
    throw new SessionDeadError(
      this.#work.carrier.name,
      'the server took a part of it while it was minimized, and then no longer',
    )
  }

  async ask(state: SessionState): Promise<Liveness> {
    this.#signal?.throwIfAborted()
    this.asked += 1
    const { name, identity, headerRules } = this.#work.carrier
    const cell = new Cell(state)
    const answer = await checkProbe(this.#probe, { name, identity, headerRules, cell }, this.#work.http)
    if (answer === 'alive') {
      // Only new values of what was sent: a server that misses a cookie hands out another one, as to a stranger.
      const sent = new Set(state.cookies.map(cookieKey))
      const set = diffStates(state, cell.state).set.filter((cookie) => sent.has(cookieKey(cookie)))
      this.newest = applyDiff(this.newest, { set, removed: [], origins: [], removedOrigins: [] })
    }
    return answer
  }
}

/** Values that the server gave with its answers, where nobody else has got a newer one since. */
function takeRotations(cell: Cell, before: SessionState, newest: SessionState): void {
  const old = new Map(before.cookies.map((cookie) => [cookieKey(cookie), cookie.value]))
  const isOld = (cookie: StateCookie): boolean => {
    const key = cookieKey(cookie)
    return cell.cookie(key)?.value === old.get(key)
  }
  const set = diffStates(before, newest).set.filter(isOld)
  cell.merge({ set, removed: [], origins: [], removedOrigins: [] }, 'probe')
}

function reportOf(part: StatePart, { headerRules }: Carrier): Report[number] {
  const made = headerRules.filter(({ source }) =>
    source.from === 'cookie'
      ? part.kind === 'cookie' && source.name === part.name
      : part.kind === source.from && part.name === source.key && part.where === source.origin,
  )
  const headers = made.map(({ header, origins }) => `${header} to ${origins.join(', ')}`)
  return {
    kind: part.kind,
    name: part.name,
    where: part.where,
    reason: 'not-needed',
    rule:
      headers.length === 0
        ? 'the probe is answered as signed in without it'
        : `the probe is answered as signed in without it; the header ${headers.join(' and ')} is made from it`,
  }
}
