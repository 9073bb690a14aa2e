import { LoginFailedError, NeedsPersonError, StoreFailedError } from '../../errors.ts'
import type { SignedIn } from '../../login/auth/run-sign-in.ts'
import { runLogin, type Harvest, type LivingPage } from '../../login/run-login.ts'
import { findSecret } from '../../login/secrets.ts'
import type { Recipe } from '../../login/recipe.ts'
import { codeOf, type Logger } from '../../observe/events.ts'
import type { Report } from '../../state/report.ts'
import { beginAttempt, type Attempt } from './attempt-budget.ts'
import { climb, type Climbed, type ClimbWork, type RungOutcome, type SnapshotContent } from './climb.ts'
import { egressOfLogin } from '../egress.ts'
import { changeLedger, readLedger, withEvent, type LedgerPage, type SessionEvent } from '../ledger.ts'
import { assertNotRemoved } from '../operations/removing.ts'
import type { LivingPages } from '../visits/living-pages.ts'
import type { VaultOptions } from '../options.ts'
import { renewOnce, type Renewed } from './renew-once.ts'
import type { RenewWish } from './renewing.ts'
import { revisit } from './revisit.ts'
import type { SharedBrowser } from '../visits/shared-browser.ts'
import type { Shelf, Stored } from '../stored.ts'
import { visitPolicy } from '../visits/visit-policy.ts'

/** What a vault lends to a renewal. */
export interface RenewalPlace {
  readonly options: VaultOptions
  readonly shelf: Shelf
  readonly browser: SharedBrowser
  readonly living: LivingPages
  readonly logger: Logger
}

export interface RenewalTask {
  readonly name: string
  readonly recipe: Recipe
  readonly account: string
  readonly wish: RenewWish
  /** It is open, or was stored a moment ago: what has been removed on purpose since must not come back by itself. */
  readonly isOpen: boolean
  readonly signal: AbortSignal
}

/** Longest time that the rungs before the login may take for somebody else, ms. */
const otherRungs = 75_000

/** Renews a session, or signs in to a new one, once for all processes; what happened goes into its ledger. */
export async function renewSession(place: RenewalPlace, task: RenewalTask): Promise<Renewed> {
  const { name, recipe, wish, signal } = task
  const { shelf } = place
  const renewed = await renewOnce(shelf, {
    name,
    signal,
    deadEpoch: wish.deadEpoch,
    patience: (recipe.timeout ?? (signsInItself(recipe) ? 60_000 : 600_000)) + otherRungs,
    leaseFor: place.options.policy?.leaseFor,
    alone: place.options.policy?.storeDown === 'continue',
    climb: (stored) => climbAndTell(place, task, stored),
  })
  const { stored, climbed } = renewed
  if (climbed !== undefined) {
    const { epoch } = stored.snapshot
    const kind = epoch === 1 ? 'created' : 'renewed'
    await tell(place, name, { kind, epoch, why: climbed.by }, climbed.rungs)
  }
  return renewed
}

async function climbAndTell(
  place: RenewalPlace,
  task: RenewalTask,
  stored: Stored | undefined,
): Promise<Climbed> {
  const { name, recipe, account, wish, signal } = task
  const { options, browser } = place
  const user = {}
  const page: Partial<LedgerPage> = await readLedger(place.shelf, name).catch(() => ({}))
  if (stored === undefined && task.isOpen) assertNotRemoved(name, page)
  const { rungs: past = {} } = page
  const rungs: RungOutcome[] = []
  const work: ClimbWork = {
    ...{ name, recipe, signal, past },
    http: options.http ?? {},
    secret: (secret) => findSecret(secret, { recipe: recipe.name, account, secrets: options.secrets }),
    login: () => loginOnBudget(place, task),
    async revisit(base, cell, url, isAlive) {
      const policy = visitPolicy(options.policy, recipe, base)
      return revisit({ browser: await browser.use(user), recipe, policy, base, cell, url, signal, isAlive })
    },
    ...(options.browser?.headless === false &&
      recipe.signIn === undefined && {
        // A window was asked for: so a person sits before it.
        ask: async () => {
          const { login: _, ...byPerson } = recipe
          const harvest = await runRecipe(place, byPerson, { name, account, signal, interactive: true })
          return contentOf(harvest, egressOfLogin(byPerson, options.http))
        },
      }),
  }
  try {
    return await climb(work, wish.base(stored), rungs)
  } catch (error) {
    await tell(place, name, { kind: 'failed', epoch: wish.deadEpoch, why: codeOf(error) }, rungs)
    throw error
  } finally {
    await browser.leave(user)
  }
}

