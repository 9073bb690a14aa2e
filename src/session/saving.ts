import { StoreConflictError, StoreFailedError } from '../errors.ts'
import type { Cell } from '../state/cell.ts'
import { diffStates, mergeStates } from '../state/diff.ts'
import type { Snapshot, Standing } from '../snapshot/envelope.ts'
import { readStored, writeStored, type Shelf, type Stored } from './stored.ts'

/** What a snapshot holds besides the state; owned by the session. */
export type Facts = Pick<
  Snapshot,
  | 'identity'
  | 'headerRules'
  | 'probe'
  | 'dropped'
  | 'verifiedAt'
  | 'lastVerified'
  | 'loginId'
  | 'egress'
  | 'signOuts'
>

export interface SavingHost {
  readonly name: string
  readonly cell: Cell
  /** How the session stands; asked before each write. `patient`: take the time to ask the server. */
  standing(options: { readonly patient: boolean }): Promise<Standing>
  facts(standing: Standing): Facts
  /** Called when the store holds another login of this or a newer epoch: what we held is history. */
  adopt(snapshot: Snapshot): void
  /** The server has signed us out: what stands in the store was not overwritten. */
  refused(): void
  /** A save in the background has failed for the `again`th time in a row. */
  failed(error: unknown, again: number): void
  /** Asked when nothing stands in the store any more: was it removed on purpose, or has the store lost it? */
  wasRemoved(): Promise<boolean>
}

const attempts = 20
const longestWait = 5_000
/** What was saved as suspect is proven in a while, if it can be. */
const proveAfter = 1_000

/**
 * Saves a session's cell: compare-and-set, and on a conflict read again, merge three ways, write again. At most one
 * save runs and at most one waits; a wish to save that comes while one runs is served by the next. Of a session that the
 * server has signed out only that is saved, and never its state.
 */
export class Saving {
  readonly #shelf: Shelf
  readonly #host: SavingHost
  readonly #within: number
  #failures = 0
  #unproven = 0
  #stored: Stored
  #savedRevision: number
  #factsChanged: boolean
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #patient = false
  #timer: NodeJS.Timeout | undefined

  /** `within`: longest wait before a change reaches the store, ms. */
  constructor(shelf: Shelf, host: SavingHost, stored: Stored, within = 200) {
    this.#shelf = shelf
    this.#within = within
    this.#host = host
    this.#stored = stored
    this.#savedRevision = host.cell.revision
    this.#factsChanged = stored.unsaved === true
  }

  /** What is known to stand in the store. */
  get stored(): Stored {
    return this.#stored
  }

  get isDirty(): boolean {
    return this.#factsChanged || this.#host.cell.revision !== this.#savedRevision
  }

  /** Says that identity, header rules, probe or proof of life changed, which the cell does not know of. */
  markFactsChanged(): void {
    this.#factsChanged = true
  }

