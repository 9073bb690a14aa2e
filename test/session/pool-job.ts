/** What a process that uses a pool is told, in the environment variable `POOL_JOB`. */
export interface PoolJob {
  /** Said to the desk. */
  readonly who: string
  readonly key: string
  readonly shop: string
  readonly inUrl: string
  readonly outUrl: string
  readonly accounts: readonly string[]
  readonly ttl: number
  /** Of a file store; or the URL of a Redis. */
  readonly directory?: string
  readonly redis?: string
  readonly prefix?: string
  /** Stand at the desk until told to go; or use it once and close nothing. Default: `uses` by so many `workers`. */
  readonly does?: 'hold' | 'leave'
  readonly uses?: number
  readonly workers?: number
}

/** What it says. */
export interface PoolMessage {
  /** Waits for any message, then begins. */
  readonly ready?: boolean
  readonly done?: boolean
  /** Name of the session that it stands at the desk with. */
  readonly holds?: string
  /** It goes: because it was told that the account is no longer its own. */
  readonly over?: boolean
  readonly released?: boolean
  /** Code of the error that its use ended with. */
  readonly failed?: string
}
