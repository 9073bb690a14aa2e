import type { BrowserContext, Page } from 'playwright'
import type { GatePolicy } from '../../policy/gate.ts'
import type { Cell } from '../../state/cell.ts'
import type { StateDiff } from '../../state/diff.ts'
import type { Report, ReportItem } from '../../state/report.ts'
import type { OriginState, SessionState } from '../../state/state.ts'
import { seedingOf } from '../context/seeding.ts'
import { LateItems, lateWrites } from './late-items.ts'
import { unheardLeavings } from './leavings.ts'
import { PageEars } from './page-ears.ts'
import { Pump } from './pump.ts'
import { changedNames, type Items, itemsOf, listOf, reseed, type Seeded, whole, wornItems } from './items.ts'
import { type AreaSurroundings, StorageArea } from './storage-area.ts'
import type { StorageKind, Traffic } from './traffic.ts'

/**
 * Keeps localStorage and sessionStorage of one context and of the cell in step: documents that stand open by events and
 * questions, those to come by what seeds them. A sessionStorage belongs to its tab: what one tab changes goes to the
 * cell and to tabs that open later, not to its sisters; what somebody else changes goes to all of them.
 */
export class StorageSync {
  readonly report: ReportItem[] = []
  readonly #context: BrowserContext
  readonly #cell: Cell
  readonly #around: AreaSurroundings
  readonly #shared = new Map<string, StorageArea>()
  readonly #tabs = new Map<Page, Map<string, StorageArea>>()
  /** What new tabs are seeded with, by origin. */
  readonly #newTabs = new Map<string, Seeded>()
  /** What the context wears of origins where nobody has been, and of those where the cell was last looked at. */
  readonly #known = new Map<string, OriginState>()
  readonly #ears: PageEars
  readonly #late: LateItems
  readonly #later: Pump
  readonly #reseeding = new Set<string>()
  #worn = new Map<string, Items>()
  #isSuspended = true
  #hasLate = false

