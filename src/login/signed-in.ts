import type { Page } from 'playwright'
import { NeedsPersonError } from '../errors.ts'
import { browserOnlyOrigins } from '../state/report.ts'
import { reached, type Attempt, type FunctionRun } from './attempt.ts'
import { LoginEnded } from './explain.ts'
import { captureAgain, gather, hasCandidates, type Gathered } from './harvest.ts'
import { holdRequests } from './learn/hold-requests.ts'
import { orAbort, pause, untilActivity, untilSettled } from './quiet.ts'
import { asksForCode, asksForPassword, findRefusal } from './rejection.ts'

const lookAgain = 200
// Every look asks the page something: a noisy page must not keep both of us busy with it.
const leastPause = 50
// Every proof asks the site several times: a few are enough for a login, a person may need longer.
const proofs = { byFunction: 8, byPerson: 60 }
// Going to the home page, or asking on the off chance, could interrupt a login that is still under way: not before the
// pages have been idle for this long.
const idle = 1_500

/**
 * Waits until somebody is signed in, by evidence: the recipe's `verify`, or a request whose answers with and without
 * the session differ. Throws `LoginEnded` as soon as the evidence says that it will not come.
 */
export async function untilSignedIn(attempt: Attempt, run: FunctionRun): Promise<Gathered> {
  const { watch, signal, recipe } = attempt
  const sign = successSign(attempt)
  const home = homeVisit(attempt)
  let examined = -1
  let tried = -1
  let left = recipe.login === undefined ? proofs.byPerson : proofs.byFunction
  for (;;) {
    if (run.failure !== undefined) throw await explainThrow(attempt, run.failure.error)
    if (recipe.login !== undefined && !attempt.attended) await refuseEarly(attempt, run.ended)
    if (run.ended && (await sign())) {
      await untilSettled(watch, attempt.page, signal)
      reached(attempt, 'pages are settled')
      if (recipe.verify !== undefined || (!attempt.attended && isIdle(attempt))) await home()
      const lastResort = isIdle(attempt) && latest(attempt) > tried
      const news = latest(attempt) > examined && hasCandidates(attempt)
      if (left > 0 && (news || lastResort)) {
        left -= 1
        let gathered = await orAbort(gather(attempt, lastResort), signal)
        if (isEnough(attempt, gathered)) {
          if (await home()) gathered = await orAbort(gather(attempt), signal)
          return lastLook(attempt, gathered)
        }
        examined = latest(attempt)
        if (lastResort) tried = examined
      }
    }
    await untilActivity(watch, lookAgain, signal)
    await pause(leastPause, signal)
  }
}

/**
 * What the pages have changed while the session was being proven is taken home, too, and they change nothing any more; unless
 * the page itself is the session.
 */
async function lastLook(attempt: Attempt, gathered: Gathered): Promise<Gathered> {
  if (browserOnlyOrigins(gathered.report) !== undefined) return gathered
  const { context, watch, signal } = attempt
  await holdRequests(context, watch, signal)
  return watch.lastActivity < gathered.capturedAt ? gathered : captureAgain(attempt, gathered)
}

/** A proof; or the recipe's own word, unless it also names a probe that should have proven it. */
function isEnough({ recipe }: Attempt, { probe, provenByPage }: Gathered): boolean {
  return (
    probe !== undefined ||
    provenByPage === true ||
    (recipe.verify !== undefined && recipe.probe === undefined)
  )
}

/** The recipe's word, or at least nothing more to be typed. The proof follows in either case. */
function successSign(attempt: Attempt): () => Promise<boolean> {
  const { verify } = attempt.recipe
  // A page that asks for a second factor stands behind a half session, which a probe would take for a whole one.
  if (verify === undefined)
    return async () => !(await asksForPassword(attempt)) && !(await asksForCode(attempt))
  let asking: Promise<boolean> | undefined
  const ask = (): Promise<boolean> =>
    Promise.resolve(verify(attempt.page)).then(
      (answer) => answer,
      () => false, // a page that is just being replaced; asked again
    )
  // A verify that waits for something must not keep us from seeing that the site has said no.
  return async () => {
    const pending = (asking ??= ask())
    const answer = await Promise.race([pending, untilActivity(attempt.watch, lookAgain, attempt.signal)])
    if (answer !== undefined) asking = undefined
    return answer ?? false
  }
}

async function refuseEarly(attempt: Attempt, functionEnded: boolean): Promise<void> {
  const refusal = await findRefusal(attempt, functionEnded)
  if (refusal !== undefined) throw new LoginEnded(refusal.failure, refusal.detail)
  if (functionEnded && isIdle(attempt) && (await asksForCode(attempt)))
    throw new NeedsPersonError(attempt.session, 'the site asks for a code, and the recipe does not give one')
}

/** A function that waits for its own sign of success throws when the site has said no: the site's word is the reason. */
async function explainThrow(attempt: Attempt, error: unknown): Promise<unknown> {
  const refusal = await findRefusal(attempt, true).catch(() => undefined)
  return refusal === undefined ? error : new LoginEnded(refusal.failure, refusal.detail, { cause: error })
}

/** Visits the recipe's home page at the first call; true when it went there. */
function homeVisit({ recipe, page, watch, signal }: Attempt): () => Promise<boolean> {
  let due = recipe.home !== undefined
  return async () => {
    if (!due || recipe.home === undefined) return false
    due = false
    if (page.url() === recipe.home) return false
    await orAbort(goTo(page, recipe.home), signal)
    await untilSettled(watch, page, signal)
    return true
  }
}

async function goTo(page: Page, url: string): Promise<void> {
  await page.goto(url, { waitUntil: 'load', timeout: 15_000 })
}

function isIdle({ watch }: Attempt): boolean {
  return watch.inFlight === 0 && Date.now() - watch.lastActivity >= idle
}

function latest({ watch }: Attempt): number {
  return watch.requests.at(-1)?.sequence ?? 0
}
