import { LoginFailedError, NeedsPersonError, ResponseStatusError, TimedOutError } from '../../errors.ts'
import { HeldOffError } from '../account-errors.ts'
import type { Carrier } from '../../http/carrier.ts'
import { createHttp, type HttpOptions } from '../../http/client.ts'
import { signedTransport } from '../../login/auth/signed.ts'
import { openTools } from '../../login/auth/tools.ts'
import { LoginEnded } from '../../login/explain.ts'
import { checkProbe } from '../../login/probe.ts'
import type { Recipe } from '../../login/recipe.ts'
import { orAbort } from '../../login/quiet.ts'
import type { Snapshot } from '../../snapshot/envelope.ts'
import { Cell } from '../../state/cell.ts'
import type { HeaderRule } from '../../state/header-rule.ts'
import type { Report } from '../../state/report.ts'

/** The ways to renew a session, cheapest first. */
export type Rung = 'rotate' | 'revisit' | 'login' | 'ask'

/** How one rung went. */
export interface RungOutcome {
  readonly rung: Rung
  /**
   * `renewed`: proven by the probe, or done without a word against it where there is none. `dead`: the server no longer
   * takes what was tried. `unclear`: no answer that says anything. `failed`: it threw, or was out of time.
   */
  readonly outcome: 'renewed' | 'dead' | 'unclear' | 'failed'
  /** ms */
  readonly took: number
  /** A code or a few words; never a value. */
  readonly why?: string
}

/** What a snapshot holds of a login, before it has a name and a number. */
export type SnapshotContent = Pick<
  Snapshot,
  'state' | 'identity' | 'headerRules' | 'probe' | 'dropped' | 'verifiedAt' | 'egress' | 'signOuts'
>

export interface Climbed {
  readonly content: SnapshotContent
  readonly by: Rung
  readonly rungs: readonly RungOutcome[]
  /** What the gate kept away; of logins only. */
  readonly report?: Report
}

export interface ClimbWork {
  readonly name: string
  /** How the rungs went when they were last tried: a page that could not renew itself once is not asked each time. */
  readonly past: Readonly<Partial<Record<string, string>>>
  readonly recipe: Recipe
  readonly http: HttpOptions
  readonly signal: AbortSignal
  /** For the rotation: a client secret belongs to no login. */
  readonly secret: (name: string) => Promise<string>
  /** Lets the site's page renew itself in a browser that wears the cell, until `isAlive` says so. */
  revisit(
    base: Snapshot,
    cell: Cell,
    url: string,
    isAlive: (rules?: readonly HeaderRule[]) => Promise<boolean>,
  ): Promise<SnapshotContent | undefined>
  login(): Promise<{ content: SnapshotContent; report: Report }>
  /** Absent where no person can be asked. */
  readonly ask?: () => Promise<{ content: SnapshotContent; report: Report }>
}

const deadlines = { rotate: 15_000, revisit: 30_000 }

/**
 * Climbs `rotate → revisit → login → ask` until one renews the session. `base` is what is to be renewed; without it there
 * is only a login. Throws what the last rung threw, or `NeedsPersonError` when there is none left to try; `rungs` is filled in
 * both cases.
 */
export async function climb(
  work: ClimbWork,
  base: Snapshot | undefined,
  rungs: RungOutcome[] = [],
): Promise<Climbed> {
  const step = async (rung: Rung, run: () => Promise<StepResult>): Promise<Climbed | undefined> => {
    const begun = Date.now()
    const ended = await run().catch((error: unknown): StepResult => ({ outcome: 'failed', error }))
    const { outcome } = ended
    const why = whyOf(ended)
    rungs.push({ rung, outcome, took: Date.now() - begun, ...(why !== undefined && { why }) })
    work.signal.throwIfAborted()
    if (ended.outcome !== 'renewed') {
      if (rung === 'login' || rung === 'ask') failure = ended.error
      return undefined
    }
    return {
      content: ended.content,
      by: rung,
      rungs,
      ...(ended.report !== undefined && { report: ended.report }),
    }
  }
  let failure: unknown
  const { recipe } = work
  if (base !== undefined) {
    const { rotate } = recipe
    const url = revisitUrl(work, base)
    const renewed =
      (rotate === undefined ? undefined : await step('rotate', () => tryRotate(work, base, rotate))) ??
      (url === undefined ? undefined : await step('revisit', () => tryRevisit(work, base, url)))
    if (renewed !== undefined) return renewed
  }
  if (recipe.login !== undefined || recipe.signIn !== undefined) {
    const signedIn = await step('login', async () => ({ outcome: 'renewed', ...(await work.login()) }))
    if (signedIn !== undefined) return signedIn
    // Another person's word is needed, or nobody's: a wrong password does not get better by asking.
    if (!(failure instanceof NeedsPersonError)) throw asError(failure, work.name)
  }
  const { ask } = work
  const asked = ask && (await step('ask', async () => ({ outcome: 'renewed', ...(await ask()) })))
  if (asked !== undefined) return asked
  throw asError(failure ?? new NeedsPersonError(work.name, 'its recipe has no login function'), work.name)
}

