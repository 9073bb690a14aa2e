import { LoginFailedError, SessionDeadError } from '../../errors.ts'
import type { DeadAnswer, Revival } from '../../http/carrier.ts'
import type { Recipe } from '../../login/recipe.ts'
import type { Logger } from '../../observe/events.ts'
import type { Snapshot } from '../../snapshot/envelope.ts'
import type { Cell } from '../../state/cell.ts'
import { mergeStates } from '../../state/diff.ts'
import type { Rung, RungOutcome } from './climb.ts'
import type { Proof } from '../proof.ts'
import type { Renewed } from './renew-once.ts'
import type { Stored } from '../stored.ts'

/** How a session was renewed. */
export interface Renewal {
  readonly epoch: number
  readonly by: Rung | 'somebody else'
  /** What was tried, in order; empty when somebody else did it. */
  readonly rungs: readonly RungOutcome[]
  /** Milliseconds, waiting included. */
  readonly took: number
}

export interface RenewWish {
  readonly deadEpoch: number
  readonly signal?: AbortSignal | undefined
  /** What is to be renewed, given what stands in the store; `undefined`: only a new login will do. */
  base(stored: Stored | undefined): Snapshot | undefined
}

export interface RenewingHost {
  readonly name: string
  readonly recipe: Recipe
  readonly cell: Cell
  readonly proof: Proof
  readonly logger: Logger
  /** The snapshot that the cell grew from, and as it was last read or written. */
  snapshot(): Snapshot
  stored(): Stored
  /** One renewal for all processes. */
  renew(wish: RenewWish): Promise<Renewed>
  /** Whether the ledger says that the site has said no to the secrets. */
  isRejectionOnRecord(): Promise<boolean>
  /** Puts the result in the place of what was. */
  take(stored: Stored): void
}

/** Renews a living session: once for all who ask at the same time, and only when the server has really ended it. */
export class Renewing {
  readonly #host: RenewingHost
  #running: Promise<Renewal> | undefined
  #pausing: Promise<void> | undefined
  #rejected: { readonly epoch: number; readonly error: LoginFailedError } | undefined

  constructor(host: RenewingHost) {
    this.#host = host
  }

  renew(): Promise<Renewal> {
    this.#running ??= this.#renewNow().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** While a dead session is renewed: until that is over, whatever comes of it. */
  get pausing(): Promise<void> | undefined {
    return this.#pausing
  }

  /** An answer looks like one to a dead session: asks the probe, and renews when it says so. */
  async revive({ epoch, status, renew }: DeadAnswer): Promise<Revival> {
    const { cell, proof, recipe } = this.#host
    if (epoch < cell.epoch) return 'renewed'
    const renewable = canRenew(recipe)
    // A status of 400 and above says enough to whoever asked; an answer that looks like success must be told from one.
    if (!renewable && status >= 400) return 'unclear'
    // Without a probe a 401 may as well mean "not allowed": one login must not be tried again and again for that.
    if (this.#running === undefined || !renew) {
      const liveness = await proof.askAfter()
      if (epoch < cell.epoch) return 'renewed'
      if (liveness !== 'dead' || !renewable || !renew) return liveness
    }
    await this.#pauseFor(this.renew())
    return 'renewed'
  }

  async #pauseFor(renewal: Promise<unknown>): Promise<void> {
    this.#pausing ??= renewal
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        this.#pausing = undefined
      })
    await renewal
  }

  /** Waits for the renewal that is under way; its failure is for those who asked for it. */
  async ended(): Promise<void> {
    await this.#running?.catch(() => undefined)
  }

  async #renewNow(): Promise<Renewal> {
    const { name, recipe, cell, logger } = this.#host
    if (!canRenew(recipe)) throw new SessionDeadError(name, 'its recipe cannot renew it by itself')
    // The site has said no, and nobody wrote it down: asking again with each 401 would lock the account out.
    if (this.#rejected?.epoch === cell.epoch) throw this.#rejected.error
    const begun = performance.now()
    logger.info({ session: name, epoch: cell.epoch }, 'renewing')
    try {
      const { stored, climbed } = await this.#host.renew({
        deadEpoch: cell.epoch,
        base: (there) => this.#base(there),
      })
      this.#host.take(stored)
      const { by = 'somebody else', rungs = [] } = climbed ?? {}
      return { epoch: cell.epoch, by, rungs, took: Math.round(performance.now() - begun) }
    } catch (error) {
      if (error instanceof LoginFailedError && error.failure === 'rejected') await this.#remember(error)
      throw error
    }
  }

  /** What the ledger knows it refuses by itself, until the secret is another one or somebody lifts it: we could not tell. */
  async #remember(error: LoginFailedError): Promise<void> {
    const { epoch } = this.#host.cell
    const isOnRecord = await this.#host.isRejectionOnRecord().catch(() => false)
    if (!isOnRecord) this.#rejected = { epoch, error }
  }

  /** What others have saved, with what we have not saved yet: a token rotated a moment ago is in one of both. */
  #base(there: Stored | undefined): Snapshot {
    const { cell } = this.#host
    const ours = { ...this.#host.snapshot(), state: cell.state }
    if (there?.snapshot.epoch !== cell.epoch || there.snapshot.loginId !== ours.loginId) return ours
    const before = this.#host.stored().snapshot.state
    return { ...ours, state: mergeStates(before, cell.state, there.snapshot.state) }
  }
}

/** False when only a person can sign in again. */
export function canRenew({ login, signIn, rotate, revisit }: Recipe): boolean {
  if (login !== undefined || signIn !== undefined || rotate !== undefined) return true
  return revisit !== undefined && revisit !== false
}
