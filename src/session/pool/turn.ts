import { orAbort } from '../../login/quiet.ts'
import type { Store } from '../../store/contract.ts'
import { BeatingLease } from './beating-lease.ts'

const ttl = 5_000
/** Between two looks, ms: for who is next, and for those behind, longer each time. */
const lookAgain = { next: 15, first: 20, longest: 100 }

/**
 * The right to look for an account, for one at a time over all processes. A process that gives the right back and wants it
 * again at once would always be faster than those who look now and then. So there is a second place: who wants the right
 * has to be next first, and who is next waits until the right is given back, while nobody else can ask for it.
 *
 * It is about fairness alone: when it is lost, nothing is wrong but the order.
 */
export async function takeTurn(store: Store, name: string, signal: AbortSignal): Promise<BeatingLease> {
  const next = await poll(() => BeatingLease.take(store, `${name}/next`, ttl), signal, lookAgain.longest)
  try {
    return await poll(() => BeatingLease.take(store, name, ttl), signal, lookAgain.next)
  } finally {
    await next.release()
  }
}

async function poll<T>(ask: () => Promise<T | undefined>, signal: AbortSignal, longest: number): Promise<T> {
  for (let wait = Math.min(lookAgain.first, longest); ; wait = Math.min(wait * 1.5, longest)) {
    signal.throwIfAborted()
    const answer = await ask()
    if (answer !== undefined) return answer
    await pause(wait, signal)
  }
}

async function pause(wait: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, wait)
  })
  await orAbort(over, signal).finally(() => {
    clearTimeout(timer)
  })
}