  /**
   * Saves in the background within the time given. A store that is away is asked again, ever less often: what is to be
   * saved waits in the cell, which is the only queue there is.
   */
  schedule(): void {
    this.#plan(
      this.#failures === 0 ? this.#within : Math.min(this.#within * 2 ** this.#failures, longestWait),
    )
  }

  #plan(delay: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#factsChanged ||= this.#unproven > 0
      this.#enqueue().catch((error: unknown) => {
        this.#host.failed(error, this.#failures)
      })
    }, delay)
    // A change is worth staying alive for a moment; waiting for a store or a server to come back is not.
    if (delay > this.#within) this.#timer.unref()
  }

  cancelSchedule(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Resolves when everything changed up to now is acknowledged by the store, or refused because it is signed out. */
  save(): Promise<void> {
    this.#patient = true
    this.#factsChanged ||= this.#unproven > 0
    return this.#enqueue()
  }

  #enqueue(): Promise<void> {
    this.cancelSchedule()
    if (this.#next !== undefined) return this.#next
    if (this.#running !== undefined) {
      this.#next = this.#running.then(
        () => this.#start(),
        () => this.#start(),
      )
      return this.#next
    }
    return this.#start()
  }

  /** Takes over what a renewal has just written, or could not write. */
  wrote(stored: Stored): void {
    this.#stored = stored
    this.#savedRevision = this.#host.cell.revision
    this.#factsChanged = stored.unsaved === true
    this.#unproven = 0
  }

  /** Takes in what others have written since. */
  async refresh(): Promise<void> {
    const theirs = await this.#readTheirs()
    if (theirs === undefined || theirs.version === this.#stored.version) return
    const wasClean = !this.isDirty
    this.#takeIn(theirs)
    if (wasClean && this.#stored === theirs) this.#savedRevision = this.#host.cell.revision
  }

  /**
   * What stands in the store when no save of ours is under way: one that has written already does not meet what others write
   * after it, and what was read before one has ended is older than what it wrote.
   */
  async #readTheirs(): Promise<Stored | undefined> {
    for (;;) {
      await this.#running?.catch(() => undefined)
      const known = this.#stored
      const theirs = await readStored(this.#shelf, this.#host.name)
      if (!this.isSaving && this.#stored === known) return theirs
    }
  }

  get isSaving(): boolean {
    return this.#running !== undefined
  }

  #start(): Promise<void> {
    this.#next = undefined
    const patient = this.#patient
    this.#patient = false
    this.#running = this.#saveNow(patient)
      .catch((error: unknown) => {
        this.#failures += 1
        if (error instanceof StoreFailedError) this.schedule()
        throw error
      })
      .finally(() => {
        this.#running = undefined
      })
    return this.#running
  }

  async #saveNow(patient: boolean): Promise<void> {
    const { cell } = this.#host
    for (let attempt = 1; this.isDirty; attempt++) {
      const before = { epoch: cell.epoch, revision: cell.revision }
      const standing = await this.#host.standing({ patient })
      if (cell.epoch !== before.epoch) continue // renewed meanwhile: that has written
      if (standing === 'dead') {
        this.#savedRevision = cell.revision
        this.#factsChanged = false
        this.#host.refused()
        await this.#markDead()
        return
      }
      // Proven is what the answer has brought, too; what came in between without being proven made it `suspect`.
      const { revision } = cell
      this.#factsChanged = false
      try {
        this.#stored = await writeStored(this.#shelf, this.#compose(standing), this.#stored.version)
        this.#savedRevision = revision
        this.#failures = 0
        this.#proveLater(standing)
      } catch (error) {
        this.#factsChanged = true
        if (!(error instanceof StoreConflictError) || attempt >= attempts) throw error
        await this.#resolve(error)
      }
    }
  }

  /** The state stays as it was last proven; whoever opens it asks the server first. Somebody else's save is newer. */
  async #markDead(): Promise<void> {
    const { snapshot, version } = this.#stored
    if (snapshot.standing === 'dead') return
    const dead = {
      ...snapshot,
      standing: 'dead',
      generation: snapshot.generation + 1,
      savedAt: Date.now(),
    } as const
    try {
      this.#stored = await writeStored(this.#shelf, dead, version)
    } catch (error) {
      if (!(error instanceof StoreConflictError)) throw error
    }
  }

  #proveLater(standing: Standing): void {
    if (standing !== 'suspect' || this.#host.facts(standing).probe === undefined) {
      this.#unproven = 0
      return
    }
    this.#unproven += 1
    this.#plan(Math.min(proveAfter * 2 ** (this.#unproven - 1), 60_000))
  }

  #compose(standing: Standing): Snapshot {
    const { name, cell } = this.#host
    const { lastVerified, ...facts } = this.#host.facts(standing)
    return {
      ...facts,
      ...(standing === 'suspect' && lastVerified !== undefined && { lastVerified }),
      name,
      standing,
      state: cell.state,
      epoch: cell.epoch,
      generation: this.#stored.snapshot.generation + 1,
      savedAt: Date.now(),
    }
  }

  async #resolve(conflict: StoreConflictError): Promise<void> {
    const { name } = this.#host
    const theirs = await readStored(this.#shelf, name)
    if (theirs !== undefined) {
      this.#takeIn(theirs)
      return
    }
    // A save must not bring a removed session back from the dead; a store that has lost its memory gets it back.
    if (await this.#host.wasRemoved()) throw conflict
    this.#stored = { ...this.#stored, version: undefined }
  }

  /** What others wrote is merged into the cell, or replaces it when it belongs to another login. */
  #takeIn(theirs: Stored): void {
    const { cell } = this.#host
    const ours = this.#stored.snapshot
    const isOther = theirs.snapshot.epoch === cell.epoch && theirs.snapshot.loginId !== ours.loginId
    if (theirs.snapshot.epoch > cell.epoch || isOther) {
      this.#host.adopt(theirs.snapshot)
      this.wrote(theirs)
      return
    }
    if (theirs.snapshot.epoch === cell.epoch) {
      const merged = mergeStates(ours.state, cell.state, theirs.snapshot.state)
      cell.merge(diffStates(cell.state, merged), 'store')
    }
    this.#stored = theirs
  }
}
