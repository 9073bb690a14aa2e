/** Until the time is over, or the run is called off. */
export function pause(ms: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      clearTimeout(timer)
      ended.removeEventListener('abort', stop)
      resolve()
    }
    const timer = setTimeout(stop, ms)
    ended.addEventListener('abort', stop)
    if (ended.aborted) stop()
  })
}

/** What the work gives, unless it is not there at a time of the monotonic clock. */
export async function inTime<T>(work: Promise<T>, until: number): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, Math.max(until - performance.now(), 0), 'late')
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What the work gives, unless the run is called off before. */
export async function orEnded<T>(work: Promise<T>, ended: AbortSignal): Promise<T | 'ended'> {
  let stop = (): void => undefined
  const end = new Promise<'ended'>((resolve) => {
    stop = () => {
      resolve('ended')
    }
    ended.addEventListener('abort', stop)
    if (ended.aborted) stop()
  })
  try {
    return await Promise.race([work, end])
  } finally {
    ended.removeEventListener('abort', stop)
  }
}
