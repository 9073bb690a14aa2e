import type { Carrier } from '../../http/carrier.ts'
import { createHttp } from '../../http/client.ts'
import { LoginFailedError, ResponseStatusError, SessionbridgeError } from '../../errors.ts'
import { sanitize } from '../../policy/gate.ts'
import { Cell } from '../../state/cell.ts'
import type { HeaderRule, Identity, Probe } from '../../state/identity.ts'
import type { Report } from '../../state/report.ts'
import { emptyState, type SessionState } from '../../state/state.ts'
import { LoginEnded } from '../explain.ts'
import { checkProbe, learnProbe } from '../probe.ts'
import { orAbort } from '../quiet.ts'
import type { Recipe } from '../recipe.ts'
import type { LoginOptions } from '../run-login.ts'
import { Scrubber } from '../scrub.ts'
import { findSecret } from '../secrets.ts'
import { guardedTransport } from './guarded.ts'
import { openTools } from './tools.ts'

/** What a sign-in without a browser brings home. */
export interface SignedIn {
  readonly state: SessionState
  /** Absent unless a step of it needed a browser. */
  readonly identity?: Identity
  readonly headerRules: readonly HeaderRule[]
  readonly probe?: Probe
  /** Unix ms; absent when no request is known that tells a live session from a dead one. */
  readonly verifiedAt?: number
  readonly report: Report
}

interface SignIn {
  readonly recipe: Recipe & Required<Pick<Recipe, 'signIn'>>
  readonly options: LoginOptions
  readonly session: string
  readonly cell: Cell
  readonly scrubber: Scrubber
  /** Aborts when the time is over or the caller calls it off. */
  readonly signal: AbortSignal
  readonly clock: AbortSignal
  readonly limit: number
  secretGiven: boolean
}

/**
 * Signs in over HTTP by the recipe's `signIn`, and proves it by the recipe's probe, or by a learned one where there is one.
 *
 * Throws `LoginFailedError` (`rejected` when the site says no), `SecretMissingError`, `RecipeInvalidError`, what the client
 * throws, or the reason of `signal`. No error holds a secret that was handed out.
 */
export async function runSignIn(recipe: Recipe, options: LoginOptions): Promise<SignedIn> {
  const { signIn } = recipe
  if (signIn === undefined) throw new TypeError(`Recipe ${recipe.name} has no signIn`)
  options.signal?.throwIfAborted()
  const limit = recipe.timeout ?? 60_000
  const clock = AbortSignal.timeout(limit)
  const attempt: SignIn = {
    recipe: { ...recipe, signIn },
    ...{ options, limit, clock, secretGiven: false },
    session: `${recipe.name}/${options.account}`,
    cell: new Cell(emptyState),
    scrubber: new Scrubber(),
    signal: AbortSignal.any([clock, ...(options.signal === undefined ? [] : [options.signal])]),
  }
  try {
    const begun = Date.now()
    const signedIn = await prove(attempt, await ask(attempt))
    options.logger?.info({ session: attempt.session, took: Date.now() - begun }, 'signed in')
    return signedIn
  } catch (error) {
    throw explainSignIn(error, attempt)
  }
}

type Asked = Pick<SignedIn, 'headerRules' | 'identity'>

async function ask(attempt: SignIn): Promise<Asked> {
  const { recipe, options, session, cell, scrubber, signal } = attempt
  const { account, secrets, http: httpOptions = {} } = options
  let current = (): readonly HeaderRule[] => []
  const carrier: Carrier = {
    ...{ name: session, cell, identity: undefined },
    get headerRules() {
      return current()
    },
  }
  const http = createHttp(carrier, httpOptions, guardedTransport(recipe, httpOptions))
  const secret = async (name: string): Promise<string> => {
    const value = await findSecret(name, { recipe: recipe.name, account, secrets })
    scrubber.add(value)
    attempt.secretGiven = true
    return value
  }
  const { tools, headerRules } = openTools({ recipe, cell, http, signal, secret, headerRules: [] })
  current = headerRules
  let identity: Identity | undefined
  try {
    const work = recipe.signIn({
      ...tools,
      account,
      async browse(visit) {
        const { browseForSignIn } = await import('./browse.ts')
        const done = await browseForSignIn(visit, { recipe, options, cell, scrubber, signal })
        identity = done.identity
        attempt.secretGiven ||= done.secretGiven
        return done.result
      },
    })
    await orAbort(work, signal)
    return { headerRules: headerRules(), ...(identity !== undefined && { identity }) }
  } finally {
    await http.close()
  }
}

async function prove(attempt: SignIn, { headerRules, identity }: Asked): Promise<SignedIn> {
  const { recipe, options, session, cell, signal } = attempt
  const { http = {}, policy = {} } = options
  const { state, dropped: report } = sanitize(cell.state, {
    trackers: policy.trackers ?? 'drop',
    protect: [...(recipe.protect ?? []), ...(policy.protect ?? [])],
  })
  const proven = new Cell(state)
  const carrier: Carrier = { name: session, cell: proven, identity, headerRules }
  const declared = recipe.probe !== undefined
  const candidates = [...new Set(declared ? [recipe.probe] : [recipe.home ?? recipe.url, recipe.url])]
  const probe = await learnProbe(candidates, carrier, { http, signal, bodyCounts: true })
  if (probe === undefined && declared) await explainNoProof(attempt, carrier, recipe.probe)
  return {
    ...{ state: proven.state, headerRules, report },
    ...(identity !== undefined && { identity }),
    ...(probe !== undefined && { probe, verifiedAt: Date.now() }),
  }
}

/** The declared probe does not speak for the session: because it was refused, or because it never says anything. */
async function explainNoProof(attempt: SignIn, carrier: Carrier, url: string): Promise<never> {
  const asked: Probe = { url, alive: { status: 200 }, dead: { status: 401 } }
  const liveness = await checkProbe(asked, carrier, attempt.options.http)
  if (liveness === 'dead') throw new LoginEnded('rejected', 'the probe was answered 401')
  throw new LoginEnded('not-verified', 'the probe is not answered better with the session than without')
}

function explainSignIn(error: unknown, attempt: SignIn): unknown {
  const { session, scrubber, options, clock, limit } = attempt
  if (options.signal?.aborted === true) return options.signal.reason
  const refused = error instanceof ResponseStatusError && error.statusCode === 401 && attempt.secretGiven
  if (error instanceof SessionbridgeError && !refused) return scrubber.error(error)
  const failure = refused
    ? 'rejected'
    : error instanceof LoginEnded
      ? error.failure
      : clock.aborted
        ? 'timed-out'
        : 'threw'
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''
  const detail = failure === 'timed-out' ? `signIn did not end within ${String(limit)} ms` : message
  const cause = error instanceof LoginEnded ? error.cause : error
  return new LoginFailedError(
    { failure, session, detail: scrubber.text(detail) },
    cause === undefined ? {} : { cause: scrubber.error(cause) },
  )
}
