import { StoreFailedError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'
import { BeatingLease } from '../pool/beating-lease.ts'
import type { ClaimLog } from './claim-log.ts'

const mostSlots = 1_000
/** Of a lease that is only taken to see whether it can be had, ms. */
const lookFor = 2_000

/**
 * The place that one call of `session.map` has in its job while it lives: a lease of the first free number. Number and fence
 * are its name in the log, which nobody else ever has. Leases stay behind in a store; numbers that are used again keep
 * them few.
 */
export class WorkerSlot {
  readonly owner: string
  readonly #number: string
  readonly #lease: BeatingLease

  private constructor(number: string, lease: BeatingLease) {
    this.#number = number
    this.#lease = lease
    this.owner = `${number}.${String(lease.fence)}`
  }

  static async take(store: Store, prefix: string, ttl: number): Promise<WorkerSlot> {
    for (let number = 0; number < mostSlots; number++) {
      const lease = await BeatingLease.take(store, slotName(prefix, String(number)), ttl)
      if (lease !== undefined) return new WorkerSlot(String(number), lease)
    }
    throw new StoreFailedError(
      'give this process a part in the job',
      `${String(mostSlots)} work on it already`,
    )
  }

  /** Asked before each address that is begun: a process that was frozen must not go on with what others have by now. */
  get isHeld(): boolean {
    return this.#lease.isHeld
  }

  release(): Promise<void> {
    return this.#lease.release()
  }

  /** True when the owner has ended, died, or was frozen for longer than its lease. */
  async isOver(
    owner: string,
    log: ClaimLog,
    { store, prefix }: { store: Store; prefix: string },
  ): Promise<boolean> {
    const [number = '', fence] = owner.split('.')
    if (owner === this.owner) return false
    if (number === this.#number || log.fence(number) > Number(fence)) return true
    return !(await isSlotTaken(store, prefix, number))
  }
}

/** Whether somebody works in this slot of the job. */
export async function isSlotTaken(store: Store, prefix: string, number: string): Promise<boolean> {
  const lease = await store.lease(slotName(prefix, number), lookFor)
  await lease?.release()
  return lease === undefined
}

function slotName(prefix: string, number: string): string {
  return `${prefix}/worker-${number}`
}
