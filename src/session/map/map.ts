import { plainUrl } from '../../errors.ts'
import { RobotsError } from '../../http/robots/robots-error.ts'
import type { Address, Addresses, Failure, Offer } from './addresses.ts'
import { causeOf, Endings } from './endings.ts'
import {
  checkOptions,
  isLetters,
  type MapOptions,
  type MapResult,
  type MapSource,
  type MapWork,
} from './map-options.ts'
import { openAddresses, openGraves, type MapHost } from './open-addresses.ts'
import { orEnded } from './waiting.ts'

/**
 * Works through addresses, some at a time. One that fails is noted and the others go on; but a session that is dead, closed
 * or kept out, and a store that does not keep what is done, end the whole, since going on would make it worse.
 */
export async function mapUrls(
  host: MapHost,
  urls: MapSource,
  work: MapWork,
  options: MapOptions = {},
): Promise<MapResult> {
  const { concurrency = 8, progress, signal } = options
  checkOptions(options, concurrency, urls)
  const counts = { done: 0, failed: 0, skipped: 0, elsewhere: 0 }
  const failures: { url: string; error: unknown }[] = []
  const guarded: string[] = []
  const disallowed: string[] = []
  const stop = new AbortController()
  const ended = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  const source = iterate(isLetters(urls) ? [] : urls)
  const endings = new Endings(host)
  const bury = await openGraves(host, options)
  let taken = 0
  let coming = 0
  let total: number | undefined

  function count(kind: keyof typeof counts): void {
    counts[kind] += 1
    progress?.({ ...counts, total })
  }

  const offer: Offer = async () => {
    while (!ended.aborted && total === undefined) {
      const index = taken++
      coming += 1
      const next = await orEnded(
        Promise.resolve(source.next()).finally(() => (coming -= 1)),
        ended,
      )
      if (next === 'ended') return undefined
      if (next.done === true) {
        total ??= index
        return undefined
      }
      const url = String(next.value)
      if (!host.signsOut(url)) return { url, index }
      guarded.push(plainUrl(url))
      count('skipped')
    }
    return undefined
  }

  async function worker(addresses: Addresses): Promise<void> {
    for (;;) {
      const address = await addresses.next()
      if (address === undefined || ended.aborted) return
      const failure = await one(address)
      await addresses.settled(address, failure)
      count(failure === undefined ? 'done' : isDisallowed(failure.error) ? 'skipped' : 'failed')
    }
  }

  async function one({ url, index }: Address): Promise<Failure | undefined> {
    try {
      await work(url, { index, signal: ended })
      return undefined
    } catch (error) {
      if (ended.aborted) throw error
      const ending = await endings.of(error)
      if (ending !== undefined) throw ending
      if (isDisallowed(error)) {
        disallowed.push(plainUrl(url))
        return { error }
      }
      failures.push({ url: plainUrl(url), error })
      await bury?.(url, error) // before it is marked as failed: a crash in between must not lose it
      return { error }
    }
  }

  try {
    const addresses = await openAddresses(host, urls, options, { concurrency, ended, offer, count })
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
    return { ...counts, total: done + failed + skipped + elsewhere, failures, disallowed, guarded }
  } finally {
    const left = source.return?.()
    // A generator that waits for its next address lets go of nothing before that has come, if it ever does.
    if (coming === 0) await left
    else left?.catch(() => undefined)
  }
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

function isDisallowed(error: unknown): boolean {
  const cause = causeOf(error)
  return cause instanceof RobotsError && cause.reason === 'disallowed'
}

function iterate<T>(items: Iterable<T> | AsyncIterable<T>): AsyncIterator<T> {
  if (Symbol.asyncIterator in items) return items[Symbol.asyncIterator]()
  const iterator = items[Symbol.iterator]()
  return {
    next: () => Promise.resolve(iterator.next()),
    return: () => Promise.resolve(iterator.return?.() ?? { done: true, value: undefined }),
  }
}
