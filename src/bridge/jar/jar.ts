import type { CookieJar } from 'tough-cookie'
import { Cell } from '../../state/cell.ts'
import type { Report, ReportItem } from '../../state/report.ts'
import type { SessionState, StateCookie } from '../../state/state.ts'
import { cookieKey } from '../../state/state.ts'
import { toughCookie } from './tough-cookie.ts'
import { cellBehind, createWindowJar, type JarOptions } from './window-jar.ts'
import { whereOf } from '../../policy/cookie-rules.ts'
import { stateCookieOf } from './cookie-object.ts'

/**
 * A tough-cookie `CookieJar` that is a window on the cell (a state gets a cell of its own): what is set through it
 * changes the cell, what the cell holds comes out of it, judged by Chromium's rules instead of tough-cookie's. It takes
 * every response as it comes: a cookie that Chromium would refuse resolves to `undefined` and is given to
 * `options.report`, and nothing is thrown. Names and values are byte strings, as on the wire.
 */
export function toCookieJar(source: SessionState | Cell, options: JarOptions = {}): CookieJar {
  const cell = source instanceof Cell ? source : new Cell(source)
  return createWindowJar(toughCookie(), cell, options)
}

/**
 * The cookies of any tough-cookie jar with a synchronous store, in order of creation. What the jar cannot express or
 * has got wrong is reported. A jar of ours gives its cell's whole state.
 */
export function fromCookieJar(jar: CookieJar): { state: SessionState; report: Report } {
  const cell = cellBehind(jar)
  if (cell !== undefined) return { state: cell.state, report: [] }
  const report: ReportItem[] = []
  const cookies = new Map<string, StateCookie>()
  for (const serialized of jar.serializeSync()?.cookies ?? []) {
    const { cookie, losses } = stateCookieOf(serialized)
    report.push(...losses)
    if (cookie === undefined) continue
    const key = cookieKey(cookie)
    if (cookies.has(key))
      report.push({ kind: 'cookie', name: cookie.name, where: whereOf(cookie), reason: 'duplicate' })
    cookies.set(key, cookie)
  }
  return { state: { cookies: [...cookies.values()], origins: [] }, report }
}
