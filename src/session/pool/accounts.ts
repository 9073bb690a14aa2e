import { heldOff, type AttemptLimit } from '../renewal/attempt-budget.ts'
import { readLedger, type LedgerPage } from '../ledger.ts'
import type { Shelf } from '../stored.ts'

/** One account of a pool, and what this process knows of it. */
export interface PoolAccount {
  /** As a session's account is called, tenant included. */
  readonly account: string
  /** Of its session. */
  readonly name: string
  /** In use by this process. */
  busy: boolean
  /** Unix ms when others were last found to use it. */
  elsewhereAt: number
  /** Unix ms of the last use that is known of; found in use by others is used, too. */
  usedAt: number
  page: LedgerPage | undefined
  /** On the monotonic clock. */
  pageReadAt: number
}

/** Knowledge that is older is read again before it decides, ms. */
const pageGoodFor = 1_000
const readAtOnce = 16
/** How many at each look. */
const readAgain = { fit: 32, unfit: 8 }

/** The accounts of a pool, by fitness and idle time. What is decided here is looked up again under the account's lease. */
export class Accounts {
  readonly all: readonly PoolAccount[]
  readonly #shelf: Shelf
  readonly #attempts: AttemptLimit | undefined

  constructor(
    shelf: Shelf,
    names: readonly Pick<PoolAccount, 'account' | 'name'>[],
    attempts: AttemptLimit | undefined,
  ) {
    this.#shelf = shelf
    this.#attempts = attempts
    this.all = names.map((one) => ({
      ...one,
      ...{ busy: false, elsewhereAt: 0, usedAt: 0, page: undefined, pageReadAt: -Infinity },
    }))
  }

  /** Those that may be tried now, longest idle first; among equals those whose proxy has the least to do. */
  async candidates(load: (account: PoolAccount) => number): Promise<PoolAccount[]> {
    await this.refresh()
    return this.all
      .filter((account) => !account.busy && this.unfitUntil(account) === undefined)
      .map((account) => ({ account, load: load(account) }))
      .sort(
        (a, b) => resting(a.load) - resting(b.load) || a.account.usedAt - b.account.usedAt || a.load - b.load,
      )
      .map(({ account }) => account)
  }

  /**
   * Reads again what is known of those that are not in use here: all at first, then those that are about to be chosen and
   * some that are not fit, so that a large pool does not read a thousand ledgers for each use.
   */
  async refresh(): Promise<void> {
    const old = performance.now() - pageGoodFor
    const idle = this.all.filter((account) => !account.busy)
    const unread = idle.filter(({ page }) => page === undefined)
    const known = idle.filter(({ page, pageReadAt }) => page !== undefined && pageReadAt < old)
    const fit = known.filter((account) => this.unfitUntil(account) === undefined)
    const unfit = known.filter((account) => this.unfitUntil(account) !== undefined)
    const stale = [
      ...unread,
      ...fit.sort((a, b) => a.usedAt - b.usedAt).slice(0, readAgain.fit),
      ...unfit.sort((a, b) => a.pageReadAt - b.pageReadAt).slice(0, readAgain.unfit),
    ]
    for (let at = 0; at < stale.length; at += readAtOnce)
      await Promise.all(stale.slice(at, at + readAtOnce).map((account) => this.read(account)))
  }

  async read(account: PoolAccount): Promise<LedgerPage> {
    const page = await readLedger(this.#shelf, account.name)
    this.learn(account, page)
    return page
  }

  learn(account: PoolAccount, page: LedgerPage): void {
    account.page = page
    account.pageReadAt = performance.now()
    // A clock that is ahead elsewhere must not make it look used for ever.
    account.usedAt = Math.max(account.usedAt, Math.min(page.usedAt ?? 0, Date.now()))
  }

  /** Unix ms, and why; `undefined` when it is fit for use. */
  unfitUntil({ page }: PoolAccount): { readonly until: number; readonly why: string } | undefined {
    if (page === undefined) return undefined
    const { quarantine } = page
    if (quarantine !== undefined && quarantine.until > Date.now()) return quarantine
    const held = heldOff(page, this.#attempts)
    return held && { until: held.until, why: 'held-off' }
  }
}

/** Accounts behind a proxy that fails come after all others. */
function resting(load: number): number {
  return load === Infinity ? 1 : 0
}
