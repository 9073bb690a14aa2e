import { StoreConflictError } from '../errors.ts'
import type { Cell } from '../state/cell.ts'
import { diffStates, mergeStates } from '../state/diff.ts'
import type { Snapshot } from '../snapshot/envelope.ts'
import { readStored, writeStored, type Shelf, type Stored } from './stored.ts'

/** What a snapshot holds besides the state; owned by the session. */
export type Facts = Pick<Snapshot, 'identity' | 'headerRules' | 'probe' | 'dropped' | 'verifiedAt'>

export interface SavingHost {
  readonly name: string
  readonly cell: Cell
  facts(): Facts
  /** Called when the store holds a newer epoch: somebody else has logged in, and what we held is history. */
  adopt(snapshot: Snapshot): void
}

const attempts = 20

/**
 * Saves a session's cell: compare-and-set, and on a conflict read again, merge three ways, write again. At most one
 * save runs and at most one waits; a wish to save that comes while one runs is served by the next.
 */
export class Saving {
  readonly #shelf: Shelf
  readonly #host: SavingHost
  #stored: Stored
  #savedRevision: number
  #factsChanged = false
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(shelf: Shelf, host: SavingHost, stored: Stored) {
    this.#shelf = shelf
    this.#host = host
    this.#stored = stored
    this.#savedRevision = host.cell.revision
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

  /** Saves within `delay` ms unless a save comes first. A failure goes to `onError`: there is no caller to tell. */
  schedule(delay: number, onError: (error: unknown) => void): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.save().catch(onError)
    }, delay)
  }

  cancelSchedule(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Resolves when everything changed up to now is acknowledged by the store. */
  save(): Promise<void> {
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

  /** Takes over what a login of our own has just written. */
  wrote(stored: Stored): void {
    this.#stored = stored
    this.#savedRevision = this.#host.cell.revision
    this.#factsChanged = false
  }

  #start(): Promise<void> {
    this.#next = undefined
    this.#running = this.#saveNow().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #saveNow(): Promise<void> {
    for (let attempt = 0; this.isDirty; attempt++) {
      const { cell } = this.#host
      const revision = cell.revision
      const base = this.#stored.snapshot
      this.#factsChanged = false
      try {
        this.#stored = await writeStored(this.#shelf, this.#compose(base), this.#stored.version)
        this.#savedRevision = revision
      } catch (error) {
        this.#factsChanged = true
        if (!(error instanceof StoreConflictError) || attempt >= attempts) throw error
        await this.#takeTheirs(error)
      }
    }
  }

  #compose(base: Snapshot): Snapshot {
    const { name, cell } = this.#host
    return {
      ...this.#host.facts(),
      name,
      state: cell.state,
      epoch: cell.epoch,
      generation: base.generation + 1,
      savedAt: Date.now(),
    }
  }

  /** After a conflict: what they wrote is merged into the cell, or replaces it when it is of a newer epoch. */
  async #takeTheirs(conflict: StoreConflictError): Promise<void> {
    const { name, cell } = this.#host
    const theirs = await readStored(this.#shelf, name)
    if (theirs === undefined) throw conflict // removed under our hands: a save must not bring it back from the dead
    if (theirs.snapshot.epoch > cell.epoch) {
      this.#host.adopt(theirs.snapshot)
      this.wrote(theirs)
      return
    }
    if (theirs.snapshot.epoch === cell.epoch) {
      const merged = mergeStates(this.#stored.snapshot.state, cell.state, theirs.snapshot.state)
      cell.merge(diffStates(cell.state, merged), 'store')
    }
    this.#stored = theirs
  }
}
