import { TimedOutError } from '../../errors.ts'
import { createHttp, type HttpOptions } from '../../http/client.ts'
import type { Carrier } from '../../http/carrier.ts'
import { signedTransport } from '../../login/auth/signed.ts'
import { openTools } from '../../login/auth/tools.ts'
import { checkProbe } from '../../login/probe.ts'
import { orAbort } from '../../login/quiet.ts'
import type { Recipe } from '../../login/recipe.ts'
import { findSecret, type Secrets } from '../../login/secrets.ts'
import type { Logger } from '../../observe/events.ts'
import type { Snapshot } from '../../snapshot/envelope.ts'
import { Cell } from '../../state/cell.ts'
import type { SessionState } from '../../state/state.ts'
import type { Lease } from '../../store/contract.ts'
import { readStored, type Shelf } from '../stored.ts'
import { buryInLedger } from './removing.ts'

/** How a sign-out went. The stored copies are gone in all cases. */
export interface SignedOut {
  readonly name: string
  /**
   * `ended`: the server was told and no longer takes what it took before. `unproven`: it was told, and nothing shows that
   * it has listened. `not-asked`: the recipe does not say how, or nothing was stored.
   */
  readonly server: 'ended' | 'unproven' | 'not-asked'
  /** In words, where it is not `ended`. */
  readonly why?: string
}

export interface SignOutWork {
  readonly shelf: Shelf
  readonly logger: Logger
  readonly recipe: Recipe
  readonly name: string
  readonly http: HttpOptions | undefined
  readonly secrets: Secrets
  readonly signal: AbortSignal | undefined
  /** What a living session holds; `undefined`: what is stored. Asked when nobody renews it any more. */
  live(): Promise<Snapshot | undefined>
}

const tellsWithin = 30_000
/** Longer than all of it may take. */
const leaseFor = 90_000
const lookAgain = 100

/**
 * Ends the session on the server, then forgets every copy. Throws what telling the server threw, and then nothing is
 * forgotten, so that it can be tried again: with the copies the way to end it would be gone, too.
 */
export async function signOutSession(work: SignOutWork): Promise<SignedOut> {
  const { shelf, name, logger } = work
  const signal = AbortSignal.any([
    AbortSignal.timeout(2 * tellsWithin),
    ...(work.signal === undefined ? [] : [work.signal]),
  ])
  // The lease of renewals: who renews it just now ends first, and who comes later finds it gone.
  const lease = await takeLease(work, signal)
  try {
    const snapshot = (await work.live()) ?? (await readStored(shelf, name))?.snapshot
    if (snapshot === undefined) return { name, server: 'not-asked', why: 'nothing is stored' }
    const told = await tellServer(work, snapshot, signal)
    const why = told.why === undefined ? told.server : `${told.server}: ${told.why}`
    await buryInLedger(shelf, name, { epoch: snapshot.epoch, kind: 'signed-out', why })
    await shelf.store.remove(name)
    logger.info({ session: name, epoch: snapshot.epoch, server: told.server }, 'signed-out')
    return { name, ...told }
  } finally {
    await lease.release().catch(() => undefined) // ends by itself
  }
}

async function takeLease({ shelf, name }: SignOutWork, signal: AbortSignal): Promise<Lease> {
  for (;;) {
    const lease = await shelf.store.lease(name, leaseFor)
    if (lease !== undefined) return lease
    if (signal.aborted) throw reasonOf(signal, `Waiting for the renewal of ${name} that is under way`)
    await new Promise((resolve) => setTimeout(resolve, lookAgain))
  }
}

async function tellServer(
  work: SignOutWork,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<Omit<SignedOut, 'name'>> {
  const { http } = work
  const { signOut } = work.recipe
  if (signOut === undefined) return { server: 'not-asked', why: 'the recipe has no signOut' }
  const before = snapshot.state
  const failure = await told(signOut, work, snapshot, signal)
  const { probe } = snapshot
  // With the state as it was: that the answer has deleted our cookies says nothing about the server's.
  const liveness =
    probe === undefined ? 'unclear' : await checkProbe(probe, carrierOf(snapshot, before), http)
  if (liveness === 'dead') return { server: 'ended' }
  if (failure !== undefined) throw failure
  if (liveness === 'alive') return { server: 'unproven', why: 'the server still takes the old session' }
  return {
    server: 'unproven',
    why: probe === undefined ? 'there is no probe to ask with' : 'the probe was answered neither way',
  }
}

/** Gives what went wrong. A refusal may mean that it had ended before; the probe tells. */
async function told(
  signOut: NonNullable<Recipe['signOut']>,
  { recipe, name, secrets, http: options }: SignOutWork,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<Error | undefined> {
  const carrier = carrierOf(snapshot, snapshot.state)
  const { cell, headerRules } = carrier
  const http = createHttp(carrier, options, signedTransport(cell, options))
  const account = name.slice(name.indexOf('/') + 1)
  const secret = (secret: string): Promise<string> =>
    findSecret(secret, { recipe: recipe.name, account, secrets })
  const within = AbortSignal.any([signal, AbortSignal.timeout(tellsWithin)])
  try {
    if (typeof signOut === 'string') await http.post(signOut, { signal: within })
    else
      await orAbort(
        signOut(openTools({ recipe, cell, http, signal: within, secret, headerRules }).tools),
        within,
      )
    return undefined
  } catch (error) {
    if (within.aborted) return reasonOf(within, `Signing out ${snapshot.name}`)
    return error instanceof Error
      ? error
      : new TypeError(`signOut of ${snapshot.name} threw what is no error`)
  } finally {
    await http.close()
  }
}

function carrierOf({ name, identity, headerRules, epoch }: Snapshot, state: SessionState): Carrier {
  return { name, identity, headerRules, cell: new Cell(state, epoch) }
}

function reasonOf(signal: AbortSignal, operation: string): Error {
  const { reason } = signal as { reason: unknown }
  if (reason instanceof DOMException && reason.name === 'TimeoutError')
    return new TimedOutError(operation, tellsWithin)
  return reason instanceof Error ? reason : new DOMException('aborted', 'AbortError')
}
