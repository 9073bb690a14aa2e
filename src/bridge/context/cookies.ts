import type { BrowserContext } from 'playwright'
import { cookieDefect } from '../../policy/cookie-defect.ts'
import { isCrowded, limitGroup, overflowInTurn } from '../../policy/cookie-limits.ts'
import { whereOf } from '../../policy/cookie-rules.ts'
import type { Report, ReportItem } from '../../state/report.ts'
import type { StateCookie } from '../../state/state.ts'
import { cookieKey } from '../../state/state.ts'
import { type CookieAccess, openCookieAccess, viewLosses } from './cookie-access.ts'
import { within } from './deadline.ts'

/**
 * The context's cookies. In Chromium complete and without opening a page; elsewhere as Playwright sees them, with a
 * report item for each that may have lost something. Order: longest path first, then oldest first, which is all of the
 * order of creation that a Cookie header shows.
 */
export async function readCookies(
  context: BrowserContext,
  options: CookieOptions = {},
): Promise<{ cookies: StateCookie[]; report: Report }> {
  return withAccess(context, 'reading cookies', options, async (access) => {
    const cookies = await access.read()
    return { cookies, report: access.complete ? [] : viewLosses(cookies) }
  })
}

export interface CookieOptions {
  /** Its reason is thrown when it is aborted. What has been written by then stays written. */
  readonly signal?: AbortSignal
  /** Milliseconds for the whole operation; default 30,000. */
  readonly timeout?: number
}

/**
 * A browser that does not answer is not waited for.
 * @throws TimedOutError after the deadline, the signal's reason, and what the browser says of a closed context.
 */
async function withAccess<T>(
  context: BrowserContext,
  operation: string,
  { signal, timeout = 30_000 }: CookieOptions,
  work: (access: CookieAccess) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  return within(openCookieAccess(context).then(work), timeout, operation, signal)
}

export interface WriteCookiesOptions extends CookieOptions {
  /** Empties the context first; default false: adds to and overwrites what is there. */
  readonly replace?: boolean
}

/**
 * Puts cookies into the context in their order, and reports those that it did not keep as they are: what the browser
 * would refuse or rewrite is left out, what it refuses nevertheless is found by halving the batch, and what it kept is
 * read back and compared. One bad cookie never spoils the rest.
 */
export async function writeCookies(
  context: BrowserContext,
  cookies: readonly StateCookie[],
  options: WriteCookiesOptions = {},
): Promise<Report> {
  return withAccess(context, 'writing cookies', options, async (access) => {
    const { report } = await writeThrough(access, cookies, options)
    return report
  })
}

/**
 * `writeCookies` over a way that stays open, with all cookies as they were read back. A cookie that is read back
 * otherwise is tried in an empty context: what that keeps as it is was taken, and a page was faster than the reading.
 */
export async function writeThrough(
  access: CookieAccess,
  cookies: readonly StateCookie[],
  options: WriteCookiesOptions = {},
): Promise<{ report: Report; kept: readonly StateCookie[] }> {
  const now = Date.now()
  const report: ReportItem[] = []
  const fit: StateCookie[] = []
  for (const cookie of cookies) {
    const defect = cookieDefect(cookie, now) ?? rewriting(cookie)
    if (defect === undefined) fit.push(cookie)
    else report.push({ kind: 'cookie', name: cookie.name, where: whereOf(cookie), ...defect })
  }
  if (options.replace === true) await access.clear()
  report.push(...(await writeBatch(access, fit)))
  const kept = await access.read()
  report.push(...(await settled(access, fit, comparison(fit, kept, report, access.complete))))
  return { report, kept }
}

/** The findings without those that are a page's doing. */
async function settled(
  access: CookieAccess,
  written: readonly StateCookie[],
  findings: readonly ReportItem[],
): Promise<readonly ReportItem[]> {
  const place = (name: string, where: string): string => `${name}\u0000${where}`
  const open = findings.filter(({ reason }) => reason !== 'too-many')
  if (open.length === 0 || access.trial === undefined) return findings
  const places = new Set(open.map(({ name, where }) => place(name, where)))
  const tried = written.filter((cookie) => places.has(place(cookie.name, whereOf(cookie))))
  const kept = await access.trial(tried).catch(() => undefined)
  if (kept === undefined) return findings
  const refused = comparison(tried, kept, [], access.complete)
  const sure = new Set(refused.map(({ name, where }) => place(name, where)))
  return findings.filter(({ reason, name, where }) => reason === 'too-many' || sure.has(place(name, where)))
}

