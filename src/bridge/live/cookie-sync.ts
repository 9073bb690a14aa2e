import { whereOf } from '../../policy/cookie-rules.ts'
import { type GatePolicy, sanitize } from '../../policy/gate.ts'
import type { Cell } from '../../state/cell.ts'
import type { Report, ReportItem } from '../../state/report.ts'
import { cookieKey, type SessionState, type StateCookie } from '../../state/state.ts'
import type { CookieAccess } from '../context/cookie-access.ts'
import { writeThrough } from '../context/cookies.ts'
import type { Traffic } from './traffic.ts'

type Jar = Map<string, StateCookie>

/**
 * Keeps the cookies of one context and of the cell in step. Chromium tells nobody when a cookie changes, so `step` reads them all and
 * compares with the last reading. A step is: read, judge what changed on either side, tell the cell, write to the
 * browser, read back. Writes of ours are in the base before the next reading, so they are never taken for news.
 */
export class CookieSync {
  readonly report: ReportItem[] = []
  readonly #access: CookieAccess
  readonly #cell: Cell
  readonly #policy: GatePolicy
  readonly #traffic: Traffic
  /** Last known on both sides. Without what the gate keeps away from the cell. */
  #base: Jar = new Map()
  /** The last reading, unsifted. */
  #seen: Jar = new Map()
  /** Refused or kept as something else: whatever the browser holds there next counts as agreed. */
  #unclear = new Set<string>()
  #touched = new Set<string>()
  #age = 0

  constructor(access: CookieAccess, cell: Cell, policy: GatePolicy, traffic: Traffic) {
    this.#access = access
    this.#cell = cell
    this.#policy = policy
    this.#traffic = traffic
  }

  /** What is under way counts no more: another state is being put on the context as a whole. */
  suspend(): void {
    this.#age += 1
    this.#touched.clear()
  }

  /** The context has been made to wear `worn`, but for what the report says. What it holds else is news. */
  adopt(worn: SessionState, report: Report): void {
    const refused = placesIn(report)
    this.#age += 1
    this.#base = mapOf(worn.cookies.filter((cookie) => !refused.has(placeOf(cookie))))
    this.#seen = new Map(this.#base)
    this.#unclear = new Set(worn.cookies.filter((cookie) => refused.has(placeOf(cookie))).map(cookieKey))
  }

  /** Notes what somebody else changed in the cell. */
  touch(cookies: Iterable<StateCookie>): void {
    for (const cookie of cookies) this.#touched.add(cookieKey(cookie))
  }

