/** There was no answer in time; whether the command was done is not known. */
export class SilenceError extends Error {
  readonly code = 'silent'
}

/**
 * Waits for the work until a time on the monotonic clock, then throws `SilenceError`. The client's own time-outs do not
 * do: a client that was passed in may have none, and what waits for a connection does not count as sent.
 *
 * The timer holds the process while it waits, because our sockets do not. And when it fires, answers that had come by
 * then are let in first: a process that was busy or frozen for two seconds must not blame Redis.
 */
export async function inTime<T>(work: Promise<T>, until: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        setImmediate(() => {
          setImmediate(reject, new SilenceError())
        })
      },
      Math.max(0, until - performance.now()),
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
