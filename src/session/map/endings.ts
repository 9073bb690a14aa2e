import {
  BrowserMissingError,
  ClosedError,
  LoginFailedError,
  NeedsPersonError,
  ResponseStatusError,
  SecretMissingError,
  SecretOriginError,
  SessionDeadError,
  StoreFailedError,
} from '../../errors.ts'
import { BlockedError } from '../../http/trouble/traffic-errors.ts'
import { steadyNow } from '../../observe/clock.ts'
import { HeldOffError } from '../account-errors.ts'

export interface EndingsHost {
  readonly name: string
  /** Asks the server; false also when nobody knows. */
  isDead(): Promise<boolean>
}

const ends = [BlockedError, SessionDeadError, ClosedError]
/** Only a login throws these, and a session that is open signs in only when it has died. */
const ofLogins = [
  ...[LoginFailedError, NeedsPersonError, HeldOffError],
  ...[SecretMissingError, SecretOriginError, BrowserMissingError],
]
/** What is said to the dead, and to those who may not. */
const refusals = new Set([401, 403, 419, 440, 498])
/** The server is not asked again about addresses that it refuses to a living session, ms. */
const livesFor = 1_000

/**
 * Tells the failure of one address from the end of its session. To a dead session every address is refused: a run that went
 * on would spend all that are left as failed.
 */
export class Endings {
  readonly #host: EndingsHost
  #livesUntil = -Infinity

  constructor(host: EndingsHost) {
    this.#host = host
  }

  /** What the run ends with; `undefined`: the failure is that of its address. */
  async of(error: unknown): Promise<Error | undefined> {
    const cause = causeOf(error)
    if (!(cause instanceof Error) || !(error instanceof Error)) return undefined
    if (isOne(cause, ends)) return error
    if (isOne(cause, ofLogins)) return this.#isOurs(cause) ? error : undefined
    // A renewal needs the store; so may the work, for something else.
    const isUnrenewed = cause instanceof StoreFailedError
    const isRefused = cause instanceof ResponseStatusError && refusals.has(cause.statusCode)
    if (!(isUnrenewed || isRefused) || !(await this.#isDead())) return undefined
    if (isUnrenewed) return error
    return new SessionDeadError(this.#host.name, 'the server no longer takes it', { cause })
  }

  /** Work may use other sessions, too. */
  #isOurs(error: Error): boolean {
    return !('session' in error) || error.session === this.#host.name
  }

  async #isDead(): Promise<boolean> {
    if (steadyNow() < this.#livesUntil) return false
    if (await this.#host.isDead()) return true
    this.#livesUntil = steadyNow() + livesFor
    return false
  }
}

/** What `fetch` rejects with stands around ours. */
export function causeOf(error: unknown): unknown {
  return error instanceof TypeError && error.cause !== undefined ? error.cause : error
}

function isOne(error: Error, classes: readonly (abstract new (...args: never[]) => Error)[]): boolean {
  return classes.some((Class) => error instanceof Class)
}
