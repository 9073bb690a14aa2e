import type { Callback, Cookie, ErrorCallback, Nullable, Store } from 'tough-cookie'
import type { Cell } from '../../state/cell.ts'
import type { StateCookie } from '../../state/state.ts'
import { cookieObjectOf } from './cookie-object.ts'
import { ingestSetCookies } from './set-cookie.ts'
import { whereIs } from './where-is.ts'
import type { ToughCookie } from './tough-cookie.ts'

/**
 * The cell as tough-cookie's `Store`, for the parts of a jar that ask the store itself (serialising, cloning, emptying).
 * A cookie's identity in it is ours: host-only and domain cookies of one name are two.
 */
export function createCellStore(tough: ToughCookie, cell: Cell, by: string): Store {
  const objects = (cookies: readonly StateCookie[]): Cookie[] =>
    cookies.map((cookie, order) => cookieObjectOf(tough, cookie, order))
  const matching = (
    domain: Nullable<string>,
    path: Nullable<string>,
    name?: Nullable<string>,
  ): StateCookie[] =>
    cell.state.cookies.filter(
      (cookie) =>
        (domain == null || cookie.domain.replace(/^\./, '') === domain) &&
        (path == null || cookie.path === path) &&
        (name == null || cookie.name === name),
    )
  const remove = (removed: readonly StateCookie[]): void => {
    cell.merge({ set: [], removed, origins: [], removedOrigins: [] }, by)
  }
  const put = (cookie: Cookie): void => {
    ingestSetCookies(cell, whereIs(cookie), [cookie.toString()], { by })
  }

  class CellStore extends tough.Store {
    override synchronous = true

    override findCookie(
      domain: Nullable<string>,
      path: Nullable<string>,
      key: Nullable<string>,
    ): Promise<Cookie | undefined>
    override findCookie(
      domain: Nullable<string>,
      path: Nullable<string>,
      key: Nullable<string>,
      callback: Callback<Cookie | undefined>,
    ): void
    override findCookie(
      domain: Nullable<string>,
      path: Nullable<string>,
      key: Nullable<string>,
      callback?: Callback<Cookie | undefined>,
    ): unknown {
      return answer(() => objects(matching(domain, path, key)).at(0), callback)
    }

    override findCookies(
      domain: Nullable<string>,
      path: Nullable<string>,
      allowSpecialUseDomain?: boolean,
    ): Promise<Cookie[]>
    override findCookies(
      domain: Nullable<string>,
      path: Nullable<string>,
      allowSpecialUseDomain?: boolean,
      callback?: Callback<Cookie[]>,
    ): void
    override findCookies(
      domain: Nullable<string>,
      path: Nullable<string>,
      _allowSpecialUseDomain?: boolean,
      callback?: Callback<Cookie[]>,
    ): unknown {
      return answer(() => objects(matching(domain, path)), callback)
    }

    override putCookie(cookie: Cookie): Promise<void>
    override putCookie(cookie: Cookie, callback: ErrorCallback): void
    override putCookie(cookie: Cookie, callback?: ErrorCallback): unknown {
      return done(() => {
        put(cookie)
      }, callback)
    }

    override updateCookie(old: Cookie, cookie: Cookie): Promise<void>
    override updateCookie(old: Cookie, cookie: Cookie, callback: ErrorCallback): void
    override updateCookie(_old: Cookie, cookie: Cookie, callback?: ErrorCallback): unknown {
      return done(() => {
        put(cookie)
      }, callback)
    }

    override removeCookie(
      domain: Nullable<string>,
      path: Nullable<string>,
      key: Nullable<string>,
    ): Promise<void>
    override removeCookie(
      domain: Nullable<string>,
      path: Nullable<string>,
      key: Nullable<string>,
      callback: ErrorCallback,
    ): void
    override removeCookie(
      domain: Nullable<string>,
      path: Nullable<string>,
      key: Nullable<string>,
      callback?: ErrorCallback,
    ): unknown {
      return done(() => {
        remove(matching(domain, path, key))
      }, callback)
    }

    override removeCookies(domain: string, path: Nullable<string>): Promise<void>
    override removeCookies(domain: string, path: Nullable<string>, callback: ErrorCallback): void
    override removeCookies(domain: string, path: Nullable<string>, callback?: ErrorCallback): unknown {
      return done(() => {
        remove(matching(domain, path))
      }, callback)
    }

    override removeAllCookies(): Promise<void>
    override removeAllCookies(callback: ErrorCallback): void
    override removeAllCookies(callback?: ErrorCallback): unknown {
      return done(() => {
        remove(cell.state.cookies)
      }, callback)
    }

    override getAllCookies(): Promise<Cookie[]>
    override getAllCookies(callback: Callback<Cookie[]>): void
    override getAllCookies(callback?: Callback<Cookie[]>): unknown {
      return answer(() => objects(cell.state.cookies), callback)
    }
  }
  return new CellStore()
}

/** Does it now and says so in the way that was asked for: by callback, before this returns, or by promise. */
export function answer<T>(work: () => T, callback: Callback<T> | undefined): Promise<T> | undefined {
  let result: T
  try {
    result = work()
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error))
    if (callback === undefined) return Promise.reject(failure)
    callback(failure)
    return undefined
  }
  if (callback === undefined) return Promise.resolve(result)
  callback(null, result)
  return undefined
}

function done(work: () => void, callback: ErrorCallback | undefined): Promise<void> | undefined {
  return answer(
    work,
    callback === undefined
      ? undefined
      : (error) => {
          callback(error)
        },
  )
}
