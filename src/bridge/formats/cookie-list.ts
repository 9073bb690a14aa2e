import { StateInvalidError } from '../../errors.ts'
import { nameValueDefect, whereOf } from '../../policy/cookie-rules.ts'
import type { ReportItem } from '../../state/report.ts'
import type { SessionState, StateCookie } from '../../state/state.ts'
import { cookieKey } from '../../state/state.ts'
import { isObject, type JsonObject, own } from '../parse/bounded-json.ts'
import { parseCookie } from '../parse/parse-cookie.ts'
import { readExpiry } from './expiry.ts'
import type { ReportSink } from '../parse/report-sink.ts'

/** More than any browser holds; what is beyond is one line of the report and not one each. */
const entriesAtMost = 100_000

/** The cookies of one foreign document, read one by one; every entry is kept or reported by its place. */
export class CookieList {
  readonly #report: ReportSink
  readonly #twins: 'first' | 'last'
  readonly #cookies = new Map<string, StateCookie>()
  #seen = 0

  /** `twins`: which of two cookies with one identity counts. */
  constructor(report: ReportSink, twins: 'first' | 'last' = 'last') {
    this.#report = report
    this.#twins = twins
  }

  /** `entry` has our own field names; `place` is how the document calls it, such as `line 7`. */
  add(entry: unknown, place: string): void {
    const cookie = parseCookie(entry, place, this.#report)
    if (cookie === undefined) return
    const defect = nameValueDefect(cookie.name, cookie.value)
    if (defect === undefined) this.#keep(cookie)
    else this.#report.push({ kind: 'cookie', name: '', where: place, reason: 'malformed', rule: defect })
  }

  /** Reports something at a place, without a name: where a document is broken, a value may stand where a name should. */
  say(place: string, rule: string, reason: ReportItem['reason'] = 'malformed'): void {
    this.#report.push({ kind: 'cookie', name: '', where: place, reason, rule })
  }

  /** Counts an entry; true when there are too many of them. */
  isOver(): boolean {
    this.#seen += 1
    if (this.#seen === entriesAtMost + 1)
      this.say('', `what comes after ${String(entriesAtMost)} entries was not read`, 'too-many')
    return this.#seen > entriesAtMost
  }

  state(): SessionState {
    return { cookies: [...this.#cookies.values()], origins: [] }
  }

  #keep(cookie: StateCookie): void {
    const key = cookieKey(cookie)
    if (this.#cookies.has(key)) {
      this.#report.push({ kind: 'cookie', name: cookie.name, where: whereOf(cookie), reason: 'duplicate' })
      if (this.#twins === 'first') return
      this.#cookies.delete(key)
    }
    this.#cookies.set(key, cookie)
  }
}

/** Makes our own field names of an entry's; `say` reports what had to be guessed. */
export type Translate = (entry: JsonObject, say: (rule: string) => void) => JsonObject

/** Reads a list of cookies as JSON has it. */
export function readCookieList(
  list: readonly unknown[] | undefined,
  report: ReportSink,
  translate: Translate,
): SessionState {
  if (list === undefined) throw new StateInvalidError('it holds no list of cookies.')
  const cookies = new CookieList(report)
  for (const [at, entry] of list.entries()) {
    if (cookies.isOver()) break
    const place = `cookies[${String(at)}]`
    const said = isObject(entry)
      ? translate(entry, (rule) => {
          cookies.say(place, rule)
        })
      : entry
    cookies.add(said, place)
  }
  return cookies.state()
}

/**
 * A copy of an entry with some fields left out and others in their place. Without a prototype, so that a key such as
 * `__proto__` stays a key, for `parseCookie` to refuse.
 */
export function translated(entry: JsonObject, without: readonly string[], fields: JsonObject): JsonObject {
  const copy = Object.create(null) as Record<string, unknown>
  for (const key of Object.keys(entry)) if (!without.includes(key)) copy[key] = entry[key]
  for (const key of Object.keys(fields)) if (fields[key] !== undefined) copy[key] = fields[key]
  return copy
}

/** The expiry of an entry, with what had to be guessed reported; a field that says "session" goes before it. */
export function expiryField(entry: JsonObject, field: string, say: (rule: string) => void): number {
  if (own(entry, 'session') === true) return -1
  const { expires, rule } = readExpiry(own(entry, field))
  if (rule !== undefined) say(rule)
  return expires
}
