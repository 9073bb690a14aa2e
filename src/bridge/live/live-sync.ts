import type { BrowserContext } from 'playwright'
import { type GatePolicy, sanitize } from '../../policy/gate.ts'
import type { Cell, CellChange } from '../../state/cell.ts'
import { deepEqual, isEmptyOrigin } from '../../state/diff.ts'
import type { Report, ReportItem } from '../../state/report.ts'
import type { IndexedDatabase, OriginState, SessionState } from '../../state/state.ts'
import { applyState } from '../context/apply.ts'
import { captureState } from '../context/capture.ts'
import { openCookieAccess } from '../context/cookie-access.ts'
import { within } from '../context/deadline.ts'
import { CookieEars } from './cookie-ears.ts'
import { CookieSync } from './cookie-sync.ts'
import { judge, type Rule } from './judge.ts'
import { Pump } from './pump.ts'
import { StorageSync } from './storage-sync.ts'
import type { Traffic } from './traffic.ts'

export interface LiveOptions {
  readonly cell: Cell
  /** What may go from the browser to the cell. */
  readonly policy: GatePolicy
  readonly signal?: AbortSignal | undefined
  /** Default: the rule of the house; for tests, which show that another one does not do. */
  readonly rule?: Rule
  /** Hears of every write, before it is made, with its value; for tests and benches. */
  readonly onWrite?: Traffic['wrote']
}

/**
 * A context that wears the state of a cell and is kept in step with it, both ways, deletions included.
 *
 * - Cookies: the browser is read after every response, when a page tells of a change, after every change of the cell,
 *   and at the latest every 50–75 ms.
 * - localStorage and sessionStorage: by events; documents to come are seeded.
 * - IndexedDB, and storage of frames inside another site's page: taken home at the end only.
 * - One rule for conflicts: judge.ts.
 * - A renewal (a new epoch of the cell) puts the new state on the context as a whole.
 */
export class LiveSync {
  readonly #context: BrowserContext
  readonly #cell: Cell
  readonly #policy: GatePolicy
  readonly #cookies: CookieSync
  readonly #storage: StorageSync
  readonly #cookiePump: Pump
  readonly #traffic: Traffic
  readonly #report: ReportItem[] = []
  #unsubscribe: () => void = () => undefined
  #ears: CookieEars | undefined
  #epoch: number
  #worn: SessionState
  #wearing: Promise<Report> | undefined
  #isOver = false
  #isSuspended = true
  #cookieCost = 0

