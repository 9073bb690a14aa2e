import type { StateCookie } from '../../state/state.ts'

/**
 * When a cookie was created, and when it was last set or sent: known only for those that this process took in. A state
 * does not say it. One record for both, because each entry of a WeakMap costs as much as parsing a Set-Cookie line.
 *
 * - Its birth matters for two minutes: that long a cookie whose site said nothing about SameSite goes along with a
 *   cross-site POST navigation.
 * - Its use decides who goes when a site has too many: those that were not used for longest go first. What came in with
 *   a state counts as older than everything that was used since, as it does in a Chromium that a state was put into.
 */
interface Times {
  /** Unix milliseconds, `-Infinity` when it is not known. */
  born: number
  /** Unix milliseconds, `-Infinity` when it is not known. */
  usedAt: number
  /** Tells uses of the same millisecond apart. */
  order: number
}

const times = new WeakMap<StateCookie, Times>()
const never: Readonly<Times> = { born: -Infinity, usedAt: -Infinity, order: 0 }
let order = 0

const youngFor = 2 * 60 * 1000

/** Chromium writes a use down when the last one is a minute old. */
export const useInterval = 60_000

/** A cookie was set at `now`; `same` is the one with an equal value in whose place it comes, and with whose age. */
export function rememberSetting(cookie: StateCookie, now: number, same?: StateCookie): void {
  const born = same === undefined ? now : (times.get(same)?.born ?? -Infinity)
  times.set(cookie, { born, usedAt: now, order: ++order })
}

/** `birth` is Unix milliseconds. */
export function rememberBirth(cookie: StateCookie, birth: number): void {
  timesOf(cookie).born = birth
}

/** `kept` was set again as it is, and so stays in the place of `cookie`. */
export function inheritUse(kept: StateCookie, cookie: StateCookie): void {
  const { usedAt, order } = times.get(cookie) ?? never
  if (usedAt !== -Infinity) Object.assign(timesOf(kept), { usedAt, order })
}

/** Cookies of one request are used at one and the same time. */
export function rememberSending(cookies: readonly StateCookie[], now: number): void {
  order += 1
  for (const cookie of cookies) {
    const { usedAt } = times.get(cookie) ?? never
    if (now - usedAt >= useInterval) Object.assign(timesOf(cookie), { usedAt: now, order })
  }
}

export function isYoung(cookie: StateCookie, now: number): boolean {
  return now - (times.get(cookie) ?? never).born <= youngFor
}

/** Unix milliseconds, `-Infinity` when it is not known. */
export function lastUse(cookie: StateCookie): number {
  return (times.get(cookie) ?? never).usedAt
}

/** The least recently used first; cookies are given in order of creation, which decides among equals. */
export function byLastUse(cookies: readonly StateCookie[]): StateCookie[] {
  return cookies
    .map((cookie) => ({ cookie, use: times.get(cookie) ?? never }))
    .sort((a, b) =>
      a.use.usedAt === b.use.usedAt ? a.use.order - b.use.order : a.use.usedAt < b.use.usedAt ? -1 : 1,
    )
    .map(({ cookie }) => cookie)
}

function timesOf(cookie: StateCookie): Times {
  let found = times.get(cookie)
  if (found === undefined) times.set(cookie, (found = { ...never }))
  return found
}
