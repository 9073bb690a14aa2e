import { isEmptyOrigin } from '../../state/diff.ts'
import { type GatePolicy, sanitize } from '../../policy/gate.ts'
import type { Cell } from '../../state/cell.ts'
import type { ReportItem } from '../../state/report.ts'
import type { OriginState, StorageItem } from '../../state/state.ts'
import { marker } from '../context/seeding.ts'
import type { Exchange, ExchangeRequest } from './exchange-items.ts'
import { Pump } from './pump.ts'
import {
  type FormerSeeds,
  type Items,
  itemsOf,
  type Reading,
  reseed,
  type Seeded,
  withItems,
} from './items.ts'
import type { StorageKind, Traffic } from './traffic.ts'

export interface AreaSurroundings {
  readonly cell: Cell
  readonly policy: GatePolicy
  readonly traffic: Traffic
  readonly report: ReportItem[]
  /** Asks a document that stands on the area; undefined when there is none, or it does not answer. */
  ask(area: StorageArea, request: ExchangeRequest): Promise<Exchange | undefined>
  /** Something waits for a document that does not stand there now. */
  waits(area: StorageArea): void
  /** A document has answered. */
  answered(area: StorageArea): void
  /** Whether another tab holds this item; always false of what tabs share. */
  heldElsewhere(area: StorageArea, name: string): boolean
}

/**
 * One web storage: the localStorage of an origin, or the sessionStorage of an origin in one tab. Events say which items changed;
 * what they are now is asked of the document itself, in one go with what is to be written. Where the document has gone already,
 * the last event is the word.
 */
export class StorageArea {
  readonly origin: string
  readonly kind: StorageKind
  readonly pump: Pump
  /** Last known on both sides, without what the gate keeps away from the cell. */
  readonly base: Items
  /** Names that the cell has changed and the browser has not been told of. */
  readonly touched = new Set<string>()
  /** Whether a document has been read whole. */
  isHeard = false
  readonly #around: AreaSurroundings
  readonly #dirty = new Set<string>()
  readonly #told = new Map<string, string | undefined>()
  readonly #former: FormerSeeds
  #readAll = false
  #age = 0