  async step(): Promise<void> {
    const age = this.#age
    const read = await this.#access.read()
    if (age === this.#age) await this.#write(this.fold(read), age)
  }

  /** Judges a reading and tells the cell; answers with the cookies that the browser has to be told of. */
  fold(read: readonly StateCookie[]): string[] {
    const now = mapOf(read)
    const changed = changedKeys(this.#seen, now)
    for (const key of this.#touched) changed.add(key)
    this.#seen = now
    const unclear = this.#unclear
    this.#unclear = new Set()
    if (changed.size === 0) return []
    const welcome = this.#sift(changed, now)
    const set: StateCookie[] = []
    const removed: StateCookie[] = []
    const outbound: string[] = []
    for (const key of changed) {
      const browser = welcome.get(key)
      const cell = this.#cell.cookie(key)
      const base = unclear.has(key) ? browser : this.#base.get(key)
      const verdict = this.#traffic.rule({ base, browser, cell, touched: this.#touched.has(key) }, sameCookie)
      put(this.#base, key, browser)
      if (verdict === 'to-browser') outbound.push(key)
      if (verdict !== 'to-cell') continue
      if (browser !== undefined) set.push(browser)
      else if (cell !== undefined) removed.push(cell)
    }
    this.#touched.clear()
    for (const { name, value } of set) this.#traffic.wrote('cell', 'cookie', name, value)
    for (const { name } of removed) this.#traffic.wrote('cell', 'cookie', name, undefined)
    this.#cell.merge({ set, removed, origins: [], removedOrigins: [] }, this.#traffic.by)
    return outbound
  }

  /** The cookies among `keys` that may go to the cell. */
  #sift(keys: ReadonlySet<string>, now: Jar): Jar {
    const cookies = [...keys].flatMap((key) => now.get(key) ?? [])
    return mapOf(sanitize({ cookies, origins: [] }, this.#policy).state.cookies)
  }

  async #write(keys: readonly string[], age: number): Promise<void> {
    if (keys.length === 0) return
    const wanted = keys.map((key) => ({ key, cookie: this.#cell.cookie(key), victim: this.#seen.get(key) }))
    const ended = wanted.flatMap(({ cookie, victim }) => (cookie === undefined && victim ? [victim] : []))
    const set = wanted.flatMap(({ cookie }) => cookie ?? [])
    for (const { name } of ended) this.#traffic.wrote('browser', 'cookie', name, undefined)
    for (const { name, value } of set) this.#traffic.wrote('browser', 'cookie', name, value)
    await this.#end(ended)
    const { report, kept } = await writeThrough(this.#access, set)
    if (age !== this.#age) return
    this.report.push(...report)
    const refused = placesIn(report)
    const now = mapOf(kept)
    for (const { key, cookie, victim } of wanted) {
      const found = now.get(key)
      // What the browser made of it, when it could not take it as it is, counts as agreed; so does a cookie that would
      // not go. Anything else than what was there or was written is a page that was faster: the next reading's news.
      const isAgreed =
        cookie === undefined
          ? sameCookie(found, victim)
          : refused.has(placeOf(cookie)) && (sameCookie(found, victim) || found?.value === cookie.value)
      const agreed = isAgreed ? found : cookie
      put(this.#base, key, agreed)
      put(this.#seen, key, agreed)
    }
  }

  /** The protocol has no deletion by partition; a cookie that is over is one. */
  async #end(cookies: readonly StateCookie[]): Promise<void> {
    const over = cookies.map((cookie) => ({ ...cookie, expires: 1 }))
    if (over.length === 0) return
    try {
      await this.#access.write(over)
    } catch {
      for (const cookie of over)
        await this.#access.write([cookie]).catch(() => {
          this.report.push({
            kind: 'cookie',
            name: cookie.name,
            where: whereOf(cookie),
            reason: 'refused',
            rule: 'the browser did not let go of it',
          })
        })
    }
  }
}

/**
 * Equal for the sync: a field that one side does not know is no difference, nor is a hundredth of a second, which a
 * cookie's expiry loses on its way through the browser.
 */
export function sameCookie(a: StateCookie | undefined, b: StateCookie | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  const alike = (field: 'priority' | 'sourceScheme' | 'sourcePort'): boolean =>
    a[field] === undefined || b[field] === undefined || a[field] === b[field]
  return (
    a.value === b.value &&
    a.httpOnly === b.httpOnly &&
    a.secure === b.secure &&
    a.sameSite === b.sameSite &&
    Math.abs(a.expires - b.expires) < 0.01 &&
    alike('priority') &&
    alike('sourceScheme') &&
    alike('sourcePort')
  )
}

function changedKeys(before: Jar, now: Jar): Set<string> {
  const changed = new Set<string>()
  for (const [key, cookie] of now) if (!sameCookie(before.get(key), cookie)) changed.add(key)
  for (const key of before.keys()) if (!now.has(key)) changed.add(key)
  return changed
}

function mapOf(cookies: readonly StateCookie[]): Jar {
  return new Map(cookies.map((cookie) => [cookieKey(cookie), cookie]))
}

function put(jar: Jar, key: string, cookie: StateCookie | undefined): void {
  if (cookie === undefined) jar.delete(key)
  else jar.set(key, cookie)
}

/** A report names a cookie by its name and place. */
function placeOf(cookie: StateCookie): string {
  return `${cookie.name}\u0000${whereOf(cookie)}`
}

function placesIn(report: Report): Set<string> {
  return new Set(
    report.flatMap(({ kind, name, where }) => (kind === 'cookie' ? `${name}\u0000${where}` : [])),
  )
}
