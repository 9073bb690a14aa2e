import { StoreConflictError, TimedOutError } from '../errors.ts'
import type { Harvest } from '../login/run-login.ts'
import type { Snapshot } from '../snapshot/envelope.ts'
import type { Lease, Store } from '../store/contract.ts'
import { readStored, writeStored, type Shelf, type Stored } from './stored.ts'

const leaseTtl = 15_000
const lookAgain = 250
/** A login that touches a hundred trackers is written down; one that touches ten thousand is not worth the bytes. */
const reportAtMost = 500

export interface LoginOnceOptions {
  readonly name: string
  /** The epoch that is known to be dead or unwanted; anything newer in the store makes a login unnecessary. */
  readonly deadEpoch: number
  /** Longest wait for somebody else's login, ms. */
  readonly patience: number
  readonly signal: AbortSignal | undefined
  login(): Promise<Harvest>
}

/**
 * One login for all who need it, over processes and machines that share the store: the one who gets the lease looks
 * once more whether somebody was faster and logs in; the others wait for the result. The lease saves logins;
 * correctness rests on the epoch and on compare-and-set.
 */
export async function loginOnce(shelf: Shelf, options: LoginOnceOptions): Promise<Stored> {
  const { name, deadEpoch, signal } = options
  const deadline = Date.now() + options.patience
  for (;;) {
    signal?.throwIfAborted()
    const lease = await shelf.store.lease(name, leaseTtl)
    if (lease !== undefined) {
      try {
        const newer = await readNewer(shelf, name, deadEpoch)
        return (
          newer ??
          (await withHeartbeat(lease, async () => writeLogin(shelf, name, deadEpoch, await options.login())))
        )
      } finally {
        await lease.release()
      }
    }
    const newer = await readNewer(shelf, name, deadEpoch)
    if (newer !== undefined) return newer
    if (Date.now() > deadline)
      throw new TimedOutError(`Waiting for the login of ${name} by somebody else`, options.patience)
    await changeOrTimeout(shelf.store, name, lookAgain, signal)
  }
}

async function readNewer(shelf: Shelf, name: string, deadEpoch: number): Promise<Stored | undefined> {
  const stored = await readStored(shelf, name)
  return stored !== undefined && stored.snapshot.epoch > deadEpoch ? stored : undefined
}

/** Writes a login over whatever an older epoch has left. */
async function writeLogin(shelf: Shelf, name: string, deadEpoch: number, harvest: Harvest): Promise<Stored> {
  for (let attempt = 0; ; attempt++) {
    const current = await readStored(shelf, name)
    const epoch = Math.max(deadEpoch, current?.snapshot.epoch ?? 0) + 1
    const snapshot = toSnapshot(name, harvest, epoch, (current?.snapshot.generation ?? 0) + 1)
    try {
      return await writeStored(shelf, snapshot, current?.version)
    } catch (error) {
      // Autosaves of the dead epoch may come in between, but not for ever.
      if (!(error instanceof StoreConflictError) || attempt >= 20) throw error
    }
  }
}

function toSnapshot(name: string, harvest: Harvest, epoch: number, generation: number): Snapshot {
  return {
    name,
    state: harvest.state,
    identity: harvest.identity,
    headerRules: harvest.headerRules,
    ...(harvest.probe !== undefined && { probe: harvest.probe }),
    dropped: harvest.report.slice(0, reportAtMost),
    verifiedAt: harvest.verifiedAt,
    epoch,
    generation,
    savedAt: Date.now(),
  }
}

async function withHeartbeat<T>(lease: Lease, work: () => Promise<T>): Promise<T> {
  const beat = setInterval(() => {
    lease.renew().catch(() => undefined) // a lost lease costs one login more; the epoch keeps the state right
  }, leaseTtl / 3)
  try {
    return await work()
  } finally {
    clearInterval(beat)
  }
}

function changeOrTimeout(
  store: Store,
  name: string,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer)
      stop()
      signal?.removeEventListener('abort', aborted)
    }
    const aborted = (): void => {
      done()
      reject(signal?.reason instanceof Error ? signal.reason : new DOMException('aborted', 'AbortError'))
    }
    const finish = (): void => {
      done()
      resolve()
    }
    const timer = setTimeout(finish, timeout)
    const stop = store.watch(name, finish)
    signal?.addEventListener('abort', aborted, { once: true })
  })
}
