import type { HeaderRule, Identity, Probe } from '../state/identity.ts'
import type { Report } from '../state/report.ts'
import type { SessionState } from '../state/state.ts'

/** A session as written down. Plain JSON; sealed before it reaches a store. */
export interface Snapshot {
  /** Of the form `recipe/account`. */
  readonly name: string
  readonly state: SessionState
  readonly identity?: Identity
  readonly headerRules: readonly HeaderRule[]
  readonly probe?: Probe
  /** What the gate kept away at the login, and why. Names and places only. */
  readonly dropped?: Report
  /** Grows by one with every login or renewal. */
  readonly epoch: number
  /** Grows by one with every save. */
  readonly generation: number
  /** Unix milliseconds. */
  readonly savedAt: number
  /** Unix milliseconds of the last proof that the server takes the session. */
  readonly verifiedAt?: number
}
