import type { StateCookie } from '../../state/state.ts'

/**
 * When a cookie was last set or sent by this process: when a site has too many, those that were not used for longest
 * go first. A state does not say it; what came in with one counts as older than everything that was used since, as
 * it does in a Chromium that a state was put into.
 */
interface Use {
  /** Unix milliseconds. */
  readonly at: number
  /** Tells uses of the same millisecond apart. */
  readonly order: number
}

const uses = new WeakMap<StateCookie, Use>()
let order = 0

/** Chromium writes a use down when the last one is a minute old. */
export const useInterval = 60_000

export function rememberSetting(cookie: StateCookie, now: number): void {
  uses.set(cookie, { at: now, order: ++order })
}

/** `kept` was set again as it is, and so stays in the place of `cookie`. */
export function inheritUse(kept: StateCookie, cookie: StateCookie): void {
  const use = uses.get(cookie)
  if (use !== undefined) uses.set(kept, use)
}

/** Cookies of one request are used at one and the same time. */
export function rememberSending(cookies: readonly StateCookie[], now: number): void {
  order += 1
  for (const cookie of cookies) {
    const last = uses.get(cookie)
    if (last === undefined || now - last.at >= useInterval) uses.set(cookie, { at: now, order })
  }
}

/** Unix milliseconds, `-Infinity` when it is not known. */
export function lastUse(cookie: StateCookie): number {
  return uses.get(cookie)?.at ?? -Infinity
}

/** The least recently used first; cookies are given in order of creation, which decides among equals. */
export function byLastUse(cookies: readonly StateCookie[]): StateCookie[] {
  return cookies
    .map((cookie) => ({ cookie, use: uses.get(cookie) ?? never }))
    .sort((a, b) => (a.use.at === b.use.at ? a.use.order - b.use.order : a.use.at < b.use.at ? -1 : 1))
    .map(({ cookie }) => cookie)
}

const never: Use = { at: -Infinity, order: 0 }