  private constructor(context: BrowserContext, options: LiveOptions, cookies: CookieSync, traffic: Traffic) {
    const { cell, policy } = options
    this.#context = context
    this.#cell = cell
    this.#policy = policy
    this.#traffic = traffic
    this.#epoch = cell.epoch
    this.#worn = cell.state
    this.#cookies = cookies
    this.#storage = new StorageSync(context, cell, policy, traffic)
    this.#cookiePump = new Pump(
      () => this.#syncCookies(),
      () => Math.min(75, Math.max(50, 4 * this.#cookieCost)),
    )
  }

  /** Puts the state on and begins. Rejects as applyState does; then nothing is left behind. */
  static async begin(
    context: BrowserContext,
    options: LiveOptions,
  ): Promise<{ live: LiveSync; given: Report }> {
    if (live.has(context))
      throw new TypeError('This context wears a session already: end that visit before another one begins')
    live.add(context)
    let sync: LiveSync | undefined
    try {
      const traffic = trafficOf(options)
      const access = await openCookieAccess(context)
      sync = new LiveSync(
        context,
        options,
        new CookieSync(access, options.cell, options.policy, traffic),
        traffic,
      )
      sync.#listen()
      return { live: sync, given: await sync.#wear(options.signal) }
    } catch (error) {
      if (sync === undefined) live.delete(context)
      else await sync.stop()
      throw error
    }
  }

  /** The name under which it writes to the cell. */
  get by(): string {
    return this.#traffic.by
  }

  /** Everything that either side has written before this call is on both sides when it resolves. */
  async settle(): Promise<void> {
    await this.#wearing
    await this.#storage.settleCookies()
    await Promise.all([this.#cookiePump.settle(), this.#storage.settle()])
  }

  /**
   * Ends the sync and takes home what it may have missed (captureState, judged by the same rule). The context stays open. Rejects when
   * the context has been closed; what was in step until then is home.
   */
  async finish(): Promise<{ state: SessionState; report: Report }> {
    try {
      await this.#wearing?.catch(() => undefined)
      await within(this.settle(), 2_000, 'the last changes').catch(() => undefined)
      this.#isSuspended = true
      await Promise.all([this.#cookiePump.stop(), this.#storage.stop()])
      const databases = new Map(this.#worn.origins.map(({ origin, indexedDB }) => [origin, indexedDB]))
      const previous = this.#storage.previous.map((state) =>
        withDatabases(state, databases.get(state.origin)),
      )
      const found = await captureState(this.#context, { previous: { cookies: [], origins: previous } })
      const gated = sanitize(found.state, this.#policy)
      if (this.#cell.epoch === this.#epoch) this.#fold(found.state, databases)
      const report = [...this.#report, ...this.#cookies.report, ...this.#storage.report]
      return { state: gated.state, report: [...report, ...found.report, ...gated.dropped] }
    } finally {
      await this.stop()
    }
  }

  /** Ends the sync at once: no listener, timer or script of it is left. */
  async stop(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    this.#isSuspended = true
    this.#unsubscribe()
    this.#context.off('response', this.#onResponse)
    this.#context.off('close', this.#onClose)
    await Promise.all([this.#cookiePump.stop(), this.#storage.stop(), this.#ears?.stop()])
    live.delete(this.#context)
  }

  #listen(): void {
    this.#unsubscribe = this.#cell.subscribe((change) => {
      this.#onCellChange(change)
    })
    this.#context.on('response', this.#onResponse)
    this.#ears = new CookieEars(this.#context, () => {
      this.#cookiePump.poke(this.#cookieCost) // a page that writes all the time is not read more than half of it
    })
    this.#context.once('close', this.#onClose)
  }

  readonly #onResponse = (): void => {
    this.#cookiePump.poke(8) // a page of many resources is read a few times, not at each
  }

  readonly #onClose = (): void => {
    void this.stop()
  }

  #onCellChange({ diff, by, epoch }: CellChange): void {
    const own = by === this.#traffic.by
    if (epoch > this.#epoch) {
      this.#epoch = epoch
      this.#rewear()
      return
    }
    this.#storage.follow(diff, own)
    if (own || diff.set.length + diff.removed.length === 0) return
    this.#cookies.touch([...diff.set, ...diff.removed])
    this.#cookiePump.poke()
  }

  /** One after the other; what is home of the old epoch by now is in what the renewal has replaced. */
  #rewear(): void {
    this.#isSuspended = true
    const wearing = (this.#wearing ?? Promise.resolve([])).catch(() => []).then(() => this.#wear())
    this.#wearing = wearing
    wearing.then(
      (report) => {
        this.#report.push(...report)
      },
      () => this.stop(), // the context is closed
    )
  }

  async #wear(signal?: AbortSignal): Promise<Report> {
    this.#isSuspended = true
    await this.#running?.catch(() => undefined)
    const worn = this.#cell.state
    this.#worn = worn
    this.#cookies.suspend()
    this.#storage.suspend()
    const report = await applyState(this.#context, worn, signal === undefined ? {} : { signal })
    this.#cookies.adopt(worn, report)
    this.#storage.adopt(worn, report)
    this.#isSuspended = false
    this.#cookiePump.poke()
    return report
  }

  /** The reading under way, whose writes must not land on top of a state put on meanwhile. */
  #running: Promise<void> | undefined

  async #syncCookies(): Promise<void> {
    if (this.#isSuspended) return
    const begun = performance.now()
    try {
      await (this.#running = this.#cookies.step())
    } catch {
      return // the context is being closed, which ends the sync
    } finally {
      this.#running = undefined
    }
    this.#cookieCost = performance.now() - begun
  }

  #fold(found: SessionState, databases: ReadonlyMap<string, readonly IndexedDatabase[] | undefined>): void {
    this.#cookies.fold(found.cookies)
    this.#storage.fold(found.origins)
    const held = new Map(found.origins.map(({ origin, indexedDB }) => [origin, indexedDB]))
    const changed = [...new Set([...held.keys(), ...databases.keys()])].filter(
      (origin) => !deepEqual(held.get(origin) ?? [], databases.get(origin) ?? []),
    )
    const states = changed.map((origin) =>
      withDatabases(this.#cell.origin(origin) ?? { origin, localStorage: [] }, held.get(origin)),
    )
    this.#cell.merge(
      {
        set: [],
        removed: [],
        origins: states.filter((state) => !isEmptyOrigin(state)),
        removedOrigins: states.filter(isEmptyOrigin).map(({ origin }) => origin),
      },
      this.#traffic.by,
    )
  }
}

const live = new WeakSet<BrowserContext>()
let count = 0

function trafficOf({ rule = judge, onWrite = () => undefined }: LiveOptions): Traffic {
  count += 1
  return { by: `visit:${String(count)}`, rule, wrote: onWrite }
}

function withDatabases(state: OriginState, databases: readonly IndexedDatabase[] = []): OriginState {
  const { indexedDB: _, ...rest } = state
  return databases.length === 0 ? rest : { ...rest, indexedDB: databases }
}
