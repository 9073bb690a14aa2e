import type { StateCookie } from '../../state/state.ts'

/**
 * When a cookie was created, known only for those that this process took in. It matters for two minutes: that long a
 * cookie whose site said nothing about SameSite goes along with a cross-site POST navigation.
 */
const births = new WeakMap<StateCookie, number>()

/** `birth` is Unix milliseconds, or the cookie whose place this one takes. */
export function rememberBirth(cookie: StateCookie, birth: number | StateCookie): void {
  const at = typeof birth === 'number' ? birth : births.get(birth)
  if (at !== undefined) births.set(cookie, at)
}

const youngFor = 2 * 60 * 1000

export function isYoung(cookie: StateCookie, now: number): boolean {
  const birth = births.get(cookie)
  return birth !== undefined && now - birth <= youngFor
}