/** What the protocol cannot take as it is: it would be kept as something else, silently. */
function rewriting(cookie: StateCookie): Pick<ReportItem, 'reason' | 'rule'> | undefined {
  if (new URL(`http://host${cookie.path}`).pathname !== cookie.path)
    return { reason: 'unsupported', rule: 'the browser would spell this path differently' }
  if (!isUnicode(cookie.name) || !isUnicode(cookie.value))
    return { reason: 'unsupported', rule: 'octets that are not UTF-8' }
  return undefined
}

/** False when the text holds half a character, as octets from the wire that are not UTF-8 are kept. */
function isUnicode(text: string): boolean {
  return !/[\ud800-\udfff]/u.test(text)
}

async function writeBatch(access: CookieAccess, cookies: readonly StateCookie[]): Promise<ReportItem[]> {
  if (cookies.length === 0) return []
  try {
    await access.write(cookies)
    return []
  } catch (error) {
    if (!isAboutCookies(error)) throw error
  }
  const [first] = cookies
  if (cookies.length === 1 && first !== undefined)
    return [{ kind: 'cookie', name: first.name, where: whereOf(first), reason: 'refused' }]
  const half = Math.ceil(cookies.length / 2)
  return [
    ...(await writeBatch(access, cookies.slice(0, half))),
    ...(await writeBatch(access, cookies.slice(half))),
  ]
}

/** A refusal of the cookies themselves, not of a closed browser. */
function isAboutCookies(error: unknown): boolean {
  return error instanceof Error && /invalid|cookie/i.test(error.message) && !/closed/i.test(error.message)
}

/** What is not there, or not as it was given. Of equal identities only the last could be kept. */
function comparison(
  written: readonly StateCookie[],
  read: readonly StateCookie[],
  reported: Report,
  complete: boolean,
): ReportItem[] {
  const kept = new Map(read.map((cookie) => [cookieKey(cookie), cookie]))
  const wanted = new Map(written.map((cookie) => [cookieKey(cookie), cookie]))
  const known = new Set(reported.map((item) => `${item.name}\u0000${item.where}`))
  const report: ReportItem[] = []
  const crowded = crowding([...wanted.values()], read)
  for (const [key, cookie] of wanted) {
    const item = { kind: 'cookie', name: cookie.name, where: whereOf(cookie) } as const
    if (known.has(`${item.name}\u0000${item.where}`)) continue
    const found = kept.get(key)
    if (found === undefined) {
      report.push({ ...item, ...(crowded(cookie) ? tooMany : { reason: 'refused' }) })
      continue
    }
    const changed = changedFields(cookie, found, complete)
    if (changed.length > 0)
      report.push({ ...item, reason: 'unsupported', rule: `kept with another ${changed.join(', ')}` })
  }
  return report
}

const tooMany = { reason: 'too-many', rule: 'more cookies than Chromium keeps; it took later ones' } as const

/** Tells whether a cookie that is not there went because there were too many: of its site, its partition or in all. */
function crowding(
  written: readonly StateCookie[],
  read: readonly StateCookie[],
): (cookie: StateCookie) => boolean {
  let known: { readonly overflow: ReadonlySet<StateCookie>; readonly counts: Map<string, number> } | undefined
  return (cookie) => {
    known ??= { overflow: overflowInTurn(written), counts: countGroups(read) }
    return known.overflow.has(cookie) || isCrowded(known.counts.get(limitGroup(cookie)) ?? 0, read.length)
  }
}

function countGroups(cookies: readonly StateCookie[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const cookie of cookies) counts.set(limitGroup(cookie), (counts.get(limitGroup(cookie)) ?? 0) + 1)
  return counts
}

const comparedFields = ['value', 'httpOnly', 'secure', 'sameSite'] as const
const protocolFields = ['sourceScheme', 'sourcePort', 'priority'] as const

function changedFields(given: StateCookie, kept: StateCookie, complete: boolean): string[] {
  const changed: string[] = comparedFields.filter((field) => given[field] !== kept[field])
  // A second's thousandth: Chromium counts in microseconds, a file may count in whole seconds.
  if (Math.abs(given.expires - kept.expires) > 0.001) changed.push('expires')
  for (const field of protocolFields)
    if (given[field] !== undefined && (!complete || given[field] !== kept[field])) changed.push(field)
  return changed
}
