import { NotSignedInError, SessionDeadError, StoreConflictError, StoreFailedError } from '../errors.ts'
import type { Liveness } from '../login/probe.ts'
import type { Recipe } from '../login/recipe.ts'
import { codeOf } from '../observe/events.ts'
import type { Snapshot } from '../snapshot/envelope.ts'
import { note } from './ledger.ts'
import { LiveSession, type SessionHost } from './live-session.ts'
import type { OpenOptions } from './options.ts'
import { readStored, writeStored, type Stored } from './stored.ts'

/** The name under which a session is stored: `recipe/account`. */
export function sessionName(recipe: Pick<Recipe, 'name'>, account = 'default'): string {
  return `${recipe.name}/${account}`
}

/** Resumes what is stored if the server takes it, and renews it or signs in otherwise. See `Vault.open`. */
export async function openSession(
  host: SessionHost,
  given: Recipe,
  options: OpenOptions,
): Promise<LiveSession> {
  const { account = 'default', login: when = 'if-needed', signal } = options
  signal?.throwIfAborted()
  const name = sessionName(given, account)
  const stored = await readOrGoOn(host, name)
  const recipe = await byItsWay(host, given, name, when === 'always' ? undefined : stored?.snapshot)
  if (stored !== undefined && when !== 'always') {
    const session = await resume(host, recipe, stored, { account, signal })
    if (session !== undefined) return session
    if (when === 'never') {
      await markDead(host, stored)
      throw new SessionDeadError(name, 'the server no longer takes it')
    }
  }
  if (when === 'never') throw new NotSignedInError(name)
  const renewed = await host.renew(recipe, account, {
    deadEpoch: stored?.snapshot.epoch ?? 0,
    base: (there) => (when === 'always' ? undefined : (there ?? stored)?.snapshot),
    signal,
  })
  return new LiveSession(host, recipe, account, renewed.stored, renewed.climbed?.report)
}

/** The recipe with its browser on the way out of the requests. Throws `EgressChangedError`. */
async function byItsWay(
  { vault }: SessionHost,
  recipe: Recipe,
  name: string,
  stored: Snapshot | undefined,
): Promise<Recipe> {
  const { egress = 'direct' } = stored ?? {}
  // Most sessions know of no proxy, and need not load what does.
  if (vault.http?.proxyUrl === undefined && recipe.context?.proxy === undefined && egress === 'direct')
    return recipe
  const { assertEgress, throughProxy } = await import('./egress.ts')
  const through = throughProxy(recipe, vault.http)
  assertEgress(name, through, vault, stored)
  return through
}

/** A store that cannot be reached is an error, unless the policy says to go on without. */
async function readOrGoOn(host: SessionHost, name: string): Promise<Stored | undefined> {
  try {
    const stored = await readStored(host.shelf, name)
    if (stored?.fellBack !== undefined) await tellFallBack(host, name, stored)
    return stored
  } catch (error) {
    if (!(error instanceof StoreFailedError) || host.vault.policy?.storeDown !== 'continue') throw error
    host.logger.warn({ session: name, error: codeOf(error) }, 'the store is away: going on without it')
    return undefined
  }
}

async function tellFallBack(host: SessionHost, name: string, { snapshot, fellBack }: Stored): Promise<void> {
  const why = `the newest generation is damaged (${fellBack?.defect ?? ''}): went back to generation ${String(snapshot.generation)}`
  host.logger.warn({ session: name, why }, 'fell-back')
  await note(host.shelf, name, { kind: 'fell-back', epoch: snapshot.epoch, why }).catch(() => undefined)
}

/** `undefined` when the server takes neither what was saved last nor what was last proven. */
async function resume(
  host: SessionHost,
  recipe: Recipe,
  stored: Stored,
  { account, signal }: { readonly account: string; readonly signal: AbortSignal | undefined },
): Promise<LiveSession | undefined> {
  const { snapshot } = stored
  const session = new LiveSession(host, recipe, account, stored)
  if (isTrusted(snapshot, host) || (await ask(session, signal)) !== 'dead') return session
  await session.close()
  if (snapshot.lastVerified === undefined) return undefined
  const { lastVerified, ...facts } = snapshot
  const before = new LiveSession(host, recipe, account, {
    ...stored,
    snapshot: { ...facts, state: lastVerified, standing: 'verified' },
  })
  if ((await ask(before, signal)) === 'alive') return before
  await before.close()
  return undefined
}

/** A server may take ten seconds to say nothing; who gives up waiting need not wait for that. */
async function ask(session: LiveSession, signal: AbortSignal | undefined): Promise<Liveness> {
  if (signal === undefined) return session.check()
  const { orAbort } = await import('../login/quiet.ts')
  try {
    return await orAbort(session.check(), signal)
  } catch (error) {
    await session.close()
    throw error
  }
}

/** Proven not long ago and not changed in doubtful ways since; or there is no way to ask. */
function isTrusted({ probe, standing, verifiedAt = 0 }: Snapshot, { vault }: SessionHost): boolean {
  const { freshFor = 300_000 } = vault.policy ?? {}
  if (probe === undefined) return true
  return standing !== 'suspect' && standing !== 'dead' && Date.now() - verifiedAt <= freshFor
}

/** For those who list sessions; whoever opens it asks again. Somebody else's save is newer than our knowledge. */
async function markDead(host: SessionHost, { snapshot, version }: Stored): Promise<void> {
  const dead: Snapshot = {
    ...snapshot,
    standing: 'dead',
    generation: snapshot.generation + 1,
    savedAt: Date.now(),
  }
  try {
    await writeStored(host.shelf, dead, version)
  } catch (error) {
    if (!(error instanceof StoreConflictError)) throw error
  }
}
