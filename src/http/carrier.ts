import type { Cell } from '../state/cell.ts'
import type { HeaderRule, Identity } from '../state/identity.ts'

/** What an HTTP client needs to know of a session. The session gives itself; tests and tools give a small object. */
export interface Carrier {
  /** Of the form `recipe/account`, for messages. */
  readonly name: string
  readonly cell: Cell
  readonly identity: Identity | undefined
  readonly headerRules: readonly HeaderRule[]
  /** Told of every request that is sent. */
  sent?(): void
  /**
   * Asked when an answer says that the session is dead. `epoch` is that of the moment of sending, so that an answer
   * from before a renewal does not start another one. True: the session was renewed, send again.
   */
  revive?(facts: DeadAnswer): Promise<boolean>
}

export interface DeadAnswer {
  readonly epoch: number
  readonly status: number
  readonly url: URL
}