async function loginOnBudget(
  place: RenewalPlace,
  { name, recipe, account, signal }: RenewalTask,
): Promise<{ content: SnapshotContent; report: Report }> {
  const { shelf, options } = place
  const where = { recipe: recipe.name, account, secrets: options.secrets }
  const attempt = await beginAttempt(shelf, name, where, recipe.attempts).catch((error: unknown) => {
    // Nobody can be asked how often it has been tried; the policy says to go on all the same.
    if (error instanceof StoreFailedError && options.policy?.storeDown === 'continue') return undefined
    throw error
  })
  try {
    const harvest = await runRecipe(place, recipe, { name, account, signal, attempt })
    await quietly(attempt?.ended('signed-in'))
    return contentOf(harvest, egressOfLogin(recipe, options.http))
  } catch (error) {
    await quietly(attempt?.ended(outcomeOf(error, signal)))
    throw error
  }
}

function outcomeOf(error: unknown, signal: AbortSignal): Parameters<Attempt['ended']>[0] {
  if (error instanceof LoginFailedError && error.failure === 'rejected') return 'rejected'
  return error instanceof NeedsPersonError || signal.aborted ? 'called-off' : 'failed'
}

async function runRecipe(
  { options, logger, living }: RenewalPlace,
  recipe: Recipe,
  how: {
    name: string
    account: string
    signal: AbortSignal
    interactive?: boolean
    attempt?: Attempt | undefined
  },
): Promise<Harvest | SignedIn> {
  const secrets = how.attempt?.secrets ?? options.secrets
  const run =
    recipe.signIn === undefined ? runLogin : (await import('../../login/auth/run-sign-in.ts')).runSignIn
  return run(recipe, {
    account: how.account,
    browser: options.browser ?? {},
    interactive: how.interactive === true,
    logger,
    keepOpen: (page: LivingPage) => {
      living.keep(how.name, page)
    },
    ...(options.policy !== undefined && { policy: options.policy }),
    ...(secrets !== undefined && { secrets }),
    ...(options.http !== undefined && { http: options.http }),
    ...(options.screenshots !== undefined && { screenshots: options.screenshots }),
    signal: how.signal,
  })
}

function contentOf(
  harvest: Harvest | SignedIn,
  egress: string,
): { content: SnapshotContent; report: Report } {
  const { state, identity, headerRules, probe, report, verifiedAt } = harvest
  const content = {
    ...{ state, headerRules, dropped: report, egress },
    ...(identity !== undefined && { identity }),
    ...(probe !== undefined && { probe }),
    ...(verifiedAt !== undefined && { verifiedAt }),
    ...('signOuts' in harvest && harvest.signOuts.length > 0 && { signOuts: harvest.signOuts }),
  }
  return { content, report }
}

function signsInItself({ login, signIn }: Recipe): boolean {
  return login !== undefined || signIn !== undefined
}

async function tell(
  { shelf, logger }: RenewalPlace,
  name: string,
  event: Omit<SessionEvent, 'at'>,
  rungs: readonly RungOutcome[],
): Promise<void> {
  logger.info({ session: name, epoch: event.epoch, rungs }, event.kind)
  const outcomes = Object.fromEntries(rungs.map(({ rung, outcome }) => [rung, outcome]))
  const change = changeLedger(shelf, name, ({ removedAt, ...page }) => ({
    ...withEvent(page, event),
    rungs: { ...page.rungs, ...outcomes },
    // It is there again: what was removed once may be saved again.
    ...(event.kind === 'failed' && removedAt !== undefined && { removedAt }),
  }))
  await quietly(change)
}

/** The ledger tells and does not decide: a store that is away must not undo what was done. */
async function quietly(work: Promise<unknown> | undefined): Promise<void> {
  await work?.catch(() => undefined)
}
