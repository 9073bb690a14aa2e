import { BlockedError } from '../../http/traffic-errors.ts'
import { ClosedError, plainUrl, SessionDeadError } from '../../errors.ts'
import type { Shelf } from '../stored.ts'
import { ownAddresses, type Address, type Addresses, type Offer } from './addresses.ts'
import { openCheckpoint } from './checkpoint.ts'
import { signsOut } from './sign-out-guard.ts'

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

export interface MapHost {
  readonly name: string
  /** Address that signs out, when the recipe names one. */
  readonly signOut: string | undefined
  /** Where jobs are kept that several processes work on. */
  readonly shelf: Shelf
}

/**
 * Works through addresses, some at a time. One that fails is noted and the others go on; but a session that is dead, closed
 * or kept out, and a store that does not keep what is done, end the whole, since going on would make it worse.
 */
export async function mapUrls(
  host: MapHost,
  urls: Iterable<string | URL> | AsyncIterable<string | URL>,
  work: MapWork,
  options: MapOptions = {},
): Promise<MapResult> {
  const { concurrency = 8, progress, signal } = options
  checkOptions(options, concurrency)
  const counts = { done: 0, failed: 0, skipped: 0, elsewhere: 0 }
  const failures: { url: string; error: unknown }[] = []
  const guarded: string[] = []
  const stop = new AbortController()
  const ended = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  const source = iterate(urls)
  let taken = 0
  let total: number | undefined

  function count(kind: keyof typeof counts): void {
    counts[kind] += 1
    progress?.({ ...counts, total })
  }

  const offer: Offer = async () => {
    while (!ended.aborted && total === undefined) {
      const index = taken++
      const next = await source.next()
      if (next.done === true) {
        total ??= index
        return undefined
      }
      const url = String(next.value)
      if (!signsOut(url, host.signOut)) return { url, index }
      guarded.push(plainUrl(url))
      count('skipped')
    }
    return undefined
  }

  async function worker(addresses: Addresses): Promise<void> {
    for (;;) {
      const address = await addresses.next()
      if (address === undefined || ended.aborted) return
      const outcome = await one(address)
      await addresses.settled(address, outcome)
      count(outcome)
    }
  }

  async function one({ url, index }: Address): Promise<'done' | 'failed'> {
    try {
      await work(url, { index, signal: ended })
      return 'done'
    } catch (error) {
      if (ended.aborted || endsAll(error)) throw error
      failures.push({ url: plainUrl(url), error })
      return 'failed'
    }
  }

  try {
    const addresses = await openAddresses(host, options, { concurrency, ended, offer, count })
    try {
      await allOrNone(
        Array.from({ length: concurrency }, () => worker(addresses)),
        stop,
      )
      signal?.throwIfAborted()
    } catch (error) {
      await addresses.close().catch(() => undefined) // why it ended says more than what could not be written down
      throw error
    }
    await addresses.close()
    const { done, failed, skipped, elsewhere } = counts
    return { ...counts, total: done + failed + skipped + elsewhere, failures, guarded }
  } finally {
    await source.return?.()
  }
}

function checkOptions({ checkpoint, once }: MapOptions, concurrency: number): void {
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new TypeError('session.map: concurrency must be a whole number above zero')
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

interface Run {
  readonly concurrency: number
  readonly ended: AbortSignal
  readonly offer: Offer
  count(kind: 'skipped' | 'elsewhere'): void
}

async function openAddresses(host: MapHost, { checkpoint, once }: MapOptions, run: Run): Promise<Addresses> {
  if (once === undefined) {
    const done = checkpoint === undefined ? undefined : await openCheckpoint(host.name, checkpoint)
    return ownAddresses(run.offer, done, () => {
      run.count('skipped')
    })
  }
  const {
    job,
    of = 'session',
    failed = 'leave',
    leaseFor = 15_000,
  }: OnceOptions = typeof once === 'string' ? { job: once } : once
  const [{ TakenOnce }, { jobName }] = await Promise.all([
    import('./taken-once.ts'),
    import('./claim-log.ts'),
  ])
  const { concurrency, ended, offer } = run
  return TakenOnce.open(
    {
      ...{ shelf: host.shelf, concurrency, leaseFor, ended },
      prefix: jobName(of === 'session' ? host.name : host.name.slice(0, host.name.indexOf('/')), job),
      failedAgain: failed === 'again',
      elsewhere: () => {
        run.count('elsewhere')
      },
    },
    offer,
  )
}

/** The first failure calls the others off, and is thrown when they have ended. */
async function allOrNone(workers: readonly Promise<void>[], stop: AbortController): Promise<void> {
  let first: { readonly error: unknown } | undefined
  const ending = workers.map((worker) =>
    worker.catch((error: unknown) => {
      first ??= { error }
      stop.abort(error)
    }),
  )
  await Promise.all(ending)
  if (first !== undefined) throw first.error
}

const endings = [BlockedError, SessionDeadError, ClosedError]

function endsAll(error: unknown): boolean {
  const cause = error instanceof TypeError && error.cause !== undefined ? error.cause : error
  return endings.some((Class) => cause instanceof Class)
}

function iterate<T>(items: Iterable<T> | AsyncIterable<T>): AsyncIterator<T> {
  if (Symbol.asyncIterator in items) return items[Symbol.asyncIterator]()
  const iterator = items[Symbol.iterator]()
  return { next: () => Promise.resolve(iterator.next()) }
}
