import type { Cell } from '../state/cell.ts'
import type { HeaderRule, Identity } from '../state/identity.ts'
import type { Admission, Around } from './around.ts'
import type { DeadSigns } from './trouble/dead-signs.ts'
import type { BlockedFacts } from './trouble/traffic-errors.ts'
import type { Traffic } from './trouble/traffic.ts'

/** What an HTTP client needs to know of a session. The session gives itself; tests and tools give a small object. */
export interface Carrier {
  /** Of the form `recipe/account`, for messages. */
  readonly name: string
  readonly cell: Cell
  readonly identity: Identity | undefined
  readonly headerRules: readonly HeaderRule[]
  /** By what, besides a 401, an answer gives a dead session away. */
  readonly deadSigns?: DeadSigns
  /** Origins whose requests only a page can sign: nothing is sent there but by the browser. */
  readonly browserOnly?: ReadonlySet<string> | undefined
  /** What all clients of the session know of the origins they ask. Absent: nothing is retried, held or counted. */
  readonly traffic?: Traffic
  /** Stands around every exchange of the session's clients: a cache. */
  readonly around?: Around | undefined
  /** Whether the site lets robots ask for it. */
  readonly robots?: Admission | undefined
  /** Told when an answer has changed how the browser presents itself: its site asks for client hints. */
  identityChanged?(identity: Identity): void
  /** Told of every request that is sent. */
  sent?(): void
  /**
   * Asked when an answer looks like one to a dead session; it confirms that by the probe before it renews anything.
   * Rejects with what the renewal failed for.
   */
  revive?(facts: DeadAnswer): Promise<Revival>
  /** While a dead session is renewed: settles, and never rejects, when that is over. What is sent then would be lost. */
  pausing?(): Promise<void> | undefined
  /** Told of the first no in a row that a firewall, a challenge or a rate limit of an origin has said. */
  blocked?(facts: BlockedFacts): void
}

/** An answer that looks like one to a dead session. */
export interface DeadAnswer {
  /** Of the moment of sending, so that an answer from before a renewal does not start another one. */
  readonly epoch: number
  readonly status: number
  readonly url: URL
  /** What gave it away, in a few words. */
  readonly sign: string
  /** False: only say how the session stands; this request has had its renewal. */
  readonly renew: boolean
}

/**
 * `renewed`: the session is of a newer epoch than the answer, ask again. `dead`: it is, and nothing can renew it.
 * `alive`, `unclear`: the answer means what it says.
 */
export type Revival = 'renewed' | 'alive' | 'dead' | 'unclear'
