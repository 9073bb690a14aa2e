import { randomBytes } from 'node:crypto'
import type { Carrier } from '../../http/carrier.ts'
import type { Cell } from '../../state/cell.ts'
import type { StateCookie } from '../../state/state.ts'

/**
 * Where a sign-in without a browser keeps its tokens: as cookies of a host that cannot exist (RFC 2606, `.invalid`). So
 * they are sealed, saved, merged, rotated and forecast like all that a session lives by, while neither a client nor a page
 * of a visit ever sends or reads them: only header rules and renewals do. (Web storage of the site would be open to every
 * script of its pages.) A redirect to that host, in a network that answers for any name, does not get them either: each has
 * a path that nobody can guess.
 */
export const keptHost = 'kept.sessionbridge.invalid'

/** For `Recipe.protect`: what is kept is never cut, also not where a probe does well without it, as without a refresh token. */
export const keptNames = 'kept-*'

/** What has no known end is kept as long as a browser keeps a cookie at most (RFC 6265bis, 5.5), ms. */
const longest = 400 * 86_400_000

export interface KeepOptions {
  /** Unix ms; after that it counts as gone. Default: no known end. */
  readonly expiresAt?: number | undefined
  /** True where the value may be wanted long after everything else has ended, as a refresh token may. */
  readonly outlives?: boolean
}

export function keep(cell: Cell, name: string, value: string | undefined, options: KeepOptions = {}): void {
  const before = find(cell, keptName(name))
  if (value !== undefined) cell.setCookie(keptCookie(name, value, options, before?.path), 'rotate')
  else if (before !== undefined) cell.removeCookie(before, 'rotate')
}

export function kept(cell: Cell, name: string): string | undefined {
  const cookie = find(cell, keptName(name))
  return cookie === undefined || isOver(cookie) ? undefined : cookie.value
}

function find(cell: Cell, name: string): StateCookie | undefined {
  for (const cookie of cell.cookiesFor(keptHost)) if (cookie.name === name) return cookie
  return undefined
}

function isOver({ expires }: StateCookie): boolean {
  return expires !== -1 && expires * 1_000 <= Date.now()
}

export function keptName(name: string): string {
  return `kept-${name.toLowerCase()}`
}

function keptCookie(
  name: string,
  value: string,
  { expiresAt, outlives }: KeepOptions,
  path = `/${randomBytes(12).toString('base64url')}`,
): StateCookie {
  const end = expiresAt ?? (outlives === true ? Date.now() + longest : undefined)
  return {
    name: keptName(name),
    value,
    domain: keptHost,
    path,
    expires: end === undefined ? -1 : end / 1_000,
    httpOnly: true,
    secure: true,
    sameSite: 'Strict',
  }
}

/** True when a header is made from something kept whose time is over. */
export function hasEnded({ cell, headerRules }: Pick<Carrier, 'cell' | 'headerRules'>): boolean {
  return headerRules.some(({ source }) => {
    if (source.from !== 'cookie' || source.domain !== keptHost) return false
    const cookie = find(cell, source.name)
    return cookie !== undefined && isOver(cookie)
  })
}
