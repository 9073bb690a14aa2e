import type { BrowserContext } from 'playwright'
import { orAbort, untilActivity, untilScriptsIdle } from '../quiet.ts'
import type { RequestWatch } from './watch-requests.ts'

/** Longest wait for answers that are on their way, and for what scripts do with them, ms. */
const limits = { answers: 2_000, scripts: 500 }

/**
 * Nothing new leaves the context from here on, and what was sent before to change something is answered and dealt with. For
 * the end of a context whose state is taken home: applications renew their tokens at any time, and a refresh token that was used
 * is worth less than none; shown again it ends the grant (RFC 9700, 4.14). The context is good for nothing afterwards.
 */
export async function holdRequests(
  context: BrowserContext,
  watch: RequestWatch,
  signal: AbortSignal,
): Promise<void> {
  // Never let go: the context closes. Pages of ours, which read storage, are answered before it comes to this.
  await orAbort(
    context.route(/^https?:/, () => undefined),
    signal,
  )
  const held = Date.now()
  if (!isUnderWay(watch, held)) return
  const end = held + limits.answers
  while (isUnderWay(watch, held) && Date.now() < end) await untilActivity(watch, end - Date.now(), signal)
  await orAbort(Promise.all(context.pages().map((page) => untilScriptsIdle(page, limits.scripts))), signal)
}

/** Something that scripts sent before `held` to change something has no answer yet. Reading changes nothing at home. */
function isUnderWay({ requests }: RequestWatch, held: number): boolean {
  return requests.some(
    ({ at, method, status, failed, resourceType }) =>
      (resourceType === 'fetch' || resourceType === 'xhr') &&
      method !== 'GET' &&
      method !== 'HEAD' &&
      status === undefined &&
      failed !== true &&
      at <= held &&
      at > held - 2 * limits.answers,
  )
}
