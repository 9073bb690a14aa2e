import { StoreFailedError } from '../../errors.ts'
import type { Shelf } from '../stored.ts'
import type { Address, Addresses, Failure, Offer } from './addresses.ts'
import { ClaimLog, digestOfAddress, type LogLine } from './claim-log.ts'
import { inTime, pause } from './waiting.ts'
import { WorkerSlot } from './worker-slot.ts'

export interface TakenOnceOptions {
  readonly shelf: Shelf
  /** Name of the job in the store. */
  readonly prefix: string
  readonly concurrency: number
  /** ms */
  readonly leaseFor: number
  /** Take what had failed before this call. */
  readonly failedAgain: boolean
  /** The run is called off. */
  readonly ended: AbortSignal
  /** Told of each address that somebody else has done, or this call already. */
  readonly elsewhere: () => void
}

/** For addresses that come in slowly: what is there is claimed, ms. */
const gatherWithin = 20
/** What is done is on record after this time at the latest, ms. */
const recordWithin = 1_000
const lookAgain = { first: 20, longest: 500 }

interface Wanted extends Address {
  readonly digest: string
}

/**
 * Addresses of which each is taken once by all processes of a job. Claims and marks go to the log in rounds: a round claims
 * as many as are worked on at a time and says what is done, so a store is written to once for several addresses. At most
 * `concurrency` addresses are done and not yet on record.
 *
 * What another process has claimed is kept in mind until it is done there, or until that process has ended: then its
 * addresses are taken here.
 */
export class TakenOnce implements Addresses {
  readonly #options: TakenOnceOptions
  readonly #offer: Offer
  readonly #log: ClaimLog
  #slot: WorkerSlot
  /** Owners that are known to work no more. */
  readonly #over = new Set<string>()
  /** Read, and not asked for in the log yet. */
  #wanted: Wanted[] = []
  /** Ours, not begun. */
  #waiting: Wanted[] = []
  readonly #running = new Map<number, string>()
  /** With others. */
  readonly #others = new Map<string, Wanted>()
  #settled: { readonly digest: string; readonly outcome: 'done' | 'failed' }[] = []
  #unrecorded = 0
  #exhausted = false
  #closed = false
  #pulling: Promise<Address | undefined> | undefined
  #advancing: Promise<void> | undefined
  #turn: Promise<void> = Promise.resolve()
  #nextRound: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #failure: { readonly error: unknown } | undefined
  #pause = lookAgain.first
  #lookedAt = performance.now()

  private constructor(options: TakenOnceOptions, offer: Offer, log: ClaimLog, slot: WorkerSlot) {
    this.#options = options
    this.#offer = offer
    this.#log = log
    this.#slot = slot
  }

  static async open(options: TakenOnceOptions, offer: Offer): Promise<TakenOnce> {
    const { shelf, prefix, leaseFor } = options
    const log = new ClaimLog(shelf, prefix)
    await log.catchUp()
    if (options.failedAgain) log.forgetFailures()
    return new TakenOnce(options, offer, log, await WorkerSlot.take(shelf.store, prefix, leaseFor))
  }

  async next(): Promise<Address | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error
      if (this.#options.ended.aborted) return undefined
      const address = this.#slot.isHeld ? this.#waiting.shift() : undefined
      if (address !== undefined) {
        this.#running.set(address.index, address.digest)
        if (this.#waiting.length < this.#options.concurrency) this.#inBackground(this.#advanceOnce())
        return address
      }
      if (this.#isOver) return undefined
      await this.#advanceOnce()
    }
  }

  async settled({ index }: Address, failure: Failure | undefined): Promise<void> {
    const digest = this.#running.get(index)
    if (digest === undefined) return
    this.#running.delete(index)
    this.#settled.push({ digest, outcome: failure === undefined ? 'done' : 'failed' })
    this.#unrecorded += 1
    const { concurrency } = this.#options
    if (this.#unrecorded >= concurrency) await this.#inRound()
    else if (this.#settled.length * 2 >= concurrency) this.#inBackground(this.#inRound())
    else
      this.#timer ??= setTimeout(() => {
        this.#inBackground(this.#inRound())
      }, recordWithin)
  }

  async close(): Promise<void> {
    await this.#inTurn(async () => {
      this.#closed = true
      clearTimeout(this.#timer)
      const left = [...this.#running.values(), ...this.#waiting.map(({ digest }) => digest)]
      const back: LogLine[] = left.length === 0 ? [] : [['back', this.#slot.owner, ...left]]
      try {
        await this.#patiently(() => this.#log.append(() => [...this.#marks(this.#settled), ...back]))
      } finally {
        // Whatever is on record: a slot that goes on beating would keep the others waiting for what nobody works on.
        await this.#slot.release()
      }
    })
  }

  get #isOver(): boolean {
    return this.#exhausted && this.#wanted.length + this.#waiting.length + this.#others.size === 0
  }

  #advanceOnce(): Promise<void> {
    this.#advancing ??= this.#advance().finally(() => (this.#advancing = undefined))
    return this.#advancing
  }

  async #advance(): Promise<void> {
    if (!this.#slot.isHeld) await this.#takeSlot()
    await this.#gather()
    if (this.#wanted.length > 0) await this.#inRound()
    const isLate = performance.now() - this.#lookedAt > this.#options.leaseFor
    if (this.#others.size > 0 && (this.#exhausted ? this.#waiting.length === 0 : isLate)) await this.#look()
  }

  /** We were frozen, or the store was away: others may have taken what was ours. */
  async #takeSlot(): Promise<void> {
    const { shelf, prefix, leaseFor } = this.#options
    this.#over.add(this.#slot.owner)
    this.#wanted.push(...this.#waiting.splice(0))
    this.#slot = await WorkerSlot.take(shelf.store, prefix, leaseFor)
  }

  /** Reads as many addresses as will be needed next; fewer when they come in slowly. */
  async #gather(): Promise<void> {
    const until = performance.now() + gatherWithin
    const enough = 2 * this.#options.concurrency
    while (!this.#exhausted && this.#wanted.length + this.#waiting.length < enough) {
      this.#pulling ??= this.#offer()
      const hurry = this.#wanted.length > 0
      const address = await (hurry ? inTime(this.#pulling, until) : this.#pulling)
      if (address === 'late') return
      this.#pulling = undefined
      if (address === undefined) this.#exhausted = true
      else this.#meet({ ...address, digest: digestOfAddress(address.url) })
    }
  }

  #meet(address: Wanted): void {
    const { digest } = address
    const isOurs = this.#log.standing(digest) === this.#slot.owner || this.#others.has(digest)
    if (isOurs || this.#wanted.some((other) => other.digest === digest)) this.#options.elsewhere()
    else this.#wanted.push(address)
  }

  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#failure ??= { error }
    })
  }

