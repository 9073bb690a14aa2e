import { TimedOutError } from '../../errors.ts'

/**
 * Waits for `work` at most `ms` milliseconds. A page's answer cannot be called off: a work that is given up goes on
 * in its page, and whatever it says later is not heard.
 * @throws TimedOutError after the deadline; the signal's reason when it is aborted; what `work` throws.
 */
export async function within<T>(
  work: Promise<T>,
  ms: number,
  operation: string,
  signal?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted()
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new TimedOutError(operation, ms))
    }, ms)
    onAbort = () => {
      reject(signal?.reason as Error)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, end])
  } finally {
    clearTimeout(timer)
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
    work.catch(() => undefined)
  }
}