  constructor(origin: string, kind: StorageKind, seed: Seeded, around: AreaSurroundings) {
    this.origin = origin
    this.kind = kind
    this.base = new Map(seed.items)
    this.#former = new Map(seed.former)
    this.#around = around
    this.pump = new Pump(() => this.#step())
  }

  /** A document of the area is there, new or changed beyond what events tell. */
  arrived(): void {
    this.#readAll = true
    this.pump.poke()
  }

  /** An event of the browser. */
  told(name: string, value: string | undefined): void {
    if (name === marker) return
    this.#told.set(name, value)
    if (!this.#readAll && this.base.get(name) === value && !this.touched.has(name)) return // most likely our own write
    this.#dirty.add(name)
    this.pump.poke()
  }

  cleared(): void {
    for (const name of new Set([...this.base.keys(), ...this.#told.keys()])) this.told(name, undefined)
  }

  /** Somebody else than this visit has changed these items in the cell. */
  touch(names: Iterable<string>): void {
    for (const name of names) this.touched.add(name)
    this.pump.poke()
  }

  /** First documents will find these items from now on. */
  reseeded(items: Items): void {
    reseed({ items: this.base, former: this.#former }, items)
    this.touched.clear()
  }

  /** What is under way counts no more: another state is being put on the context as a whole. */
  suspend(): void {
    this.#age += 1
    this.touched.clear()
  }

  /** It has been put on. */
  adopt(base: Items): void {
    this.#age += 1
    this.base.clear()
    for (const [name, value] of base) this.base.set(name, value)
    this.#dirty.clear()
    this.#told.clear()
    this.#former.clear()
    this.isHeard = false
  }

  /** Judges what the browser was found to hold and tells the cell; answers with the writes that the browser needs. */
  fold(reading: Reading): ExchangeRequest['writes'] {
    const { traffic } = this.#around
    const welcome = this.#sift(reading)
    const held = itemsOf(this.#around.cell.origin(this.origin)?.[this.kind])
    const inbound = new Map<string, string | undefined>()
    const writes: [string, string | null, string | null][] = []
    for (const [name, raw] of reading) {
      const browser = welcome.get(name)
      const cell = held.get(name)
      const sides = { base: this.base.get(name), browser, cell, touched: this.touched.delete(name) }
      const verdict = traffic.rule(sides, Object.is)
      if (browser === undefined) this.base.delete(name)
      else this.base.set(name, browser)
      if (verdict === 'to-browser') writes.push([name, raw ?? null, cell ?? null])
      if (verdict === 'to-cell') inbound.set(name, browser)
    }
    for (const [name, value] of inbound) traffic.wrote('cell', this.kind, name, value)
    if (inbound.size > 0) this.#tellCell(inbound)
    return writes
  }

  /** No document is asked any more: what the last events said, if none has answered since, is the word. */
  foldTold(): void {
    this.#hearsay([...this.#dirty])
    this.#dirty.clear()
  }

  async #step(): Promise<void> {
    const age = this.#age
    const all = this.#readAll
    const dirty = [...this.#dirty]
    const names = new Set([...dirty, ...this.touched])
    if (!all && names.size === 0) return
    this.#readAll = false
    this.#dirty.clear()
    const answer = await this.#around.ask(this, {
      kind: this.kind,
      writes: [],
      names: all ? null : [...names],
    })
    if (age !== this.#age) return
    if (answer?.items === undefined) {
      this.#readAll ||= all
      this.#hearsay(dirty)
      return
    }
    const reading = this.#readingOf(answer, all)
    // Touched while the document was asked: the next run looks at them.
    const writes = this.fold(reading)
    for (const name of reading.keys()) this.#told.delete(name)
    if (writes.length > 0) await this.#write(writes, age)
    this.#around.answered(this)
  }

  /** Without a document, what the last events said; what the cell wants to write waits. */
  #hearsay(names: readonly string[]): void {
    const heard = names.filter((name) => this.#told.has(name))
    const reading = new Map(heard.map((name) => [name, this.#told.get(name)]))
    const writes = this.fold(reading)
    for (const [name] of writes) this.touched.add(name)
    for (const name of heard) this.#told.delete(name)
    if (this.touched.size > 0) this.#around.waits(this)
  }

  #readingOf(answer: Exchange, all: boolean): Map<string, string | undefined> {
    const items = (answer.items ?? []).filter(([name]) => name !== marker)
    const reading = new Map(items.map(([name, value]) => [name, value ?? undefined]))
    if (!all) return reading
    for (const name of [...this.base.keys(), ...this.touched])
      if (!reading.has(name)) reading.set(name, undefined)
    if (!this.isHeard) this.#forgive(reading)
    this.isHeard = true
    this.#former.clear()
    return reading
  }

  /** What a first document holds because an outdated seed said so is no news of its page. */
  #forgive(reading: Map<string, string | undefined>): void {
    for (const [name, values] of this.#former) {
      const found = reading.get(name)
      if (found === this.base.get(name) || !values.has(found)) continue
      if (found === undefined) this.base.delete(name)
      else this.base.set(name, found)
      reading.set(name, found)
      this.touched.add(name)
    }
    if (this.kind === 'localStorage') return
    // Each tab has its own sessionStorage: that one has not, what another has, is no deletion.
    for (const [name, found] of reading)
      if (found === undefined && !this.#told.has(name) && this.#around.heldElsewhere(this, name))
        this.base.delete(name)
  }

  async #write(writes: ExchangeRequest['writes'], age: number): Promise<void> {
    const { traffic, report } = this.#around
    for (const [name, , value] of writes) traffic.wrote('browser', this.kind, name, value ?? undefined)
    const answer = await this.#around.ask(this, {
      kind: this.kind,
      writes,
      names: writes.map(([name]) => name),
    })
    if (age !== this.#age) return
    const found = new Map(answer?.items)
    const refused = new Set(answer?.refused)
    for (const [name, was, value] of writes) {
      if (answer?.items !== undefined && found.get(name) === value) {
        if (value === null) this.base.delete(name)
        else this.base.set(name, value)
      } else if (refused.has(name)) {
        const rule = 'the storage of the page did not take it'
        report.push({ kind: this.kind, name, where: this.origin, reason: 'too-big', rule })
      } else {
        this.touched.add(name) // the page was faster, or has gone
        if (answer?.items !== undefined && found.get(name) !== was) this.#dirty.add(name)
      }
    }
    if (answer?.items === undefined) this.#around.waits(this)
    else if (this.touched.size > 0) this.pump.poke()
  }

  #sift(reading: Reading): Items {
    const items: StorageItem[] = []
    for (const [name, value] of reading) if (value !== undefined) items.push({ name, value })
    if (items.length === 0) return new Map()
    const state: OriginState = { origin: this.origin, localStorage: [], [this.kind]: items }
    return itemsOf(
      sanitize({ cookies: [], origins: [state] }, this.#around.policy).state.origins[0]?.[this.kind],
    )
  }

  #tellCell(items: Reading): void {
    const { cell, traffic } = this.#around
    const before = cell.origin(this.origin) ?? { origin: this.origin, localStorage: [] }
    const after = { ...before, [this.kind]: withItems(before[this.kind] ?? [], items) }
    const { sessionStorage = [], ...rest } = after
    const next: OriginState = { ...rest, ...(sessionStorage.length > 0 && { sessionStorage }) }
    const isEmpty = isEmptyOrigin(next)
    cell.merge(
      {
        set: [],
        removed: [],
        origins: isEmpty ? [] : [next],
        removedOrigins: isEmpty ? [this.origin] : [],
      },
      traffic.by,
    )
  }
}
