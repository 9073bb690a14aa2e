import { createHash } from 'node:crypto'
import { TimedOutError } from '../../errors.ts'
import { orAbort } from '../../login/quiet.ts'
import type { Store } from '../../store/contract.ts'
import { NoAccountError } from '../account-errors.ts'
import type { LedgerPage } from '../ledger.ts'
import type { Accounts, PoolAccount } from './accounts.ts'
import { BeatingLease } from './beating-lease.ts'
import type { Proxies, Proxy } from './proxies.ts'
import { takeTurn } from './turn.ts'
import { WaitingLine } from './waiting-line.ts'

/** An account that is ours until it is given back. */
export interface Held {
  readonly account: PoolAccount
  readonly lease: BeatingLease
  /** As it stood when the lease was taken. */
  readonly page: LedgerPage
  readonly proxy: Proxy | undefined
}

export interface ClaimsPlace {
  /** Of the recipe, for messages. */
  readonly pool: string
  readonly store: Store
  /** ms */
  readonly ttl: number
  readonly accounts: Accounts
  readonly proxies: Proxies
  /** Aborted with the reason when nobody is let in any more. */
  readonly closed: AbortSignal
}

export interface ClaimWish {
  /** ms, for the message. */
  readonly timeout: number
  /** On the monotonic clock. */
  readonly deadline: number
  readonly signal: AbortSignal | undefined
}

const triedAtOnce = 64
/** Between two looks when every account is taken, ms; longer each time. */
const lookAgain = { first: 20, longest: 250 }

/** Gives accounts out: in the order of asking within this process, by turns over all processes. */
export class Claims {
  readonly #place: ClaimsPlace
  readonly #line = new WaitingLine()
  readonly #turn: string
  #waiting = 0
  #wake: (() => void) | undefined

  constructor(place: ClaimsPlace) {
    this.#place = place
    this.#turn = turnName(place.accounts.all.map(({ name }) => name))
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Says that an account has been given back here. */
  look(): void {
    this.#wake?.()
  }

  /** Waits in line, then for a free account. */
  async claim(tried: ReadonlySet<PoolAccount>, { timeout, deadline, signal }: ClaimWish): Promise<Held> {
    const late = new AbortController()
    // Not `AbortSignal.timeout`: its timer would let a process end that has nothing to do but to wait for this.
    const timer = setTimeout(
      () => {
        const what = `Waiting for a free account of ${this.#place.pool} (${String(this.#place.accounts.all.length)} in all)`
        late.abort(new TimedOutError(what, timeout))
      },
      Math.max(deadline - performance.now(), 0),
    )
    const signals = [late.signal, this.#place.closed, ...(signal === undefined ? [] : [signal])]
    const waiting = AbortSignal.any(signals)
    this.#waiting += 1
    try {
      const leave = await this.#line.enter(waiting)
      try {
        return await this.#claimAsFirst(tried, deadline, waiting)
      } finally {
        leave()
      }
    } finally {
      this.#waiting -= 1
      clearTimeout(timer)
    }
  }

  /** Only who has the turn takes an account: else those who take and give back all the time would let nobody else in. */
  async #claimAsFirst(tried: ReadonlySet<PoolAccount>, deadline: number, signal: AbortSignal): Promise<Held> {
    const turn = await takeTurn(this.#place.store, this.#turn, signal)
    try {
      for (let wait = lookAgain.first; ; wait = Math.min(wait * 1.5, lookAgain.longest)) {
        signal.throwIfAborted()
        const held = await this.#takeOne(tried)
        if (held !== undefined) return held
        this.#refuseHopeless(tried, deadline)
        await this.#pause(wait, signal)
      }
    } finally {
      await turn.release()
    }
  }

  async #takeOne(tried: ReadonlySet<PoolAccount>): Promise<Held | undefined> {
    const candidates = await this.#place.accounts.candidates((account) => {
      const proxy = this.#place.proxies.for(account.name, account.page)
      return proxy === undefined ? 0 : this.#place.proxies.load(proxy)
    })
    // What others have goes to the end of the order, so that all get their turn however many there are.
    for (const account of candidates.filter((one) => !tried.has(one)).slice(0, triedAtOnce)) {
      const held = await this.#take(account)
      if (held !== undefined) return held
    }
    return undefined
  }

  async #take(account: PoolAccount): Promise<Held | undefined> {
    const lease = await BeatingLease.take(this.#place.store, `~pool/${account.name}`, this.#place.ttl)
    if (lease === undefined) {
      account.elsewhereAt = account.usedAt = Date.now()
      return undefined
    }
    try {
      const page = await this.#place.accounts.read(account)
      if (this.#place.accounts.unfitUntil(account) === undefined) {
        account.busy = true
        account.elsewhereAt = 0
        const proxy = this.#place.proxies.for(account.name, page)
        if (proxy !== undefined) this.#place.proxies.began(proxy)
        return { account, lease, page, proxy }
      }
    } catch (error) {
      await lease.release()
      throw error
    }
    await lease.release()
    return undefined
  }

  /** Waiting would be in vain when every account was tried, or is in quarantine beyond the deadline. */
  #refuseHopeless(tried: ReadonlySet<PoolAccount>, deadline: number): void {
    const end = Date.now() + deadline - performance.now()
    const unfit = this.#place.accounts.all.map((account) => ({
      account,
      ...this.#place.accounts.unfitUntil(account),
    }))
    const isHopeless = ({ account, until = 0 }: (typeof unfit)[number]): boolean =>
      tried.has(account) || (!account.busy && until > end)
    if (!unfit.every(isHopeless)) return
    throw new NoAccountError(
      this.#place.pool,
      unfit.map(({ account, until = 0, why = '' }) => ({ session: account.name, until, why })),
    )
  }

  /** Until somebody here gives an account back, or it is time to look again for those of others. */
  #pause(wait: number, signal: AbortSignal): Promise<void> {
    const paused = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    return orAbort(paused, signal).finally(() => this.#wake?.())
  }
}

/** Pools of the same accounts wait for each other's turn. */
function turnName(names: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify([...names].sort()))
  return `~turn/${digest.digest('base64url').slice(0, 22)}`
}