  constructor(context: BrowserContext, cell: Cell, policy: GatePolicy, traffic: Traffic) {
    this.#context = context
    this.#cell = cell
    this.#late = new LateItems(context)
    this.#later = new Pump(() => this.#seedLater())
    this.#around = {
      cell,
      policy,
      traffic,
      report: this.report,
      ask: async (area, request) => {
        if (this.#isSuspended) return undefined
        const answer = await this.#ears.ask(area.origin, request, this.#pageOf(area))
        if (answer === 'unanswered') area.pump.poke(1_000)
        return typeof answer === 'string' ? undefined : answer
      },
      waits: () => {
        this.#later.poke()
      },
      answered: () => {
        if (this.#hasLate) this.#later.poke()
      },
      heldElsewhere: (area, name) =>
        this.#areasOf(area.origin, area.kind).some((other) => other !== area && other.base.has(name)),
    }
    this.#remember(cell.state)
    this.#ears = new PageEars(context, {
      arrived: (page, origin) => {
        if (this.#isSuspended) return
        this.#sharedArea(origin).arrived()
        this.#tabArea(page, origin).arrived()
      },
      left: (page) => {
        for (const area of this.#tabs.get(page)?.values() ?? []) void area.pump.stop()
        this.#tabs.delete(page)
      },
      told: (page, origin, kind, name, value) => {
        if (!this.#isSuspended) this.#area(page, origin, kind).told(name, value)
      },
      cleared: (page, origin, kind) => {
        if (!this.#isSuspended) this.#area(page, origin, kind).cleared()
      },
    })
  }

  /** The context is about to be made to wear the cell's state: nothing heard before counts. */
  suspend(): void {
    this.#isSuspended = true
    for (const area of this.#areas()) area.suspend()
    this.#remember(this.#cell.state)
  }

  /** It wears it, but for what the report says. */
  adopt(worn: SessionState, report: Report): void {
    this.#worn = new Map(
      worn.origins.map((state) => [state.origin, wornItems(state, 'localStorage', report)]),
    )
    this.#newTabs.clear()
    for (const state of worn.origins)
      this.#newTabs.set(state.origin, {
        items: wornItems(state, 'sessionStorage', report),
        former: new Map(),
      })
    for (const area of this.#areas())
      area.adopt(
        area.kind === 'localStorage'
          ? (this.#worn.get(area.origin) ?? new Map<string, string>())
          : (this.#newTabs.get(area.origin)?.items ?? new Map<string, string>()),
      )
    this.#isSuspended = false
    this.#listenAgain()
  }

  /** Follows what has changed in the cell; `own` when this sync did it. */
  follow(diff: StateDiff, own: boolean): void {
    for (const origin of [...diff.origins.map((state) => state.origin), ...diff.removedOrigins]) {
      const before = this.#known.get(origin)
      const now = this.#cell.origin(origin)
      if (now === undefined) this.#known.delete(origin)
      else this.#known.set(origin, now)
      const tabNames = changedNames(before, now, 'sessionStorage')
      if (tabNames.length > 0 && (!own || (this.#newTabs.get(origin)?.items.size ?? 0) > 0)) {
        this.#reseeding.add(origin)
        this.#later.poke()
      }
      if (own) continue
      const names = changedNames(before, now, 'localStorage')
      if (names.length > 0) this.#sharedArea(origin).touch(names)
      for (const area of this.#areasOf(origin, 'sessionStorage'))
        if (tabNames.length > 0) area.touch(tabNames)
    }
  }

  /** Reads every standing document once more and works off what is open, within `ms`. */
  async settle(): Promise<void> {
    this.#listenAgain()
    await this.#ears.settleCookies()
    await Promise.all([...this.#areas()].map((area) => area.pump.settle()))
    await this.#later.settle()
  }

  settleCookies(): Promise<void> {
    return this.#ears.settleCookies()
  }

  /** No further question, no listener left. What is heard nowhere yet is found by `fold`. */
  async stop(): Promise<void> {
    this.#isSuspended = true
    await this.#ears.stop()
    const pumps = [this.#later, ...[...this.#areas()].map(({ pump }) => pump)]
    await Promise.all(pumps.map((pump) => pump.stop()))
    await this.#late.install(new Map()).catch(() => undefined) // the context is closed
  }

  /** What the context is known to hold, as a capture may take it from unread. */
  get previous(): OriginState[] {
    const origins = new Set([...this.#worn.keys(), ...this.#shared.keys(), ...this.#known.keys()])
    return [...origins].map((origin) => {
      const session = this.#cell.origin(origin)?.sessionStorage ?? []
      return {
        origin,
        localStorage: listOf(this.#shared.get(origin)?.base ?? this.#worn.get(origin)),
        ...(session.length > 0 && { sessionStorage: session }),
      }
    })
  }

  /**
   * Judges a whole capture: the net below the live sync. Tabs that have answered have said all already, but for what
   * was told since, and for what nobody can hear, which is reported.
   */
  fold(captured: readonly OriginState[]): void {
    for (const areas of this.#tabs.values()) for (const area of areas.values()) area.foldTold()
    this.report.push(...unheardLeavings(this.#tabs, (page) => this.#ears.originsIn(page)))
    const found = new Map(captured.map((state) => [state.origin, state]))
    for (const origin of new Set([...found.keys(), ...this.#worn.keys(), ...this.#shared.keys()])) {
      const shared = this.#sharedArea(origin)
      shared.fold(whole(shared.base, itemsOf(found.get(origin)?.localStorage)))
      const isHeard = this.#areasOf(origin, 'sessionStorage').some((area) => area.isHeard)
      if (isHeard) continue
      const seed = this.#newTabs.get(origin) ?? { items: new Map(), former: new Map() }
      const tab = new StorageArea(origin, 'sessionStorage', seed, this.#around)
      tab.fold(whole(tab.base, itemsOf(found.get(origin)?.sessionStorage)))
    }
  }

  #remember(state: SessionState): void {
    this.#known.clear()
    for (const origin of state.origins) this.#known.set(origin.origin, origin)
  }

  #listenAgain(): void {
    for (const page of this.#context.pages())
      for (const origin of this.#ears.originsIn(page)) {
        this.#sharedArea(origin).arrived()
        this.#tabArea(page, origin).arrived()
      }
    for (const area of this.#areas()) if (area.touched.size > 0) area.pump.poke()
  }

  /** What cannot be written into a document that stands there is left for those that come. */
  async #seedLater(): Promise<void> {
    if (this.#isSuspended) return
    const seeding = seedingOf(this.#context)
    const again = new Map<string, OriginState>()
    for (const area of this.#shared.values()) {
      if (area.touched.size === 0 || seeding?.isWaiting(area.origin) !== true) continue
      area.reseeded(this.#cellItems(area.origin, 'localStorage'))
      this.#reseeding.add(area.origin)
    }
    for (const origin of this.#reseeding) {
      const items = this.#cellItems(origin, 'sessionStorage')
      const seed = this.#newTabs.get(origin)
      if (seed === undefined)
        this.#newTabs.set(origin, {
          items,
          former: new Map([...items.keys()].map((name) => [name, new Set([undefined])])),
        })
      else reseed(seed, items)
      again.set(origin, {
        origin,
        localStorage: listOf(this.#shared.get(origin)?.base ?? this.#worn.get(origin)),
        sessionStorage: listOf(items),
      })
    }
    this.#reseeding.clear()
    const lates = lateWrites(this.#areas(), ({ origin, kind }) => this.#cellItems(origin, kind))
    this.#hasLate = lates.size > 0
    const seeded = again.size > 0 ? seeding?.reseed(again.values()) : undefined
    // The context is closed, then.
    await Promise.all([seeded, this.#late.install(lates)]).catch(() => undefined)
  }

  #cellItems(origin: string, kind: StorageKind): Items {
    return itemsOf(this.#cell.origin(origin)?.[kind])
  }

  #area(page: Page, origin: string, kind: StorageKind): StorageArea {
    return kind === 'localStorage' ? this.#sharedArea(origin) : this.#tabArea(page, origin)
  }

  #sharedArea(origin: string): StorageArea {
    let area = this.#shared.get(origin)
    if (area === undefined) {
      const seed = {
        items: this.#worn.get(origin) ?? new Map<string, string>(),
        former: new Map<string, Set<undefined>>(),
      }
      this.#shared.set(origin, (area = new StorageArea(origin, 'localStorage', seed, this.#around)))
    }
    return area
  }

  #tabArea(page: Page, origin: string): StorageArea {
    let areas = this.#tabs.get(page)
    if (areas === undefined) this.#tabs.set(page, (areas = new Map<string, StorageArea>()))
    let area = areas.get(origin)
    if (area === undefined) {
      const seed = this.#newTabs.get(origin) ?? {
        items: new Map<string, string>(),
        former: new Map<string, Set<undefined>>(),
      }
      areas.set(origin, (area = new StorageArea(origin, 'sessionStorage', seed, this.#around)))
    }
    return area
  }

  #pageOf(area: StorageArea): Page | undefined {
    for (const [page, areas] of this.#tabs) if (areas.get(area.origin) === area) return page
    return undefined
  }

  #areasOf(origin: string, kind: StorageKind): StorageArea[] {
    return [...this.#areas()].filter((area) => area.origin === origin && area.kind === kind)
  }

  *#areas(): Generator<StorageArea> {
    yield* this.#shared.values()
    for (const areas of this.#tabs.values()) yield* areas.values()
  }
}
