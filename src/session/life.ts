import { exchangesAround, robotsAdmission } from '../http/around.ts'
import type { Carrier } from '../http/carrier.ts'
import { Traffic } from '../http/trouble/traffic.ts'
import { deadSignsOf } from './dead-signs-of.ts'
import { declaredRules } from '../login/learn/declared-headers.ts'
import type { Recipe } from '../login/recipe.ts'
import { steadyNow } from '../observe/clock.ts'
import { codeOf, type Logger } from '../observe/events.ts'
import { forecast } from '../policy/forecast.ts'
import type { Snapshot } from '../snapshot/envelope.ts'
import { Cell } from '../state/cell.ts'
import { browserOnlyOrigins } from '../state/report.ts'
import { addHeaderRules } from '../state/header-rules.ts'
import { addSignOuts, type SignOutAddress } from '../state/sign-outs.ts'
import type { HeaderRule } from '../state/identity.ts'
import { signsOut } from './map/sign-out-guard.ts'
import { note, readLedger, type SessionEventKind } from './ledger.ts'
import { Notices } from './notices.ts'
import type { VaultOptions } from './options.ts'
import { Proof } from './proof.ts'
import type { Renewed } from './renewal/renew-once.ts'
import { Renewing, type RenewingHost, type RenewWish } from './renewal/renewing.ts'
import { Saving, type SavingHost } from './saving.ts'
import type { Shelf, Stored } from './stored.ts'
import { Upkeep, type UpkeepHost } from './upkeep.ts'

export interface LifeHost {
  readonly vault: VaultOptions
  readonly shelf: Shelf
  readonly logger: Logger
  readonly recipe: Recipe
  /** One renewal for all processes; resolves with what stands afterwards, of an epoch above the dead one. */
  renew(wish: RenewWish): Promise<Renewed>
}

/**
 * What a session does by itself: it keeps the cell and the store in step, knows whether the server takes it, and renews it.
 * A change of the cell leads to a save; a save of something doubtful to a question to the server; a no of the server to
 * a renewal; and a renewal, ours or somebody else's, to a new cell.
 */
export class Life {
  readonly name: string
  readonly cell: Cell
  readonly carrier: Carrier
  readonly proof: Proof
  readonly saving: Saving
  readonly renewing: Renewing
  readonly notices: Notices
  readonly #host: LifeHost
  readonly #upkeep: Upkeep
  #snapshot: Snapshot
  #browserOnly: ReadonlySet<string> | undefined
  #lastUse = steadyNow()
  #telling: Promise<unknown> = Promise.resolve()
  #ended = false

