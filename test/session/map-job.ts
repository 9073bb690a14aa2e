/** What a process that works on a job is told, in the environment variable `MAP_JOB`. */
export interface MapJob {
  readonly who: string
  readonly key: string
  readonly shop: string
  /** Asked with `n` and `who` for each address. */
  readonly pageUrl: string
  readonly count: number
  readonly concurrency: number
  readonly leaseFor: number
  /** Of a file store; or the URL of a Redis. */
  readonly directory?: string
  readonly redis?: string
  readonly prefix?: string
}

/** What it says. */
export interface MapMessage {
  /** Has opened its session, waits for any message, then begins. */
  readonly ready?: boolean
  readonly result?: { readonly done: number; readonly failed: number; readonly elsewhere: number }
}
