import { randomBytes } from 'node:crypto'
import type { Lease } from '../contract.ts'
import type { Script } from './scripts.ts'
import { ACQUIRE, RELEASE, RENEW, textOf } from './scripts.ts'

type Keys = readonly [lease: string, fence: string]

type Run = (
  what: string,
  script: Script,
  keys: readonly string[],
  args: readonly string[],
  late?: (answer: unknown) => void,
) => Promise<unknown>

/**
 * A lease is a key that holds a random token and that Redis lets expire, so no two clocks are compared. The holder
 * counts its ttl on its monotonic clock from before it asked, Redis from when it answered: the holder gives up first.
 */
export async function acquireLease(ttl: number, keys: Keys, run: Run): Promise<Lease | undefined> {
  const token = randomBytes(16).toString('base64url')
  const started = performance.now()
  const release = (): Promise<unknown> => run('release the lease of', RELEASE, [keys[0]], [token])
  const giveBack = (): void => {
    release().catch(() => undefined) // else it ends by itself
  }
  const fence = textOf(await run('lease', ACQUIRE, keys, [token, String(ttl)], giveBack))
  if (fence === undefined) return undefined
  const lease = new RedisLease(Number(fence), ttl, started, {
    renew: async () => Number(await run('renew the lease of', RENEW, [keys[0]], [token, String(ttl)])) === 1,
    release,
  })
  if (lease.isOver()) {
    giveBack()
    return undefined
  }
  return lease
}

class RedisLease implements Lease {
  readonly fence: number
  readonly #ttl: number
  readonly #ask: { renew(): Promise<boolean>; release(): Promise<unknown> }
  /** On the monotonic clock, before Redis was asked. */
  #renewedAt: number
  #over = false

  constructor(
    fence: number,
    ttl: number,
    renewedAt: number,
    ask: { renew(): Promise<boolean>; release(): Promise<unknown> },
  ) {
    this.fence = fence
    this.#ttl = ttl
    this.#renewedAt = renewedAt
    this.#ask = ask
  }

  isOver(): boolean {
    this.#over ||= performance.now() - this.#renewedAt >= this.#ttl
    return this.#over
  }

  async renew(): Promise<boolean> {
    if (this.isOver()) return false
    const started = performance.now()
    if (await this.#ask.renew()) this.#renewedAt = Math.max(this.#renewedAt, started)
    else this.#over = true
    return !this.isOver()
  }

  async release(): Promise<void> {
    if (this.#over) return
    this.#over = true
    await this.#ask.release()
  }
}