  /** What comes while a round is under way goes with the next. */
  #inRound(): Promise<void> {
    this.#nextRound ??= this.#inTurn(() => {
      this.#nextRound = undefined
      return this.#claimAndMark()
    })
    return this.#nextRound
  }

  /** The log is for one at a time. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.then(
      () => undefined,
      () => undefined,
    )
    return turn
  }

  async #claimAndMark(): Promise<void> {
    if (this.#closed) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    const settled = this.#settled.splice(0)
    const wanted = this.#slot.isHeld ? this.#wanted.splice(0) : []
    const { owner } = this.#slot
    let ours: Wanted[] = []
    try {
      await this.#patiently(() =>
        this.#log.append(() => {
          ours = wanted.filter(({ digest }) => this.#isFree(digest, owner))
          const claimed = ours.map(({ digest }) => digest)
          return [
            ...this.#marks(settled),
            ...(claimed.length === 0 ? [] : [['claim', owner, ...claimed] as const]),
          ]
        }),
      )
    } catch (error) {
      this.#settled.unshift(...settled)
      this.#wanted.unshift(...wanted)
      throw error
    }
    this.#unrecorded -= settled.length
    this.#waiting.push(...ours)
    const isOurs = new Set(ours)
    for (const address of wanted) if (!isOurs.has(address)) this.#others.set(address.digest, address)
    this.#forgetDone()
  }

  /** Ours counts as free: when we were told of a conflict although the claim had been written. */
  #isFree(digest: string, owner: string): boolean {
    const standing = this.#log.standing(digest)
    if (standing === undefined || standing === owner) return true
    return standing !== 'done' && standing !== 'failed' && this.#over.has(standing)
  }

  #marks(settled: readonly { readonly digest: string; readonly outcome: 'done' | 'failed' }[]): LogLine[] {
    return (['done', 'failed'] as const).flatMap((kind) => {
      const digests = settled.filter(({ outcome }) => outcome === kind).map(({ digest }) => digest)
      return digests.length === 0 ? [] : [[kind, this.#slot.owner, ...digests] as const]
    })
  }

  #forgetDone(): void {
    for (const digest of this.#others.keys()) {
      const standing = this.#log.standing(digest)
      if (standing !== 'done' && standing !== 'failed') continue
      this.#others.delete(digest)
      this.#pause = lookAgain.first
      this.#options.elsewhere()
    }
  }

  /** Whether others have done what they claimed; what nobody works on any more is wanted again. Waits a moment if nothing moved. */
  async #look(): Promise<void> {
    this.#lookedAt = performance.now()
    await this.#inTurn(() => this.#patiently(() => this.#log.catchUp()))
    this.#forgetDone()
    for (const [digest, address] of this.#others) {
      const owner = this.#log.standing(digest)
      if (owner !== undefined && !(await this.#isOwnerOver(owner))) continue
      // A round that came in between may have found it done.
      if (this.#others.delete(digest)) this.#wanted.push(address)
    }
    if (!this.#exhausted || this.#wanted.length > 0 || this.#others.size === 0) return
    await pause(this.#pause, this.#options.ended)
    this.#pause = Math.min(this.#pause * 1.5, lookAgain.longest)
  }

  async #isOwnerOver(owner: string): Promise<boolean> {
    const { shelf, prefix } = this.#options
    if (this.#over.has(owner)) return true
    if (!(await this.#slot.isOver(owner, this.#log, { store: shelf.store, prefix }))) return false
    this.#over.add(owner)
    return true
  }

  /** A store that is away for a moment ends nothing; one that is away for longer than our lease ends the run. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let wait = 50; ; wait = Math.min(wait * 2, 1_000)) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof StoreFailedError) || !this.#slot.isHeld || this.#options.ended.aborted)
          throw error
        await pause(wait, this.#options.ended)
      }
    }
  }
}
