/** What a process of a fleet is told, in the environment variable `FLEET_JOB`. */
export interface FleetJob {
  readonly shop: string
  readonly key: string
  /** Address of the browser server that all share. */
  readonly browser: string
  readonly secrets: { readonly email: string; readonly password: string }
  /** Of a file store; or the URLs of a Redis. */
  readonly directory?: string
  readonly redis?: string | readonly string[]
  readonly prefix?: string
  readonly workers: number
  /** Stops at the beginning of each login until it is told to go on. */
  readonly stops?: boolean
  /** Opens the session so many times at once, and says when the first and the last had it. */
  readonly openings?: number
  readonly leaseFor?: number
  /** Of the soak: requests a second. */
  readonly perSecond?: number
}

/** What a process of a fleet says to whoever started it. */
export interface FleetMessage {
  readonly ready?: boolean
  readonly isNew?: boolean
  /** It stands at this place and waits to be told to go on. */
  readonly at?: string
  readonly round?: number
  readonly stopped?: boolean
  /** Codes. */
  readonly failed?: string
  /** Epochs that its session had, in order, and codes of errors that reached callers. */
  readonly epochs?: readonly number[]
  readonly errors?: readonly string[]
  /** Unix ms. */
  readonly first?: number
  readonly last?: number
  readonly figures?: SoakFigures
}

/** What a process is told after its start. */
export interface FleetOrder {
  /** Go on from the place of this name. */
  readonly goOn?: string
  readonly round?: number
  readonly figures?: true
  /** Ask for nothing more, and give the figures when nothing is under way. */
  readonly drain?: true
  readonly stop?: true
}

export interface SoakFigures {
  readonly heap: number
  readonly descriptors: number
  readonly timers: number
  readonly listeners: number
  readonly answered: number
  readonly underWay: number
  readonly epoch: number
  readonly errors: Readonly<Record<string, number>>
}
