import {
  limitGroup,
  maxInAll,
  maxOfSite,
  overflowOfAll,
  overflowOfGroup,
  safeFor,
} from '../../policy/cookie-limits.ts'
import { whereOf } from '../../policy/cookie-rules.ts'
import type { ReportItem } from '../../state/report.ts'
import type { StateCookie } from '../../state/state.ts'
import { byLastUse, lastUse } from './cookie-times.ts'
import type { PendingCookies } from './pending-cookies.ts'

/**
 * Makes room after `cookie` was set, as Chromium does after every single one: the site's own limit first, then that of
 * all. Gives what had to go. `now` is Unix milliseconds.
 */
export function makeRoom(pending: PendingCookies, cookie: StateCookie, now: number): ReportItem[] {
  const [ofGroup, ofAll] = [groupOverflow(pending, cookie, now), totalOverflow(pending, now)]
  if (ofGroup.length + ofAll.length === 0) return []
  return [...ofGroup, ...ofAll].map((evicted) => ({
    kind: 'cookie',
    name: evicted.name,
    where: whereOf(evicted),
    reason: 'too-many',
    rule: 'more cookies than Chromium keeps; the least recently used went',
  }))
}

function groupOverflow(pending: PendingCookies, cookie: StateCookie, now: number): readonly StateCookie[] {
  const partitioned = cookie.partitionKey !== undefined
  if (!partitioned && pending.size <= maxOfSite) return []
  const group = limitGroup(cookie)
  // What a partition may hold is counted in bytes as well, and partitions are small.
  if (!partitioned && pending.countOf(group) <= maxOfSite) return []
  const lasting = pending
    .all()
    .filter((other) => limitGroup(other) === group && !removeExpired(pending, other, now))
  return removeAll(pending, overflowOfGroup(byLastUse(lasting)))
}

function totalOverflow(pending: PendingCookies, now: number): readonly StateCookie[] {
  if (pending.size <= maxInAll) return []
  const plain = pending.all().filter(({ partitionKey }) => partitionKey === undefined)
  if (plain.length <= maxInAll) return []
  const lasting = plain.filter((cookie) => !removeExpired(pending, cookie, now))
  const unused = lasting.filter((cookie) => lastUse(cookie) < now - safeFor)
  return removeAll(pending, overflowOfAll(lasting.length, byLastUse(unused)))
}

function removeExpired(pending: PendingCookies, cookie: StateCookie, now: number): boolean {
  const over = cookie.expires !== -1 && cookie.expires * 1000 <= now
  if (over) pending.remove(cookie)
  return over
}

function removeAll(pending: PendingCookies, cookies: readonly StateCookie[]): readonly StateCookie[] {
  for (const cookie of cookies) pending.remove(cookie)
  return cookies
}
