import type { Page } from 'playwright'
import type { RequestWatch } from './learn/watch-requests.ts'

export interface QuietOptions {
  /** No document or script request has begun or ended for this long, ms. */
  readonly quiet: number
  /** Pages that are never quiet are let go after this long, ms. */
  readonly within: number
  readonly signal: AbortSignal
}

/** Resolves true when the pages have been quiet, false when they were still busy after `within`. Rejects on abort. */
export function untilQuiet(watch: RequestWatch, options: QuietOptions): Promise<boolean> {
  const end = Date.now() + options.within
  const left = (): number =>
    watch.inFlight > 0 ? options.quiet : watch.lastActivity + options.quiet - Date.now()
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    const finish = (act: () => void): void => {
      clearTimeout(timer)
      options.signal.removeEventListener('abort', aborted)
      act()
    }
    const aborted = (): void => {
      finish(() => {
        reject(reasonOf(options.signal))
      })
    }
    const look = (): void => {
      const remaining = end - Date.now()
      const wait = left()
      if (wait <= 0 || remaining <= 0) {
        finish(() => {
          resolve(wait <= 0)
        })
      } else timer = setTimeout(look, Math.min(wait, remaining))
    }
    if (options.signal.aborted) {
      reject(reasonOf(options.signal))
      return
    }
    options.signal.addEventListener('abort', aborted, { once: true })
    look()
  })
}

const settles = { quiet: 200, within: 3_000, load: 3_000, idle: 1_000 }

/**
 * Resolves when the page is loaded, its scripts have nothing to do and nothing is under way, at the latest after a few
 * seconds. A dashboard that was just reached goes on asking for things: those are what there is to learn from.
 */
export async function untilSettled(watch: RequestWatch, page: Page, signal: AbortSignal): Promise<void> {
  await orAbort(
    page.waitForLoadState('load', { timeout: settles.load }).catch(() => undefined),
    signal,
  )
  const end = Date.now() + settles.within
  for (;;) {
    await untilQuiet(watch, { quiet: settles.quiet, within: settles.within, signal })
    const seen = watch.lastActivity
    await orAbort(untilScriptsIdle(page, settles.idle), signal)
    if (watch.lastActivity === seen || Date.now() > end) return
  }
}

/** The page's main thread has come to the end of its tasks; a page that does not answer is not waited for. */
export async function untilScriptsIdle(page: Page, within: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, within)
  })
  const idle = page
    .evaluate(
      (timeout) =>
        new Promise<void>((resolve) =>
          requestIdleCallback(
            () => {
              resolve()
            },
            { timeout },
          ),
        ),
      within,
    )
    .catch(() => undefined)
  await Promise.race([idle, silence])
  clearTimeout(timer)
}

/** Resolves at the next activity, or after `within` ms. Rejects on abort. */
export function untilActivity(watch: RequestWatch, within: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer)
      stop()
      signal.removeEventListener('abort', aborted)
    }
    const aborted = (): void => {
      done()
      reject(reasonOf(signal))
    }
    const finish = (): void => {
      done()
      resolve()
    }
    const timer = setTimeout(finish, within)
    const stop = watch.onActivity(finish)
    signal.addEventListener('abort', aborted, { once: true })
    if (signal.aborted) aborted()
  })
}

/** Rejects with the signal's reason when it aborts, and gives the outcome of `work` otherwise. */
export async function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let aborted: (() => void) | undefined
  const end = new Promise<never>((_, reject) => {
    aborted = () => {
      reject(reasonOf(signal))
    }
    if (signal.aborted) aborted()
    else signal.addEventListener('abort', aborted, { once: true })
  })
  try {
    return await Promise.race([work, end])
  } finally {
    if (aborted !== undefined) signal.removeEventListener('abort', aborted)
  }
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason
  return reason instanceof Error ? reason : new DOMException('The login was called off', 'AbortError')
}

/** Resolves after `ms`. Rejects on abort. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const time = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await orAbort(time, signal).finally(() => {
    clearTimeout(timer)
  })
}
