import type { Page } from 'playwright'
import type { Attempt } from './attempt.ts'
import type { ObservedRequest } from './learn/watch-requests.ts'

/** What speaks against the login, once the pages have been quiet for long enough. */
export interface Refusal {
  readonly failure: 'rejected' | 'not-completed'
  readonly detail: string
}

// How long the pages must have been quiet, ms, before the absence of anything else counts: short after an answer that
// says no by itself or brought the form once more, longer where only "nothing happens" speaks.
const afterNo = 800
const afterFormAgain = 1_200
const afterNothing = 3_000
// While the recipe's function is at work, it may be about to type the next thing itself.
const functionAtWork = 5_000

/**
 * The site has said no: after the secrets were handed out something was submitted to it, it was answered, the network
 * is quiet, and there is still a password to be typed. `undefined` while any of this is missing. While the recipe's
 * function is still at work, only an answer to what it sent after its last secret counts.
 */
export async function findRefusal(attempt: Attempt, functionEnded: boolean): Promise<Refusal | undefined> {
  const submit = lastSubmit(attempt)
  if (submit?.status === undefined || attempt.watch.inFlight > 0) return undefined
  const { status } = submit
  const quietFor = Date.now() - attempt.watch.lastActivity
  const patience = functionEnded || isNo(status) ? patienceFor(submit) : functionAtWork
  if (quietFor < patience || !(await asksForPassword(attempt))) return undefined
  if (status === 429 || status >= 500) {
    return { failure: 'not-completed', detail: `the site answered ${String(status)} to what was submitted` }
  }
  const answer = isNo(status) ? `answered ${String(status)}` : 'showed the login form again'
  return { failure: 'rejected', detail: `the site ${answer} and still asks for the password` }
}

function lastSubmit({ watch, desk, allowed }: Attempt): ObservedRequest | undefined {
  const since = desk.lastGivenAt
  if (since === undefined) return undefined
  return watch.requests.findLast(
    ({ at, method, resourceType, url }) =>
      at >= since &&
      (method === 'POST' || method === 'PUT' || method === 'PATCH') &&
      (resourceType === 'document' || resourceType === 'fetch' || resourceType === 'xhr') &&
      allowed.has(url),
  )
}

function patienceFor({ status = 0, resourceType }: ObservedRequest): number {
  if (isNo(status)) return afterNo
  return resourceType === 'document' ? afterFormAgain : afterNothing
}

function isNo(status: number): boolean {
  return status >= 400
}

/** True when a page, or one of its frames on an allowed origin, shows a password field. A hung page shows nothing. */
export function asksForPassword(attempt: Pick<Attempt, 'context' | 'allowed'>): Promise<boolean> {
  return shows(attempt, 'input[type=password]:visible')
}

/** True when the code of a second factor is asked for. */
export function asksForCode(attempt: Pick<Attempt, 'context' | 'allowed'>): Promise<boolean> {
  return shows(
    attempt,
    ['[autocomplete~=one-time-code]', '[name*=otp i]', '[name*=mfa i]', '[name*="2fa" i]', '[name*=totp i]']
      .map((mark) => `input${mark}:visible`)
      .join(', '),
  )
}

async function shows(
  { context, allowed }: Pick<Attempt, 'context' | 'allowed'>,
  selector: string,
): Promise<boolean> {
  const answers = await Promise.all(context.pages().map((page) => pageShows(page, allowed, selector)))
  return answers.includes(true)
}

async function pageShows(page: Page, allowed: Attempt['allowed'], selector: string): Promise<boolean> {
  const frames = page.frames().filter((frame) => allowed.has(frame.url()))
  const asked = Promise.all(frames.map(async (frame) => (await frame.locator(selector).count()) > 0)).then(
    (answers) => answers.includes(true),
    () => false, // a frame that is just being replaced
  )
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, 1_000, false)
  })
  return Promise.race([asked, silence]).finally(() => {
    clearTimeout(timer)
  })
}
