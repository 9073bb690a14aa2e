import type { HeaderRule, Identity, Probe } from '../state/identity.ts'
import type { Report } from '../state/report.ts'
import type { SignOutAddress } from '../state/sign-outs.ts'
import type { SessionState } from '../state/state.ts'

/**
 * What is known of a session as it was saved. `candidate`: nothing has proven it yet, and nothing can. `verified`: the
 * server has taken it. `suspect`: it has changed since in a way that a logout could have done, and the server could not
 * be asked in time; `lastVerified` is what it was before. `dead`: the server no longer took it when last asked.
 */
export type Standing = 'candidate' | 'verified' | 'suspect' | 'dead'

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
  /** Absent in snapshots of earlier versions, which then count as `verified` or `candidate` by `verifiedAt`. */
  readonly standing?: Standing
  /** The state that was last proven, while `state` is `suspect`. */
  readonly lastVerified?: SessionState
  /** Addresses that pages have linked to as signing out: what follows all links must not follow these. */
  readonly signOuts?: readonly SignOutAddress[]
  /** One login, one id: two logins of the same epoch (made while the store was away) are not to be merged. */
  readonly loginId?: string
  /**
   * By which way out the site saw the login: `direct`, or a digest of the proxy's scheme, user name, host and port. Absent
   * where nobody knows: imports, and snapshots of earlier versions.
   */
  readonly egress?: string
}
