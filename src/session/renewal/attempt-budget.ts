import { createHmac, randomUUID, type KeyObject } from 'node:crypto'
import { LoginFailedError } from '../../errors.ts'
import { HeldOffError } from '../account-errors.ts'
import { findSecret, type SecretPlace } from '../../login/secrets.ts'
import { changeLedger, readLedger, withEvent, type LedgerPage, type LoginAttempt } from '../ledger.ts'
import type { Shelf } from '../stored.ts'

/**
 * How often a login may fail before everybody holds off. Sites lock accounts after some five to ten wrong attempts, and
 * count those of all machines: so do we, in the store.
 */
export interface AttemptLimit {
  /** Failed logins within the time; default 3. */
  readonly limit: number
  /** Milliseconds; default 900,000. */
  readonly within: number
}

export const defaultAttemptLimit: AttemptLimit = { limit: 3, within: 900_000 }
/** After the first failure, ms; four times as long after each further one. */
const firstHoldOff = 1_000

export interface Attempt {
  /** Gives secrets to the login, and counts it from the first one on: what handed out nothing tried nothing. */
  readonly secrets: (name: string) => Promise<string>
  /** True when a secret was handed out. */
  readonly counted: boolean
  ended(outcome: LoginAttempt['outcome']): Promise<void>
}

/**
 * Asks whether a login may be tried now, over all processes and machines that share the store, restarts included.
 * Throws `LoginFailedError` (`rejected`) when the site has said no to the very secrets that would be typed again, and
 * `HeldOffError` after too many failures, or too soon after the last one.
 */
export async function beginAttempt(
  shelf: Shelf,
  session: string,
  place: SecretPlace,
  limit: AttemptLimit = defaultAttemptLimit,
): Promise<Attempt> {
  const page = await readLedger(shelf, session)
  await refuseRejected(shelf, session, place, page)
  refuseHeldOff(session, page, limit)
  return new CountedAttempt(shelf, session, place)
}

class CountedAttempt implements Attempt {
  readonly #shelf: Shelf
  readonly #session: string
  readonly #place: SecretPlace
  readonly #id = randomUUID()
  readonly #given = new Map<string, string>()
  #counting: Promise<unknown> | undefined

  constructor(shelf: Shelf, session: string, place: SecretPlace) {
    this.#shelf = shelf
    this.#session = session
    this.#place = place
  }

  get counted(): boolean {
    return this.#counting !== undefined
  }

  readonly secrets = async (name: string): Promise<string> => {
    const value = await findSecret(name, this.#place)
    this.#given.set(name, value)
    // Before it is typed: a process that dies on the way has tried, too.
    await (this.#counting ??= this.#write('failed'))
    return value
  }

  async ended(outcome: LoginAttempt['outcome']): Promise<void> {
    if (this.#counting !== undefined) await this.#write(outcome)
  }

  async #write(outcome: LoginAttempt['outcome']): Promise<void> {
    const at = Date.now()
    const names = [...this.#given.keys()].sort()
    const [keyId, key] = this.#shelf.keys.sealing
    const digest = digestOf(key, names, this.#given)
    await changeLedger(this.#shelf, this.#session, ({ rejected, ...page }) => ({
      ...page,
      attempts: [...page.attempts.filter(({ id }) => id !== this.#id), { id: this.#id, at, outcome }],
      ...(outcome === 'rejected' && { rejected: { at, names, digest, keyId } }),
      ...(outcome === 'failed' && rejected !== undefined && { rejected }),
    }))
  }
}

/**
 * Lifts what failed logins have brought about: for a person who knows better. Where there is nothing to lift nothing is
 * written: not for a name that nobody has, and not into an empty store, whose key may not be made yet.
 */
export async function forgiveAttempts(shelf: Shelf, session: string): Promise<void> {
  await changeLedger(shelf, session, (before) => {
    const { rejected, quarantine, ...page } = before
    if (rejected === undefined && quarantine === undefined && page.attempts.length === 0) return before
    return withEvent({ ...page, attempts: [] }, { kind: 'released', why: 'by hand' })
  })
}

async function refuseRejected(
  shelf: Shelf,
  session: string,
  place: SecretPlace,
  { rejected }: LedgerPage,
): Promise<void> {
  if (rejected === undefined) return
  const now = new Map<string, string>()
  for (const name of rejected.names) now.set(name, await findSecret(name, place))
  const [sealing] = shelf.keys.sealing
  const key = shelf.keys.byId(rejected.keyId ?? sealing)
  // A key that is gone leaves nothing to compare: they are tried once more.
  if (key === undefined || digestOf(key, rejected.names, now) !== rejected.digest) return
  const when = new Date(rejected.at).toISOString()
  throw new LoginFailedError({
    failure: 'rejected',
    session,
    detail: `the site said no at ${when}, and the secrets are still the same: they are not tried again. Correct them, or run "sessionbridge unlock ${session}"`,
  })
}

function refuseHeldOff(session: string, page: LedgerPage, limit: AttemptLimit): void {
  const held = heldOff(page, limit)
  if (held !== undefined) throw new HeldOffError(session, held.until, held.failures)
}

/** Until when nobody tries, Unix ms. Secrets that were corrected after a rejection need not wait; they count all the same. */
export function heldOff(
  { attempts }: LedgerPage,
  { limit, within }: AttemptLimit = defaultAttemptLimit,
): { readonly until: number; readonly failures: number } | undefined {
  const now = Date.now()
  const lastGood = attempts.map(({ outcome }) => outcome).lastIndexOf('signed-in')
  const failures = attempts
    .slice(lastGood + 1)
    .filter(({ outcome }) => outcome !== 'called-off')
    .map(({ at, outcome }) => ({ at: Math.min(at, now), outcome })) // a clock that is ahead must not hold us off longer
    .filter(({ at }) => now - at < within)
  const last = failures.at(-1)
  if (last === undefined) return undefined
  const first = failures.at(-limit)
  const wait = last.outcome === 'rejected' ? 0 : Math.min(firstHoldOff * 4 ** (failures.length - 1), within)
  const until = first === undefined ? last.at + wait : first.at + within
  return until > now ? { until, failures: failures.length } : undefined
}

/** Tells whether secrets have changed, and nothing about them: keyed with the sealing key, kept sealed. */
function digestOf(key: KeyObject, names: readonly string[], values: ReadonlyMap<string, string>): string {
  const mac = createHmac('sha256', key)
  for (const name of names) mac.update(JSON.stringify([name, values.get(name) ?? '']))
  return mac.digest('base64url').slice(0, 22)
}
