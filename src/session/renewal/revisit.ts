import type { Browser } from 'playwright'
import { untilActivity, untilQuiet } from '../../login/quiet.ts'
import { watchRequests } from '../../login/learn/watch-requests.ts'
import type { GatePolicy } from '../../policy/gate.ts'
import type { Snapshot } from '../../snapshot/envelope.ts'
import { addHeaderRules } from '../../state/header-rules.ts'
import type { Cell } from '../../state/cell.ts'
import type { HeaderRule } from '../../state/header-rule.ts'
import { contentOf, type SnapshotContent } from './climb.ts'
import { beginVisit, contextOptions } from '../visits/visit.ts'
import { declaredRules } from '../../login/learn/declared-headers.ts'
import { wearIdentity } from '../visits/visit-identity.ts'
import type { Recipe } from '../../login/recipe.ts'

export interface Revisit {
  readonly browser: Browser
  readonly recipe: Recipe
  readonly policy: GatePolicy
  readonly base: Snapshot
  /** Worn by the page, and changed by it. */
  readonly cell: Cell
  readonly url: string
  readonly signal: AbortSignal
  /** With these rules; default those of `base`. */
  isAlive(rules?: readonly HeaderRule[]): Promise<boolean>
}

/** A page that has nothing to do for this long will not renew itself any more, ms. */
const quietFor = 1_000
const lookAgain = 300

/**
 * Opens the page in a context that wears the state and gives it time to renew itself as it would for a person: after each
 * activity the probe is asked, until it says alive, or the page has fallen silent; and once more with what the page has left.
 */
export async function revisit(work: Revisit): Promise<SnapshotContent | undefined> {
  const { browser, base, cell, signal } = work
  const context = await browser.newContext(contextOptions(base.identity, work.recipe.context))
  const close = (): void => void context.close().catch(() => undefined)
  signal.addEventListener('abort', close, { once: true })
  const requests = watchRequests(context)
  try {
    const { policy } = work
    const visit = await beginVisit(context, { cell, policy, headerRules: base.headerRules, signal })
    const page = await context.newPage()
    await wearIdentity(page, base.identity, work.recipe.context)
    await page.goto(work.url, { waitUntil: 'domcontentloaded', timeout: 0 })
    let isAlive: boolean
    for (;;) {
      const isQuiet = await untilQuiet(requests, { quiet: quietFor, within: lookAgain, signal })
      await visit.settle()
      isAlive = await work.isAlive()
      if (isQuiet || isAlive) break
      await untilActivity(requests, lookAgain, signal)
    }
    const { headerRules } = await visit.endForGood()
    const seen = addHeaderRules(base.headerRules, headerRules)
    const learned = addHeaderRules(seen, declaredRules(work.recipe))
    // Databases come home at the end only, and a page of a new version may carry the session in another way.
    if (!isAlive && !(await work.isAlive(learned))) return undefined
    return { ...contentOf(base, cell, true), headerRules: learned }
  } finally {
    signal.removeEventListener('abort', close)
    requests.stop()
    await context.close()
  }
}
