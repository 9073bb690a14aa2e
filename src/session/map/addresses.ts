import type { Checkpoint } from './checkpoint.ts'

export interface Address {
  readonly url: string
  /** From 0, in the order of the addresses. */
  readonly index: number
}

/** What the work threw. */
export interface Failure {
  readonly error: unknown
}

/** The next one that may be asked at all; `undefined` at their end. */
export type Offer = () => Promise<Address | undefined>

/** Hands out the addresses of a run, and remembers what became of them. */
export interface Addresses {
  /** `undefined`: there are no more for this run. */
  next(): Promise<Address | undefined>
  /** Resolves when whoever asked for it may ask for the next. */
  settled(address: Address, failure: Failure | undefined): Promise<void>
  /** Resolves when all that is settled is on record. */
  close(): Promise<void>
}

/** Those of one process, in their order, without what its checkpoint knows as done. */
export function ownAddresses(
  offer: Offer,
  checkpoint: Checkpoint | undefined,
  skipped: () => void,
): Addresses {
  return {
    async next() {
      for (;;) {
        const address = await offer()
        if (address === undefined || checkpoint?.has(address.url) !== true) return address
        skipped()
      }
    },
    async settled({ url }, failure) {
      if (failure === undefined) await checkpoint?.add(url)
    },
    close: async () => checkpoint?.close(),
  }
}