  constructor(host: LifeHost, stored: Stored) {
    const { snapshot } = stored
    this.#host = host
    this.#snapshot = this.#withDeclared(snapshot)
    this.#browserOnly = browserOnlyOrigins(snapshot.dropped)
    this.name = snapshot.name
    this.cell = new Cell(snapshot.state, snapshot.epoch)
    this.notices = new Notices(host.logger, this.name)
    if (this.#browserOnly !== undefined)
      this.notices.say('needs-browser', { origins: [...this.#browserOnly] })
    this.carrier = this.#makeCarrier()
    this.proof = new Proof(this.carrier, snapshot, host.vault.http)
    this.saving = new Saving(host.shelf, this.#savingHost(), stored, host.vault.policy?.saveWithin)
    this.renewing = new Renewing(this.#renewingHost())
    this.#upkeep = new Upkeep(this.#upkeepHost())
    this.#upkeep.plan()
    this.cell.subscribe((change) => {
      this.proof.observe(change)
      this.#autosave()
    })
    if (stored.unsaved === true) this.#autosave()
  }

  /** Identity, header rules, probe and what was dropped; its state is that of the last login, the cell has today's. */
  get snapshot(): Snapshot {
    return this.#snapshot
  }

  /** Says that header rules or the proof of life changed, which the cell does not know of. */
  factsChanged(): void {
    this.saving.markFactsChanged()
    this.#autosave()
  }

  learn(rules: readonly HeaderRule[], found: readonly SignOutAddress[] = []): void {
    const { headerRules } = this.#withDeclared({
      ...this.#snapshot,
      headerRules: addHeaderRules(this.#snapshot.headerRules, rules),
    })
    const { signOuts: known = [] } = this.#snapshot
    const signOuts = addSignOuts(known, found)
    if (headerRules === this.#snapshot.headerRules && signOuts === known) return
    this.#snapshot = { ...this.#snapshot, headerRules, signOuts }
    this.factsChanged()
  }

  signsOut(url: string): boolean {
    const { signOut } = this.#host.recipe
    return signsOut(url, typeof signOut === 'string' ? signOut : undefined, this.#snapshot.signOuts)
  }

  /** Into the log and the session's ledger; a ledger that cannot be written must not stop anything. */
  say(kind: SessionEventKind, why: string): void {
    this.#host.logger.warn({ session: this.name, epoch: this.cell.epoch, why }, kind)
    const told = note(this.#host.shelf, this.name, { kind, epoch: this.cell.epoch, why })
    this.#telling = told.catch(() => undefined)
  }

  /** Nothing is renewed or saved by itself any more. Waits for what is under way. */
  async rest(): Promise<void> {
    this.#ended = true
    this.#upkeep.stop()
    await this.renewing.ended()
  }

  /** Saves for the last time. */
  async end(): Promise<void> {
    this.#ended = true
    this.#upkeep.stop()
    try {
      await this.saving.save()
    } finally {
      this.saving.cancelSchedule()
      await this.#telling
    }
  }

  /** Ends without a save: what is stored is gone on purpose. */
  async abandon(): Promise<void> {
    this.#ended = true
    this.#upkeep.stop()
    this.saving.cancelSchedule()
    await this.#telling
  }

  #makeCarrier(): Carrier {
    const snapshot = (): Snapshot => this.#snapshot
    const browserOnly = (): ReadonlySet<string> | undefined => this.#browserOnly
    const signsOf = deadSignsOf(this.#host.recipe)
    const carrier: Carrier = {
      name: this.name,
      cell: this.cell,
      robots: robotsAdmission(this.#host.vault.http ?? {}, () => carrier),
      around: exchangesAround(this.#host.vault.http ?? {}, () => carrier),
      get identity() {
        return snapshot().identity
      },
      get headerRules() {
        return snapshot().headerRules
      },
      identityChanged: (identity) => {
        this.#snapshot = { ...this.#snapshot, identity }
        this.factsChanged()
      },
      get browserOnly() {
        return browserOnly()
      },
      sent: () => {
        this.#lastUse = steadyNow()
      },
      traffic: new Traffic(this.#host.vault.http),
      get deadSigns() {
        return signsOf(snapshot())
      },
      revive: async (facts) => (this.#ended ? 'unclear' : this.renewing.revive(facts)),
      pausing: () => this.renewing.pausing,
      blocked: (facts) => {
        this.say('blocked', facts.by)
        this.#host.vault.http?.onBlocked?.(facts)
      },
    }
    return carrier
  }

  #savingHost(): SavingHost {
    return {
      name: this.name,
      cell: this.cell,
      standing: (options) => this.proof.standing(options),
      facts: () => {
        const { verifiedAt: _, ...facts } = this.#snapshot
        const { verifiedAt, lastVerified } = this.proof
        return { ...facts, lastVerified, ...(verifiedAt !== undefined && { verifiedAt }) }
      },
      adopt: (snapshot) => {
        this.#adopt(snapshot)
      },
      refused: () => {
        this.say('refused', 'the server has signed it out: what is stored was left as it was')
      },
      failed: (error, again) => {
        // `save()` and `close()` throw; a save in the background has nobody to throw to.
        this.#host.logger.warn({ session: this.name, error: codeOf(error), again }, 'not saved')
      },
      wasRemoved: async () => (await readLedger(this.#host.shelf, this.name)).removedAt !== undefined,
    }
  }

  #renewingHost(): RenewingHost {
    return {
      name: this.name,
      recipe: this.#host.recipe,
      cell: this.cell,
      proof: this.proof,
      logger: this.#host.logger,
      snapshot: () => this.#snapshot,
      stored: () => this.saving.stored,
      renew: (wish) => this.#host.renew(wish),
      isRejectionOnRecord: async () => (await readLedger(this.#host.shelf, this.name)).rejected !== undefined,
      take: (stored) => {
        this.#adopt(stored.snapshot)
        this.saving.wrote(stored)
        if (stored.unsaved === true) this.#autosave()
      },
    }
  }

  #upkeepHost(): UpkeepHost {
    const { recipe, shelf, logger } = this.#host
    const renewable = recipe.login !== undefined || recipe.signIn !== undefined || recipe.rotate !== undefined
    return {
      name: this.name,
      store: shelf.store,
      keepAlive: recipe.keepAlive,
      diesAt: () =>
        // A token that is bound to the page's key is renewed by the page.
        renewable && this.#browserOnly === undefined
          ? forecast(this.cell.state, { headerRules: this.#snapshot.headerRules }).diesAt
          : undefined,
      lastUse: () => this.#lastUse,
      refresh: () => this.saving.refresh(),
      renew: () => this.renewing.renew(),
      ask: () => this.proof.ask(),
      failed: (what, error) => {
        logger.warn({ session: this.name, error: codeOf(error) }, `could not ${what}`)
      },
    }
  }

  #adopt(snapshot: Snapshot): void {
    const { epoch } = this.cell
    if (snapshot.epoch < epoch) return
    if (snapshot.epoch === epoch && snapshot.loginId === this.#snapshot.loginId) return
    const { signOuts = [] } = this.#snapshot
    const all = addSignOuts(snapshot.signOuts ?? [], signOuts) // a login sees other pages than a visit
    this.#snapshot = { ...this.#withDeclared(snapshot), ...(all.length > 0 && { signOuts: all }) }
    this.#browserOnly = browserOnlyOrigins(snapshot.dropped)
    this.proof.renewed(snapshot)
    this.cell.replace(snapshot.state, snapshot.epoch, 'renewal')
    this.#upkeep.plan()
  }

  /** What the recipe says now counts, also for a session that was stored before it said so. */
  #withDeclared(snapshot: Snapshot): Snapshot {
    const headerRules = addHeaderRules(snapshot.headerRules, declaredRules(this.#host.recipe))
    return headerRules === snapshot.headerRules ? snapshot : { ...snapshot, headerRules }
  }

  #autosave(): void {
    if (!this.#ended) this.saving.schedule()
  }
}
