import { randomBytes } from 'node:crypto'
import { ClosedError, StoreConflictError } from '../../errors.ts'
import type { Generation, Lease, StoredBytes, WriteOptions } from '../contract.ts'
import type { Place } from './client.ts'
import { canScript } from './client.ts'
import { Connection } from './connection.ts'
import { inTime } from './deadline.ts'
import { TroubleError, storeFailed, wordOf } from './failure.ts'
import { Keys } from './keys.ts'
import { acquireLease } from './lease.ts'
import { listNames } from './listing.ts'
import type { Script } from './scripts.ts'
import { CHANGED, FORGET, HISTORY, READ, REMOVE, textOf, WRITE } from './scripts.ts'
import { Watches } from './watches.ts'

/** Beyond 2^53 neither Lua nor Redis counts right. */
const LATEST = Number.MAX_SAFE_INTEGER / 2

export function openShelf(place: Place, prefix: string, timeout: number): Shelf {
  return new Shelf(new Connection(place, timeout), prefix, timeout)
}

/** Sends the scripts, each call within its time. */
export class Shelf {
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #timeout: number
  readonly #watches: Watches
  #closed = false

  constructor(connection: Connection, prefix: string, timeout: number) {
    this.#connection = connection
    this.#keys = new Keys(connection.keyPrefix, prefix)
    this.#timeout = timeout
    this.#watches = new Watches(connection, this.#keys, timeout)
  }

  read(name: string, version?: string): Promise<StoredBytes | undefined> {
    return this.#attempt(`read ${name}`, async (until) => {
      const which = version === undefined ? [] : [version]
      const found = await this.#run(READ, [this.#keys.of(name).session], which, until)
      if (!Array.isArray(found)) return undefined
      const [there, bytes] = found as [Buffer, Buffer]
      return { version: there.toString(), bytes: new Uint8Array(bytes) }
    })
  }

  history(name: string): Promise<readonly Generation[]> {
    return this.#attempt(`read the history of ${name}`, async (until) => {
      const index = textOf(await this.#run(HISTORY, [this.#keys.of(name).session], [], until))
      return (index ?? '')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [version = '', size, writtenAt] = line.split(' ')
          return { version, size: Number(size), writtenAt: Number(writtenAt) }
        })
    })
  }

  forget(name: string, versions: readonly string[]): Promise<void> {
    return this.#attempt(`forget generations of ${name}`, async (until) => {
      await this.#run(FORGET, [this.#keys.of(name).session], versions, until)
    })
  }

  write(name: string, bytes: Buffer, options: WriteOptions): Promise<string> {
    return this.#attempt(`write ${name}`, async (until) => {
      const { ifVersion, expiresAt, milestone = false, sealedName = '' } = options
      const { session, channel } = this.#keys.of(name)
      const version = randomBytes(16).toString('base64url')
      const args = [
        ifVersion === undefined ? '-' : `=${ifVersion}`,
        version,
        bytes,
        endOf(expiresAt),
        milestone ? '1' : '0',
        sealedName,
        channel,
      ]
      const [outcome, there] = (await this.#run(WRITE, [session], args, until)) as unknown[]
      if (textOf(outcome) !== 'written') throw new StoreConflictError(name, ifVersion, textOf(there))
      return version
    })
  }

  remove(name: string): Promise<void> {
    return this.#attempt(`remove ${name}`, async (until) => {
      const { session, channel } = this.#keys.of(name)
      let there = ''
      for (;;) {
        const left = textOf(await this.#run(REMOVE, [session], [there, channel], until))
        if (left === undefined) return
        there = left
      }
    })
  }

  list(): Promise<string[]> {
    return this.#attempt('list its sessions', async (until) => {
      const step = (): number => performance.now() + this.#timeout // Redis goes on answering: long is not silent
      return listNames(await this.#connection.client(until), this.#keys.pattern(), step)
    })
  }

  lease(name: string, ttl: number): Promise<Lease | undefined> {
    const keys = this.#keys.of(name)
    return acquireLease(ttl, [keys.lease, keys.fence], (what, script, keys, args, late) =>
      this.#attempt(`${what} ${name}`, (until) => this.#run(script, keys, args, until, late)),
    )
  }

  /** `since` on the monotonic clock: what was changed after it must be heard of. */
  watch(name: string, listener: () => void, since: number): () => void {
    const { session, channel } = this.#keys.of(name)
    const changedWithin = async (age: () => number): Promise<boolean> => {
      const until = performance.now() + this.#timeout
      const [at, now] = (await this.#run(CHANGED, [session], [], until)) as Buffer[]
      return Number(textOf(at)) >= Number(textOf(now)) - age()
    }
    return this.#watches.add(channel, { listener, since, changedWithin })
  }

  close(): void {
    this.#closed = true
    this.#watches.close()
    this.#connection.close()
  }

  async #attempt<T>(operation: string, work: (until: number) => Promise<T>): Promise<T> {
    try {
      await this.#connection.made()
      return await work(performance.now() + this.#timeout)
    } catch (error) {
      if (this.#closed) throw new ClosedError('The store')
      if (error instanceof StoreConflictError) throw error
      throw storeFailed(operation, error)
    }
  }

  /** `late` gets the answer that comes after the call was given up. */
  async #run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
    until: number,
    late?: (answer: unknown) => void,
  ): Promise<unknown> {
    const client = await this.#connection.client(until)
    if (!canScript(client)) throw new TroubleError('not-ioredis')
    const answer = client.evalshaBuffer(script.sha, keys.length, ...keys, ...args).catch((error: unknown) => {
      if (wordOf(error) !== 'NOSCRIPT') throw error
      return client.evalBuffer(script.text, keys.length, ...keys, ...args)
    })
    try {
      return await inTime(answer, until)
    } catch (error) {
      if (late !== undefined) answer.then(late, () => undefined)
      throw error
    }
  }
}

/** Whole Unix milliseconds, or '' for never. */
function endOf(expiresAt: number | undefined): string {
  if (expiresAt === undefined || Number.isNaN(expiresAt) || expiresAt > LATEST) return ''
  return String(Math.max(0, Math.ceil(expiresAt)))
}
