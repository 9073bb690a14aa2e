import type { BrowserContext, Page } from 'playwright'
import type { CookieJar } from 'tough-cookie'
import { toCookieJar } from '../bridge/jar/jar.ts'
import { ClosedError, LoginFailedError, SessionDeadError } from '../errors.ts'
import type { Carrier } from '../http/carrier.ts'
import { createHttp, type SessionHttp } from '../http/client.ts'
import { createFetch, type SessionFetch } from '../http/fetch.ts'
import { headersFor } from '../http/headers-for.ts'
import { checkProbe, type Liveness } from '../login/probe.ts'
import type { Recipe } from '../login/recipe.ts'
import type { Logger } from '../observe/events.ts'
import type { Snapshot } from '../snapshot/envelope.ts'
import { Cell } from '../state/cell.ts'
import type { HeaderRule, Identity } from '../state/identity.ts'
import type { Report } from '../state/report.ts'
import type { SessionState } from '../state/state.ts'
import { addHeaderRules } from '../state/header-rules.ts'
import { minimizeState, type Minimized, type MinimizeOptions } from './minimize.ts'
import type { VaultOptions } from './options.ts'
import { Saving } from './saving.ts'
import type { Session } from './session.ts'
import type { SharedBrowser } from './shared-browser.ts'
import type { Shelf, Stored } from './stored.ts'
import { beginVisit, contextOptions, type Visit, type VisitResult } from './visit.ts'
import { protectedNames, visitPolicy } from './visit-policy.ts'

export interface SessionHost {
  readonly vault: VaultOptions
  readonly shelf: Shelf
  readonly browser: SharedBrowser
  readonly logger: Logger
  /** One login for all; resolves with what stands in the store afterwards, of an epoch above `deadEpoch`. */
  login(recipe: Recipe, account: string, deadEpoch: number): Promise<LoginResult>
}

export interface LoginResult {
  readonly stored: Stored
  /** What the gate kept away; `undefined` when somebody else has done the login. */
  readonly report: Report | undefined
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
  readonly #carrier: Carrier
  #snapshot: Snapshot
  #jar: CookieJar | undefined
  #http: (SessionHttp & { close(): Promise<void> }) | undefined
  #fetch: (SessionFetch & { close(): Promise<void> }) | undefined
  readonly #visits = new Set<Visit>()
  #renewal: Promise<void> | undefined
  #rejected: LoginFailedError | undefined
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
    this.#saving = new Saving(
      host.shelf,
      {
        name: this.name,
        cell: this.#cell,
        facts: () => this.#snapshot,
        adopt: (snapshot) => {
          this.#adopt(snapshot)
        },
      },
      stored,
    )
    this.#carrier = this.#makeCarrier()
    this.#cell.subscribe(({ diff, by }) => {
      if (by !== 'renewal' && diff.removed.length + diff.removedOrigins.length > 0) this.#doubt()
      this.#scheduleSave()
    })
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
    const visit = await beginVisit(context, { cell: this.#cell, policy, onEnd })
    this.#visits.add(visit)
    return visit
  }

  async check(): Promise<Liveness> {
    this.#assertOpen()
    const { probe } = this.#snapshot
    if (probe === undefined) return 'unclear'
    const liveness = await checkProbe(probe, this.#carrier, this.#host.vault.http)
    if (liveness === 'alive') {
      this.#snapshot = { ...this.#snapshot, verifiedAt: Date.now() }
      this.#factsChanged()
    }
    return liveness
  }

  async minimize(options?: MinimizeOptions): Promise<Minimized> {
    this.#assertOpen()
    const { policy, http } = this.#host.vault
    const protect = protectedNames(policy, this.#recipe)
    const work = { carrier: this.#carrier, probe: this.#snapshot.probe, protect, http }
    const found = await minimizeState(work, options)
    if (found.applied) await this.check().then(() => this.save())
    return found
  }

  renew(): Promise<void> {
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
      revive: (facts) => this.#revive(facts.epoch),
    }
  }

  /** An answer said "not signed in": renew unless that has happened since, or the probe says that we are. */
  async #revive(seenEpoch: number): Promise<boolean> {
    if (seenEpoch < this.#cell.epoch) return true
    if (this.#closing !== undefined || this.#recipe.login === undefined) return false
    // Without a probe a 401 may as well mean "not allowed": one login must not be tried again and again for that.
    if (this.#renewal === undefined && (await this.check()) !== 'dead') return false
    if (seenEpoch < this.#cell.epoch) return true
    await this.renew()
    return true
  }

  async #renewNow(): Promise<void> {
    if (this.#recipe.login === undefined)
      throw new SessionDeadError(this.name, 'its recipe cannot log in by itself')
    this.#host.logger.info({ session: this.name, epoch: this.epoch }, 'renewing')
    // The site has said no to these credentials: asking again with each 401 would lock the account out.
    if (this.#rejected !== undefined) throw this.#rejected
    try {
      const { stored } = await this.#host.login(this.#recipe, this.#account, this.epoch)
      this.#adopt(stored.snapshot)
      this.#saving.wrote(stored)
    } catch (error) {
      if (error instanceof LoginFailedError && error.failure === 'rejected') this.#rejected = error
      throw error
    }
  }

  #adopt(snapshot: Snapshot): void {
    if (snapshot.epoch <= this.#cell.epoch) return
    this.#snapshot = snapshot
    this.#cell.replace(snapshot.state, snapshot.epoch, 'renewal')
  }

  /** Something was deleted, perhaps by a logout: the next `open` asks the server before it trusts the snapshot. */
  #doubt(): void {
    const { verifiedAt: _, ...snapshot } = this.#snapshot
    this.#snapshot = snapshot
    this.#saving.markFactsChanged()
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
    this.#saving.schedule(this.#host.vault.policy?.saveWithin ?? 200, (error) => {
      // The next change tries again and `save()` and `close()` throw; a background save has nobody to throw to.
      this.#host.logger.warn(
        { session: this.name, error: error instanceof Error ? error.message : 'unknown' },
        'not saved',
      )
    })
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
