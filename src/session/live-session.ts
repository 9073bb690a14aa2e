import type { BrowserContext, Page } from 'playwright'
import type { CookieJar } from 'tough-cookie'
import { toCookieJar } from '../bridge/jar/jar.ts'
import { ClosedError, LoginFailedError, SessionDeadError } from '../errors.ts'
import type { Carrier } from '../http/carrier.ts'
import { createHttp, type SessionHttp } from '../http/client.ts'
import { createFetch, type SessionFetch } from '../http/fetch.ts'
import { headersFor } from '../http/headers-for.ts'
import type { Liveness } from '../login/probe.ts'
import type { Recipe } from '../login/recipe.ts'
import type { Logger } from '../observe/events.ts'
import type { Snapshot } from '../snapshot/envelope.ts'
import { Cell } from '../state/cell.ts'
import type { HeaderRule, Identity } from '../state/identity.ts'
import type { Report } from '../state/report.ts'
import type { SessionState } from '../state/state.ts'
import { addHeaderRules } from '../state/header-rules.ts'
import type { Minimized, MinimizeOptions } from './minimize.ts'
import type { VaultOptions } from './options.ts'
import { Saving } from './saving.ts'
import type { Session } from './session.ts'
import type { SharedBrowser } from './shared-browser.ts'
import type { Shelf, Stored } from './stored.ts'
import type { Visit, VisitResult } from './visit.ts'
import { protectedNames, visitPolicy } from './visit-policy.ts'

export interface SessionHost {
  readonly vault: VaultOptions
  readonly shelf: Shelf
  readonly browser: SharedBrowser
  readonly logger: Logger
  /** One renewal for all; resolves with what stands afterwards, of an epoch above `deadEpoch`. */
  renew(recipe: Recipe, account: string, wish: RenewWish): Promise<Renewed>
}

export interface RenewWish {
  readonly deadEpoch: number
  readonly signal?: AbortSignal | undefined
  /** What is to be renewed, from what stands in the store; `undefined`: only a new login will do. */
  base(stored: Stored | undefined): Snapshot | undefined
}

export class LiveSession implements Session {
  readonly name: string
  readonly isNew: boolean
  readonly #report: Report | undefined
  readonly #host: SessionHost
  readonly #recipe: Recipe
  readonly #account: string
  readonly #cell: Cell
  readonly #saving: Saving
  readonly #proof: Proof
  readonly #upkeep: Upkeep
  readonly #carrier: Carrier
  #snapshot: Snapshot
  #jar: CookieJar | undefined
  #http: (SessionHttp & { close(): Promise<void> }) | undefined
  #fetch: (SessionFetch & { close(): Promise<void> }) | undefined
  readonly #visits = new Set<Visit>()
  #renewal: Promise<Renewal> | undefined
  #rejected: LoginFailedError | undefined
  #failedSaves = 0
  #lastUse = performance.now()
  #closing: Promise<void> | undefined

