import type { Callback, Cookie, CookieJar, GetCookiesOptions, SetCookieOptions } from 'tough-cookie'
import { Cell } from '../../state/cell.ts'
import type { ReportItem } from '../../state/report.ts'
import { answer, createCellStore } from './cell-store.ts'
import type { CookieContext } from './cookie-context.ts'
import { cookieHeader, cookiesFor, cookiesForHost } from './cookie-header.ts'
import { cookieObjectOf } from './cookie-object.ts'
import { ingestLines } from './set-cookie.ts'
import type { ToughCookie } from './tough-cookie.ts'

export interface JarOptions {
  /** Who writes, for the cell's listeners; default `jar`. */
  readonly by?: string
  /** Hears of every cookie that was not taken, and of those that went because there were too many. */
  readonly report?: (item: ReportItem) => void
}

const cells = new WeakMap<CookieJar, Cell>()

/** The cell that a jar is a window on, or `undefined` when it is not one of ours. */
export function cellBehind(jar: CookieJar): Cell | undefined {
  return cells.get(jar)
}

/**
 * A `CookieJar` whose parsing, storing and choosing are Chromium's, over the cell. Only what asks or changes cookies
 * for a URL is overridden; the synchronous forms of tough-cookie call these, and the rest goes through the store.
 */
export function createWindowJar(tough: ToughCookie, cell: Cell, options: JarOptions): CookieJar {
  const by = options.by ?? 'jar'

  const take = (cookie: string | Cookie, url: string | URL, how: SetCookieOptions): Cookie | undefined => {
    const now = how.now?.getTime()
    const [outcome] = ingestLines(cell, new URL(url), [cookie.toString()], {
      ...contextOf(how.sameSiteContext),
      by,
      fromScript: how.http === false,
      ...(now !== undefined && { now }),
    })
    if (outcome === undefined) return undefined
    if ('cookie' in outcome) {
      if (options.report !== undefined) outcome.evicted.forEach(options.report)
      return cookieObjectOf(tough, outcome.cookie, cell.sequence(outcome.cookie))
    }
    options.report?.(outcome.refusal)
    return undefined
  }

  const choose = (url: string | URL, how: GetCookiesOptions): Cookie[] => {
    const context = {
      ...contextOf(how.sameSiteContext),
      ...(how.expire === false && { now: 0 }), // at that time nothing had expired yet
    }
    const chosen = (how.allPaths === true ? cookiesForHost : cookiesFor)(cell, new URL(url), context)
    const seen = how.http === false ? chosen.filter((cookie) => !cookie.httpOnly) : chosen
    return seen.map((cookie) => cookieObjectOf(tough, cookie, cell.sequence(cookie)))
  }

  const header = (url: string | URL, how: GetCookiesOptions | undefined): string => {
    if (how === undefined) return cookieHeader(cell, url instanceof URL ? url : new URL(url))
    return choose(url, how)
      .map((cookie) => cookie.cookieString())
      .join('; ')
  }

  class WindowJar extends tough.CookieJar {
    override setCookie(
      cookie: string | Cookie,
      url: string | URL,
      callback: Callback<Cookie | undefined>,
    ): void
    override setCookie(
      cookie: string | Cookie,
      url: string | URL,
      options: SetCookieOptions,
      callback: Callback<Cookie | undefined>,
    ): void
    override setCookie(
      cookie: string | Cookie,
      url: string | URL,
      options?: SetCookieOptions,
    ): Promise<Cookie | undefined>
    override setCookie(
      cookie: string | Cookie,
      url: string | URL,
      options: SetCookieOptions | Callback<Cookie | undefined> | undefined,
      callback?: Callback<Cookie | undefined>,
    ): unknown {
      const [how, told] = sorted(options, callback)
      return answer(() => take(cookie, url, how ?? {}), told)
    }

    override getCookies(url: string | URL, callback: Callback<Cookie[]>): void
    override getCookies(
      url: string | URL,
      options: GetCookiesOptions | undefined,
      callback: Callback<Cookie[]>,
    ): void
    override getCookies(url: string | URL, options?: GetCookiesOptions): Promise<Cookie[]>
    override getCookies(
      url: string | URL,
      options: GetCookiesOptions | Callback<Cookie[]> | undefined,
      callback?: Callback<Cookie[]>,
    ): unknown {
      const [how, told] = sorted(options, callback)
      return answer(() => choose(url, how ?? {}), told)
    }

    override getCookieString(
      url: string | URL,
      options: GetCookiesOptions,
      callback: Callback<string | undefined>,
    ): void
    override getCookieString(url: string | URL, callback: Callback<string | undefined>): void
    override getCookieString(url: string | URL, options?: GetCookiesOptions): Promise<string>
    override getCookieString(
      url: string | URL,
      options: GetCookiesOptions | Callback<string | undefined> | undefined,
      callback?: Callback<string | undefined>,
    ): unknown {
      const [how, told] = sorted(options, callback)
      return answer(() => header(url, how), told)
    }

    /** A jar over a copy of the state, or a jar of tough-cookie's own kind when a store for it is given. */
    override cloneSync(newStore?: InstanceType<ToughCookie['Store']>): CookieJar | undefined {
      return newStore === undefined
        ? createWindowJar(tough, new Cell(cell.state, cell.epoch), options)
        : super.cloneSync(newStore)
    }
  }
  const jar = new WindowJar(createCellStore(tough, cell, by))
  cells.set(jar, cell)
  return jar
}

/** tough-cookie's way to say from where a request is made; silence means a navigation typed by the user. */
function contextOf(level: 'strict' | 'lax' | 'none' | undefined): CookieContext {
  switch (level) {
    case 'lax':
      return { sameSite: 'cross-site', navigation: true }
    case 'none':
      return { sameSite: 'cross-site', navigation: false }
    case 'strict':
    case undefined:
      return {}
  }
}

function sorted<O extends object, T>(
  options: O | Callback<T> | undefined,
  callback: Callback<T> | undefined,
): [O | undefined, Callback<T> | undefined] {
  return typeof options === 'function' ? [undefined, options] : [options, callback]
}
