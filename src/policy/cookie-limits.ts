import type { StateCookie } from '../state/state.ts'
import { registrableDomain } from './public-suffix.ts'

/**
 * How many cookies Chromium keeps, and which go when there are more (`net::CookieMonster::GarbageCollect`). Held
 * against a real Chromium by `test/laws/cookie-eviction.test.ts`.
 */

/** Cookies of one site, its subdomains together; one more, and the site is cut down to `keptOfSite`. */
export const maxOfSite = 180
const keptOfSite = 150
/** Bytes of names and values that one site may have in one partition, besides at most `maxOfSite` cookies. */
const maxPartitionBytes = 10_240
/** Cookies in all; one more, and those that nobody has used for 30 days go until `keptInAll` are left. */
export const maxInAll = 3_300
const keptInAll = 3_000
/** Milliseconds since its last use in which a cookie is safe from the total's limit. */
export const safeFor = 30 * 24 * 60 * 60 * 1000

/** Cookies of one group share a limit: one site, in one partition or outside of all. */
export function limitGroup(cookie: StateCookie): string {
  const host = cookie.domain.startsWith('.') ? cookie.domain.slice(1) : cookie.domain
  const site = registrableDomain(host) ?? host
  if (cookie.partitionKey === undefined) return site
  return `${site} ${cookie.partitionKey} ${cookie._crHasCrossSiteAncestor === false ? '0' : '1'}`
}

/**
 * Those of one group that have to go, given with the least recently used first. Plain http goes before Secure, a low
 * priority before a high one, and each priority keeps its quota.
 */
export function overflowOfGroup(leastRecentFirst: readonly StateCookie[]): StateCookie[] {
  const [first] = leastRecentFirst
  if (first === undefined) return []
  return first.partitionKey === undefined
    ? siteOverflow(leastRecentFirst)
    : partitionOverflow(leastRecentFirst)
}

/** Those of all cookies that have to go; `unused` are those whose last use is longer ago than `safeFor`. */
export function overflowOfAll(total: number, unused: readonly StateCookie[]): StateCookie[] {
  if (total <= maxInAll) return []
  const plainFirst = [...unused.filter(({ secure }) => !secure), ...unused.filter(({ secure }) => secure)]
  return plainFirst.slice(0, total - keptInAll)
}

interface Round {
  readonly priority: NonNullable<StateCookie['priority']>
  /** Cookies of this priority that stay in any case, the most recently used. */
  readonly quota: number
  readonly secure: boolean
}

const rounds: readonly Round[] = [
  { priority: 'Low', quota: 30, secure: false },
  { priority: 'Low', quota: 30, secure: true },
  { priority: 'Medium', quota: 50, secure: false },
  { priority: 'High', quota: 70, secure: false },
  { priority: 'Medium', quota: 50, secure: true },
  { priority: 'High', quota: 70, secure: true },
]

function siteOverflow(leastRecentFirst: readonly StateCookie[]): StateCookie[] {
  if (leastRecentFirst.length <= maxOfSite) return []
  const gone = new Set<StateCookie>()
  const goal = leastRecentFirst.length - keptOfSite
  for (const round of rounds) {
    const left = leastRecentFirst.filter((cookie) => !gone.has(cookie))
    for (const cookie of roundOverflow(left, round).slice(0, goal - gone.size)) gone.add(cookie)
  }
  return [...gone]
}

function roundOverflow(cookies: readonly StateCookie[], { priority, quota, secure }: Round): StateCookie[] {
  const ofPriority = cookies.filter((cookie) => (cookie.priority ?? 'Medium') === priority)
  // A round for cookies of plain http spares the Secure ones, and these count towards the quota.
  const spared = secure ? quota : Math.max(quota, ofPriority.filter((cookie) => cookie.secure).length)
  const goes = ofPriority.filter((cookie) => secure || !cookie.secure)
  return goes.slice(0, Math.max(ofPriority.length - spared, 0))
}

function partitionOverflow(leastRecentFirst: readonly StateCookie[]): StateCookie[] {
  let bytes = leastRecentFirst.reduce((sum, cookie) => sum + bytesOf(cookie), 0)
  let count = leastRecentFirst.length
  const gone: StateCookie[] = []
  for (const cookie of leastRecentFirst) {
    if (bytes <= maxPartitionBytes && count <= maxOfSite) break
    gone.push(cookie)
    bytes -= bytesOf(cookie)
    count -= 1
  }
  return gone
}

/** What is not there any more when these have been set one after the other, by the limits of their groups. */
export function overflowInTurn(cookies: readonly StateCookie[]): ReadonlySet<StateCookie> {
  const groups = new Map<string, StateCookie[]>()
  const gone = new Set<StateCookie>()
  for (const cookie of cookies) {
    const group = limitGroup(cookie)
    const held = [...(groups.get(group) ?? []), cookie]
    const overflow = overflowOfGroup(held)
    for (const evicted of overflow) gone.add(evicted)
    groups.set(group, overflow.length === 0 ? held : held.filter((one) => !gone.has(one)))
  }
  return gone
}

/** True when there are so many in a site or in all that Chromium may just have thrown out others. */
export function isCrowded(inGroup: number, inAll: number): boolean {
  return inGroup >= keptOfSite || inAll >= keptInAll
}

function bytesOf({ name, value }: StateCookie): number {
  return Buffer.byteLength(name) + Buffer.byteLength(value)
}
