import type { Letters } from '../../store/letters/contract.ts'

/** Addresses as they come; or dead letters of this session, which leave their shelf when their work is done. */
export type MapSource = Iterable<string | URL> | AsyncIterable<string | URL> | Letters

export interface MapOptions {
  /** How many at a time; default 8. */
  readonly concurrency?: number
  /**
   * A file that remembers what is done (digests, no addresses). When the program has ended early, the same call goes on where
   * it stopped. What was under way at a crash is done again.
   */
  readonly checkpoint?: string
  /**
   * Name of a job that any number of processes with the same store work on: each address is taken once by all of them, now
   * and after a restart. See `OnceOptions`.
   */
  readonly once?: string | OnceOptions
  /** Keeps the addresses that failed, to be asked for again; see `jsonlLetters` and `redisLetters`. Stays yours to close. */
  readonly deadLetters?: Letters
  /** Told after each one. */
  readonly progress?: (progress: MapProgress) => void
  readonly signal?: AbortSignal
}

/** How several processes share the addresses of a job; what is written down for it are digests, sealed. */
export interface OnceOptions {
  readonly job: string
  /** Whose job it is: of this session (default), so that each account sees all addresses; or of all accounts of the recipe. */
  readonly of?: 'session' | 'recipe'
  /** What failed before this call: `leave` it (default), or take it `again`. */
  readonly failed?: 'leave' | 'again'
  /** A process that is not heard of for so long has lost what it was working on to the others, ms; default 15,000. */
  readonly leaseFor?: number
}

export interface MapProgress {
  readonly done: number
  readonly failed: number
  /** Done by an earlier run, or not visited because it would sign out. */
  readonly skipped: number
  /** Taken by another process of the job, now or earlier; 0 without `once`. */
  readonly elsewhere: number
  /** `undefined` while the addresses are still coming in. */
  readonly total: number | undefined
}

export interface MapResult extends MapProgress {
  readonly total: number
  /** In no order; a run with the same checkpoint tries them again. Addresses without query. */
  readonly failures: readonly { readonly url: string; readonly error: unknown }[]
  /** Addresses whose work has asked for what robots.txt does not allow (`http.robots`); without query. Not failures. */
  readonly disallowed: readonly string[]
  /** Addresses that would have signed the session out; without query. */
  readonly guarded: readonly string[]
}

/** What one address is worked on with. */
export interface MapTools {
  /** From 0, in the order of the addresses. */
  readonly index: number
  /** Aborts when the whole is called off. */
  readonly signal: AbortSignal
}

export type MapWork = (url: string, tools: MapTools) => Promise<unknown>

/** Throws `TypeError` for misuse. */
export function checkOptions(
  { checkpoint, once, deadLetters }: MapOptions,
  concurrency: number,
  source: MapSource,
): void {
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new TypeError('session.map: concurrency must be a whole number above zero')
  if (isLetters(source) && (once ?? checkpoint ?? deadLetters) !== undefined)
    throw new TypeError(
      'session.map: letters remember what is done by themselves: no "once", "checkpoint" or "deadLetters".',
    )
  if (once === undefined) return
  if (checkpoint !== undefined)
    throw new TypeError(
      'session.map: a job remembers what is done by itself. Pass "once" or "checkpoint", not both.',
    )
  const { job, leaseFor = 15_000 } = typeof once === 'string' ? { job: once } : once
  if (typeof job !== 'string' || job === '') throw new TypeError('session.map: once needs the name of a job')
  if (!Number.isInteger(leaseFor) || leaseFor < 100)
    throw new TypeError('session.map: once.leaseFor is in whole milliseconds, at least 100')
}

/** Letters have what nothing else has that gives addresses. */
export function isLetters(source: MapSource): source is Letters {
  return typeof source === 'object' && 'settle' in source
}