  constructor(host: SessionHost, recipe: Recipe, account: string, stored: Stored, login?: Report) {
    this.#host = host
    this.#recipe = recipe
    this.#account = account
    this.#snapshot = stored.snapshot
    this.name = stored.snapshot.name
    this.isNew = login !== undefined
    this.#report = login
    this.#cell = new Cell(stored.snapshot.state, stored.snapshot.epoch)
    this.#carrier = this.#makeCarrier()
    this.#proof = new Proof(this.#carrier, stored.snapshot, host.vault.http)
    this.#saving = new Saving(host.shelf, this.#savingHost(), stored)
    this.#upkeep = new Upkeep(this.#upkeepHost())
    this.#upkeep.plan()
    this.#cell.subscribe((change) => {
      this.#proof.observe(change)
      this.#scheduleSave()
    })
    if (stored.unsaved === true) this.#scheduleSave()
  }

  get epoch(): number {
    return this.#cell.epoch
  }

  get state(): SessionState {
    return this.#cell.state
  }

  get identity(): Identity | undefined {
    return this.#snapshot.identity
  }

  get headerRules(): readonly HeaderRule[] {
    return this.#snapshot.headerRules
  }

  get dropped(): Report {
    return this.#report ?? this.#snapshot.dropped ?? []
  }

  get snapshotBytes(): number {
    return this.#saving.stored.size
  }

  get jar(): CookieJar {
    return (this.#jar ??= toCookieJar(this.#cell))
  }

  get http(): SessionHttp {
    this.#assertOpen()
    return (this.#http ??= createHttp(this.#carrier, this.#host.vault.http))
  }

  get fetch(): SessionFetch {
    this.#assertOpen()
    return (this.#fetch ??= createFetch(this.#carrier, this.#host.vault.http))
  }

  headersFor(url: string | URL, options: { method?: string } = {}): [string, string][] {
    return headersFor(this.#carrier, new URL(url), options)
  }

  async browse<T>(visit: (page: Page, context: BrowserContext) => Promise<T>): Promise<T> {
    this.#assertOpen()
    const browser = await this.#host.browser.use(this)
    const { contextOptions } = await import('./visit.ts')
    const context = await browser.newContext(contextOptions(this.identity, this.#recipe.context))
    try {
      const worn = await this.attach(context)
      const result = await visit(await context.newPage(), context)
      await worn.end()
      return result
    } finally {
      await context.close()
    }
  }

  async attach(context: BrowserContext): Promise<Visit> {
    this.#assertOpen()
    const policy = visitPolicy(this.#host.vault.policy, this.#recipe, this.#snapshot)
    const onEnd = (result: VisitResult | undefined): void => {
      this.#visits.delete(visit)
      if (result !== undefined) this.#learn(result.headerRules)
    }
    const { beginVisit } = await import('./visit.ts')
    const visit = await beginVisit(context, { cell: this.#cell, policy, onEnd })
    this.#visits.add(visit)
    return visit
  }

  async check(): Promise<Liveness> {
    this.#assertOpen()
    const liveness = await this.#proof.ask()
    if (liveness === 'alive') this.#factsChanged()
    return liveness
  }

  async minimize(options?: MinimizeOptions): Promise<Minimized> {
    this.#assertOpen()
    const { policy, http } = this.#host.vault
    const protect = protectedNames(policy, this.#recipe)
    const work = { carrier: this.#carrier, probe: this.#snapshot.probe, protect, http }
    const { minimizeState } = await import('./minimize.ts')
    const found = await minimizeState(work, options)
    if (found.applied) await this.check().then(() => this.save())
    return found
  }

  renew(): Promise<Renewal> {
    this.#assertOpen()
    this.#renewal ??= this.#renewNow().finally(() => {
      this.#renewal = undefined
    })
    return this.#renewal
  }

  save(): Promise<void> {
    return this.#saving.save()
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#closeNow())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #makeCarrier(): Carrier {
    const session = (): LiveSession => this
    return {
      name: this.name,
      cell: this.#cell,
      get identity() {
        return session().identity
      },
      get headerRules() {
        return session().headerRules
      },
      sent: () => {
        this.#lastUse = performance.now()
      },
      revive: (facts) => this.#revive(facts.epoch),
    }
  }

  #savingHost(): SavingHost {
    return {
      name: this.name,
      cell: this.#cell,
      standing: (options) => this.#proof.standing(options),
      facts: () => ({
        ...this.#snapshot,
        verifiedAt: this.#proof.verifiedAt,
        lastVerified: this.#proof.lastVerified,
      }),
      adopt: (snapshot) => {
        this.#adopt(snapshot)
      },
      refused: () => {
        this.#say('refused', 'signed out by the server: the stored session was left as it was')
      },
      wasRemoved: async () => (await readLedger(this.#host.shelf, this.name)).removedAt !== undefined,
    }
  }

  #upkeepHost(): UpkeepHost {
    const { store } = this.#host.shelf
    return {
      name: this.name,
      store,
      keepAlive: this.#recipe.keepAlive,
      diesAt: () =>
        this.#recipe.login === undefined && this.#recipe.rotate === undefined
          ? undefined
          : forecast(this.#cell.state, { headerRules: this.headerRules }).diesAt,
      lastUse: () => this.#lastUse,
      refresh: () => this.#saving.refresh(),
      renew: () => this.renew(),
      ask: () => this.#proof.ask(),
      failed: (what, error) => {
        this.#host.logger.warn({ session: this.name, error: codeOf(error) }, `could not ${what}`)
      },
    }
  }

  /** An answer said "not signed in": renew unless that has happened since, or the probe says that we are. */
  async #revive(seenEpoch: number): Promise<boolean> {
    if (seenEpoch < this.#cell.epoch) return true
    if (this.#closing !== undefined || !canRenew(this.#recipe)) return false
    // Without a probe a 401 may as well mean "not allowed": one login must not be tried again and again for that.
    if (this.#renewal === undefined && (await this.#proof.ask()) !== 'dead') return seenEpoch < this.#cell.epoch
    if (seenEpoch < this.#cell.epoch) return true
    await this.renew()
    return true
  }

  async #renewNow(): Promise<Renewal> {
    if (!canRenew(this.#recipe)) throw new SessionDeadError(this.name, 'its recipe cannot renew it by itself')
    this.#host.logger.info({ session: this.name, epoch: this.epoch }, 'renewing')
    // The site has said no to these credentials: asking again with each 401 would lock the account out.
    if (this.#rejected !== undefined) throw this.#rejected
    const begun = Date.now()
    try {
      const { stored, climbed } = await this.#host.renew(this.#recipe, this.#account, {
        deadEpoch: this.epoch,
        base: (there) => this.#baseOf(there),
      })
      this.#adopt(stored.snapshot)
      this.#saving.wrote(stored)
      if (stored.unsaved === true) this.#scheduleSave()
      return {
        epoch: this.epoch,
        by: climbed?.by ?? 'somebody else',
        rungs: climbed?.rungs ?? [],
        took: Date.now() - begun,
      }
    } catch (error) {
      if (error instanceof LoginFailedError && error.failure === 'rejected') this.#rejected = error
      throw error
    }
  }

  /** What others have saved, with what we have not saved yet: a token that was rotated a moment ago is in one of both. */
  #baseOf(stored: Stored | undefined): Snapshot {
    const ours = { ...this.#snapshot, state: this.#cell.state }
    if (stored?.snapshot.epoch !== this.epoch || stored.snapshot.loginId !== this.#snapshot.loginId) return ours
    const before = this.#saving.stored.snapshot.state
    return { ...ours, state: mergeStates(before, this.#cell.state, stored.snapshot.state) }
  }

  #adopt(snapshot: Snapshot): void {
    if (snapshot.epoch < this.#cell.epoch) return
    if (snapshot.epoch === this.#cell.epoch && snapshot.loginId === this.#snapshot.loginId) return
    this.#snapshot = snapshot
    this.#rejected = undefined
    this.#proof.renewed(snapshot)
    this.#cell.replace(snapshot.state, snapshot.epoch, 'renewal')
    this.#upkeep.plan()
  }

  /** Into the log and the session's ledger; a ledger that cannot be written must not stop anything. */
  #say(kind: SessionEventKind, why: string): void {
    this.#host.logger.warn({ session: this.name, epoch: this.epoch, why }, kind)
    note(this.#host.shelf, this.name, { kind, epoch: this.epoch, why }).catch(() => undefined)
  }

  #learn(rules: readonly HeaderRule[]): void {
    const headerRules = addHeaderRules(this.#snapshot.headerRules, rules)
    if (headerRules === this.#snapshot.headerRules) return
    this.#snapshot = { ...this.#snapshot, headerRules }
    this.#factsChanged()
  }

  #factsChanged(): void {
    this.#saving.markFactsChanged()
    this.#scheduleSave()
  }

  #scheduleSave(): void {
    if (this.#closing !== undefined) return
    const { saveWithin = 200 } = this.#host.vault.policy ?? {}
    // A store that is away is asked again and again, ever less often; what is to be saved waits in the cell.
    const delay = this.#failedSaves === 0 ? saveWithin : Math.min(saveWithin * 2 ** this.#failedSaves, 5_000)
    this.#saving.schedule(delay, (error) => {
      // `save()` and `close()` throw; a background save has nobody to throw to.
      this.#failedSaves += 1
      this.#host.logger.warn({ session: this.name, error: codeOf(error), again: this.#failedSaves }, 'not saved')
      if (error instanceof StoreFailedError) this.#scheduleSave()
    }, () => { this.#failedSaves = 0; if (this.#saving.isUnproven) this.#saving.schedule })
  }

  async #closeNow(): Promise<void> {
    await this.#renewal?.catch((error: unknown) => {
      if (!(error instanceof LoginFailedError)) throw error // whoever asked for the renewal has been told
    })
    // A visit that nobody has ended would keep writing to a session that is saved for the last time now.
    await Promise.allSettled([...this.#visits].map((visit) => visit.end()))
    try {
      await this.#saving.save()
    } finally {
      this.#saving.cancelSchedule()
      await Promise.allSettled([this.#http?.close(), this.#fetch?.close(), this.#host.browser.leave(this)])
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError(`Session ${this.name}`)
  }
}
