import type { BrowserContext, Page } from 'playwright'
import type { Recipe } from '../../login/recipe.ts'
import type { GatePolicy } from '../../policy/gate.ts'
import type { Cell } from '../../state/cell.ts'
import type { HeaderRule, Identity } from '../../state/identity.ts'
import type { Report } from '../../state/report.ts'
import type { Notices } from '../notices.ts'
import type { SignOutAddress } from '../../state/sign-outs.ts'
import type { SharedBrowser } from './shared-browser.ts'
import type { OwnVisit, VisitResult } from './visit.ts'

export interface VisitsHost {
  readonly cell: Cell
  readonly recipe: Recipe
  readonly browser: SharedBrowser
  identity(): Identity | undefined
  policy(): GatePolicy
  headerRules(): readonly HeaderRule[]
  /** Told what a visit has seen in use. */
  learn(rules: readonly HeaderRule[], signOuts: readonly SignOutAddress[]): void
  /** Told in what its browser is not the one that signed in. */
  readonly notices: Notices
  /** Told what a visit could not bring home, and what the gate kept away. */
  left(report: Report): void
}

/** The visits of one session: browser contexts that wear its state. What they need is loaded with the first. */
export class Visits {
  readonly #host: VisitsHost
  readonly #open = new Set<OwnVisit>()
  /** Those whose contexts close with the session. */
  readonly #own = new WeakSet<OwnVisit>()

  constructor(host: VisitsHost) {
    this.#host = host
  }

  async browse<T>(visit: (page: Page, context: BrowserContext) => Promise<T>): Promise<T> {
    const { context, worn } = await this.#wear()
    try {
      const result = await visit(await this.#firstPage(context), context)
      await worn.endForGood()
      return result
    } finally {
      await context.close()
    }
  }

  /** A page of a context that wears the state, in step with it until its context is closed. */
  async open(): Promise<Page> {
    const { context, worn } = await this.#wear()
    this.#own.add(worn)
    return this.#firstPage(context)
  }

  async attach(context: BrowserContext): Promise<OwnVisit> {
    const { cell } = this.#host
    const onEnd = (result: VisitResult | undefined): void => {
      this.#open.delete(visit)
      if (result === undefined) return
      this.#host.learn(result.headerRules, result.signOuts)
      if (result.report.length > 0) this.#host.left(result.report)
    }
    const { beginVisit } = await import('./visit.ts')
    const [policy, headerRules] = [this.#host.policy(), this.#host.headerRules()]
    const visit = await beginVisit(context, { cell, policy, headerRules, onEnd })
    this.#open.add(visit)
    return visit
  }

  async #wear(): Promise<{ context: BrowserContext; worn: OwnVisit }> {
    const browser = await this.#host.browser.use(this)
    const { contextOptions } = await import('./visit.ts')
    const context = await browser.newContext(contextOptions(this.#host.identity(), this.#host.recipe.context))
    try {
      return { context, worn: await this.attach(context) }
    } catch (error) {
      await context.close()
      throw error
    }
  }

  /** It and those that come after it say what the login browser said. */
  async #firstPage(context: BrowserContext): Promise<Page> {
    const [page, { wearIdentity }] = await Promise.all([context.newPage(), import('./visit-identity.ts')])
    const differs = await wearIdentity(page, this.#host.identity(), this.#host.recipe.context)
    if (differs.length > 0) this.#host.notices.say('identity-visit', { differs })
    return page
  }

  /** Ends what nobody has ended: it would keep writing to a session that is about to be saved for the last time. */
  async endAll(): Promise<void> {
    await Promise.allSettled(
      [...this.#open].map((visit) => (this.#own.has(visit) ? visit.endForGood() : visit.end())),
    )
  }

  /** Lets go of the browser; it closes when no session uses it any more. */
  async leave(): Promise<void> {
    await this.#host.browser.leave(this)
  }
}
