import type { Page } from 'playwright'
import { LoginFailedError, plainUrl, SessionbridgeError, type LoginFailure } from '../errors.ts'
import { takeScreenshot } from './screenshot.ts'
import type { Scrubber } from './scrub.ts'

/** Ends a login from the inside. What the caller sees is made of it by `explain`. */
export class LoginEnded extends Error {
  readonly failure: LoginFailure
  constructor(failure: LoginFailure, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.failure = failure
  }
}

export interface Circumstances {
  readonly session: string
  readonly page: Page
  readonly scrubber: Scrubber
  readonly screenshots: string | undefined
  /** The caller's own signal. */
  readonly caller: AbortSignal | undefined
  /** Aborts when the time is over. */
  readonly clock: AbortSignal
  /** Milliseconds that the clock was set to. */
  readonly limit: number
  readonly functionEnded: boolean
  readonly verified: boolean
}

/** The error that the caller sees: typed, with a picture of the page, and without any secret that was handed out. */
export async function explain(error: unknown, facts: Circumstances): Promise<unknown> {
  const { session, page, scrubber } = facts
  if (facts.caller?.aborted === true) return facts.caller.reason
  if (error instanceof SessionbridgeError) return scrubber.error(error)
  const url = page.isClosed() ? undefined : plainUrl(page.url())
  const screenshot = await takeScreenshot(page, session, facts.screenshots)
  const { failure, detail } = whatHappened(error, facts)
  const cause = error instanceof LoginEnded ? error.cause : error
  return new LoginFailedError(
    { failure, session, detail: scrubber.text(detail), url: url && scrubber.text(url), screenshot },
    cause === undefined ? {} : { cause: scrubber.error(cause) },
  )
}

function whatHappened(error: unknown, facts: Circumstances): { failure: LoginFailure; detail: string } {
  if (error instanceof LoginEnded) return { failure: error.failure, detail: error.message }
  if (facts.clock.aborted) return outOfTime(facts)
  const message = error instanceof Error ? error.message : ''
  return { failure: 'threw', detail: message.split('\n')[0] ?? '' }
}

function outOfTime({ limit, functionEnded, verified }: Circumstances): {
  failure: LoginFailure
  detail: string
} {
  const time = `within ${String(limit)} ms`
  if (!functionEnded) return { failure: 'timed-out', detail: `the recipe did not come to its end ${time}` }
  return verified
    ? { failure: 'not-verified', detail: `verify did not come true ${time}` }
    : {
        failure: 'not-completed',
        detail: `no request was seen ${time} that needs the session (if the page shows that somebody is signed in, say by what in the recipe: verify, or the URL of a probe)`,
      }
}
