import type { Shelf } from '../stored.ts'
import type { EndingsHost } from './endings.ts'
import { ownAddresses, type Addresses, type Offer } from './addresses.ts'
import { openCheckpoint } from './checkpoint.ts'
import { isLetters, type MapOptions, type MapSource, type OnceOptions } from './map-options.ts'

export interface MapHost extends EndingsHost {
  /** Whether following a link to it would end the session. */
  signsOut(url: string): boolean
  /** Where jobs are kept that several processes work on. */
  readonly shelf: Shelf
}

interface Run {
  readonly concurrency: number
  readonly ended: AbortSignal
  readonly offer: Offer
  count(kind: 'skipped' | 'elsewhere'): void
}

/** Loads what the options ask for, and no more. */
export async function openAddresses(
  host: MapHost,
  source: MapSource,
  { checkpoint, once }: MapOptions,
  run: Run,
): Promise<Addresses> {
  if (isLetters(source)) {
    const { letterAddresses } = await import('../letters/letter-addresses.ts')
    return letterAddresses(source, { session: host.name, keys: host.shelf.keys })
  }

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
    import('./job-names.ts'),
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

/** Where addresses go that failed; `undefined`: nowhere but to the result. */
export async function openGraves(
  { name, shelf }: MapHost,
  { deadLetters, once }: MapOptions,
): Promise<((url: string, error: unknown) => Promise<void>) | undefined> {
  if (deadLetters === undefined) return undefined
  const { failureFacts, sealLetter } = await import('../letters/dead-letter.ts')
  const job = typeof once === 'string' ? once : once?.job
  return (url, error) => {
    const facts = {
      url,
      session: name,
      at: Date.now(),
      ...failureFacts(error),
      ...(job !== undefined && { job }),
    }
    return deadLetters.add([sealLetter(facts, shelf.keys)])
  }
}
