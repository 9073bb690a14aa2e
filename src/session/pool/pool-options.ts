import { proxyOf } from '../../http/wire/proxy.ts'
import type { Session } from '../session.ts'

export interface PoolOptions {
  /**
   * Whose pool it is: letters, digits, `.`, `_` and `-`, at most 40. Its sessions are named `recipe/tenant~account`, so no
   * pool of another tenant, nor one without, ever opens them; secrets are looked up for the account `tenant~account`.
   */
  readonly tenant?: string
  /** Sessions that stay open between uses; default 10. The one that was used longest ago is closed first. */
  readonly keepOpen?: number
  /** A session that stays open and is not used is closed after so many ms; default 300,000. */
  readonly idle?: number
  /** An account whose user is not heard of for so long is free for others, ms; default 30,000. */
  readonly ttl?: number
  /**
   * HTTP proxies. Each session gets one and keeps it, in all processes, as long as it is in the list; logins and visits
   * go through it, too. A proxy that is taken out or put in moves no session but its own.
   */
  readonly proxies?: readonly string[]
  /** How long `close` waits for uses that are under way before it ends them, ms; default 30,000. */
  readonly closeWithin?: number
}

export interface UseOptions {
  /** Ends the waiting and the opening; what your function does with it is its own business. */
  readonly signal?: AbortSignal
  /** Longest wait for a free account, ms, over all retries; default 60,000. */
  readonly timeout?: number
  /** How many further accounts are tried when one turns out to be dead, locked, blocked or behind a dead proxy; default 0. */
  readonly retries?: number
}

/** What a use is told besides its session. */
export interface Using {
  /** Aborts when the account is no longer ours, when the pool closes, and with the caller's signal. */
  readonly signal: AbortSignal
}

export type Use<T> = (session: Session, using: Using) => Promise<T>

export interface PoolStats {
  readonly accounts: number
  /** Fit for use and, as far as is known here, not in use. */
  readonly free: number
  /** In use by this process. */
  readonly busy: number
  /** In use by others when it was last looked at. */
  readonly elsewhere: number
  /** Not to be used for now: quarantined, or held off after failed logins. */
  readonly quarantined: number
  /** Sessions that this process has open, in use or kept. */
  readonly open: number
  /** Uses that wait for an account. */
  readonly waiting: number
}

/** Throws a `TypeError` that names what is wrong, without repeating a proxy's password. */
export function checkPool(accounts: readonly string[], options: PoolOptions): void {
  if (!Array.isArray(accounts) || accounts.length === 0 || !accounts.every(isAccount))
    throw new TypeError(
      'vault.pool takes at least one account: texts of 1 to 80 characters without "/" and "~"',
    )
  if (new Set(accounts).size < accounts.length)
    throw new TypeError('vault.pool: an account stands in the list twice')
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(fields, name) ? fields[name as keyof PoolOptions] : undefined
    if (check === undefined)
      throw new TypeError(`vault.pool has no option "${name}"; it has ${Object.keys(fields).join(', ')}`)
    if (value !== undefined && !check(value))
      throw new TypeError(`vault.pool: option "${name}" is not usable as given`)
  }
  checkProxies(options.proxies ?? [])
}

export function checkProxies(proxies: readonly string[]): void {
  for (const proxyUrl of proxies) proxyOf({ proxyUrl })
}

const fields: Record<keyof PoolOptions, (value: unknown) => boolean> = {
  tenant: (value) => typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/.test(value),
  keepOpen: (value) => Number.isInteger(value) && Number(value) >= 0,
  idle: isDuration,
  ttl: (value) => Number.isInteger(value) && Number(value) >= 100,
  proxies: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
  closeWithin: isDuration,
}

function isAccount(account: unknown): boolean {
  return typeof account === 'string' && /^[^/~\u0000-\u001f]{1,80}$/u.test(account)
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}