type StepResult =
  | { readonly outcome: 'renewed'; readonly content: SnapshotContent; readonly report?: Report }
  | { readonly outcome: 'dead' | 'unclear' | 'failed'; readonly error?: unknown }

async function tryRotate(
  work: ClimbWork,
  base: Snapshot,
  rotate: NonNullable<Recipe['rotate']>,
): Promise<StepResult> {
  const cell = new Cell(base.state, base.epoch)
  const { recipe, secret } = work
  const http = createHttp(carrierOf(base, cell), work.http, signedTransport(cell, work.http))
  const signal = AbortSignal.any([work.signal, AbortSignal.timeout(deadlines.rotate)])
  const opened = openTools({ recipe, cell, http, signal, secret, headerRules: base.headerRules })
  try {
    const said = await orAbort<unknown>(
      typeof rotate === 'string' ? http.post(rotate, { signal }) : rotate(opened.tools),
      signal,
    )
    return await proven(work, { ...base, headerRules: opened.headerRules() }, cell, said === 'issued')
  } catch (error) {
    return { outcome: isRefusal(error) ? 'dead' : signal.aborted ? 'failed' : 'unclear', error }
  } finally {
    await http.close()
  }
}

function isRefusal(error: unknown): boolean {
  if (error instanceof LoginEnded) return error.failure === 'rejected'
  return error instanceof ResponseStatusError && [400, 401, 403].includes(error.statusCode)
}

async function tryRevisit(work: ClimbWork, base: Snapshot, url: string): Promise<StepResult> {
  const cell = new Cell(base.state, base.epoch)
  const { probe } = base
  // Without a probe nothing tells when the page has renewed itself.
  if (probe === undefined) return { outcome: 'unclear' }
  const isAlive = async (headerRules = base.headerRules): Promise<boolean> =>
    (await checkProbe(probe, carrierOf({ ...base, headerRules }, cell), work.http)) === 'alive'
  const signal = AbortSignal.any([work.signal, AbortSignal.timeout(deadlines.revisit)])
  const content = await orAbort(work.revisit(base, cell, url, isAlive), signal)
  return content === undefined ? { outcome: 'dead' } : { outcome: 'renewed', content }
}

async function proven(work: ClimbWork, base: Snapshot, cell: Cell, issued: boolean): Promise<StepResult> {
  const { probe } = base
  const liveness = probe === undefined ? undefined : await checkProbe(probe, carrierOf(base, cell), work.http)
  if (liveness === 'dead' || (liveness === 'unclear' && !issued)) return { outcome: liveness }
  return { outcome: 'renewed', content: contentOf(base, cell, liveness === 'alive') }
}

/** What a renewal leaves as it was, around the state that it changed. */
export function contentOf(base: Snapshot, cell: Cell, verified: boolean): SnapshotContent {
  const { identity, headerRules, probe, dropped, egress, signOuts } = base
  return {
    state: cell.state,
    headerRules,
    ...(identity !== undefined && { identity }),
    ...(probe !== undefined && { probe }),
    ...(dropped !== undefined && { dropped }),
    ...(egress !== undefined && { egress }),
    ...(signOuts !== undefined && { signOuts }),
    ...(verified && { verifiedAt: Date.now() }),
  }
}

function carrierOf({ name, identity, headerRules }: Snapshot, cell: Cell): Carrier {
  return { name, identity, headerRules, cell }
}

function revisitUrl({ recipe, past }: ClimbWork, { headerRules }: Snapshot): string | undefined {
  const byPage = headerRules.some(({ source }) => source.from !== 'cookie' && source.from !== 'page')
  const wish = recipe.revisit ?? (byPage && past['revisit'] !== 'dead')
  if (wish === false) return undefined
  return wish === true ? (recipe.home ?? recipe.url) : wish
}

function whyOf(ended: StepResult): string | undefined {
  if (ended.outcome === 'renewed' || ended.error === undefined) return undefined
  const { error } = ended
  if (error instanceof LoginFailedError) return error.failure
  if (error instanceof HeldOffError) return `held off until ${new Date(error.until).toISOString()}`
  if (error instanceof ResponseStatusError) return `answered ${String(error.statusCode)}`
  return error instanceof Error ? ('code' in error && String(error.code)) || error.name : 'threw'
}

function asError(failure: unknown, name: string): Error {
  return failure instanceof Error ? failure : new TimedOutError(`Renewing ${name}`, 0, { cause: failure })
}
