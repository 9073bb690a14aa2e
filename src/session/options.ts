import type { BrowserOptions } from '../login/browser.ts'
import type { Secrets } from '../login/secrets.ts'
import type { HttpOptions } from '../http/client.ts'
import type { Logger } from '../observe/events.ts'
import type { Store } from '../store/contract.ts'

export interface VaultOptions {
  /** Where sealed sessions stand: `fileStore(directory)`, `memoryStore()`, … The store stays yours to close. */
  readonly store: Store
  /**
   * Sealing key from `generateKey()`, or several: the first seals, all open. `undefined` is accepted by the type so
   * that `process.env.SESSIONBRIDGE_KEY` can be passed as it is, and refused with `KeyInvalidError`.
   */
  readonly key: string | readonly string[] | undefined
  readonly policy?: VaultPolicy
  readonly browser?: BrowserOptions
  readonly http?: HttpOptions
  /** Where `secret(name)` looks; default: environment variables `SESSIONBRIDGE_<RECIPE>_<ACCOUNT>_<NAME>`. */
  readonly secrets?: Secrets
  /** A pino logger, or anything with debug, info and warn; default: silent. */
  readonly logger?: Logger
  /** Folder for screenshots of failed logins; default: a private folder in the system's temporary folder. */
  readonly screenshots?: string
}

export interface VaultPolicy {
  /** Cut cookies and storage of analytics and advertising; default `drop`. */
  readonly trackers?: 'drop' | 'keep'
  /** Names that are never cut; `*` at the end matches any rest. */
  readonly protect?: readonly string[]
  /**
   * How long, in ms, a proof of life counts when a session is opened; default 300,000. An older one is renewed by one
   * probe before `open` returns; `Infinity` trusts every snapshot and leaves it to the first 401.
   */
  readonly freshFor?: number
  /** Longest wait before a change reaches the store, ms; default 200. */
  readonly saveWithin?: number
  /**
   * When the store cannot be reached. `fail` (default): what needs it (`open`, `renew`, `save`, `close`) throws
   * `StoreFailedError`, while a session that is open goes on and is saved when the store is back. `continue`: `open` and
   * `renew` go on from memory, too, each process for itself, so there may be one login per process.
   */
  readonly storeDown?: 'fail' | 'continue'
  /**
   * A process that logs in or renews and is not heard of for so long is replaced by another, ms; default 15,000. It says
   * that it lives three times as often.
   */
  readonly leaseFor?: number
  /**
   * A session is bound to the way out by which it was signed in: a proxy (scheme, user name, host and port), or none. `bound`
   * (default): opened by another, it is refused with `EgressChangedError`. `any`: it may go wherever it is opened. A pool's
   * proxies are `any` unless `bound` is said: a pool moves sessions on purpose.
   */
  readonly egress?: 'bound' | 'any'
}

export interface OpenOptions {
  /** Second part of the session's name; default `default`. */
  readonly account?: string
  /** `if-needed` (default): when nothing is stored or the stored session is dead. */
  readonly login?: 'if-needed' | 'always' | 'never'
  readonly signal?: AbortSignal
}

const vaultFields: Fields<VaultOptions> = {
  store: (value) => isObject(value) && typeof value['read'] === 'function',
  key: (value) => value === undefined || typeof value === 'string' || Array.isArray(value),
  policy: isObject,
  browser: isObject,
  http: isObject,
  secrets: (value) => isObject(value) || typeof value === 'function',
  logger: (value) => isObject(value) && typeof value['warn'] === 'function',
  screenshots: (value) => typeof value === 'string',
}

const policyFields: Fields<VaultPolicy> = {
  trackers: (value) => value === 'drop' || value === 'keep',
  protect: (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
  freshFor: isDuration,
  saveWithin: isDuration,
  storeDown: (value) => value === 'fail' || value === 'continue',
  leaseFor: (value) => Number.isInteger(value) && Number(value) > 0,
  egress: (value) => value === 'bound' || value === 'any',
}

const openFields: Fields<OpenOptions> = {
  account: (value) => typeof value === 'string' && /^[^/\u0000-\u001f]{1,120}$/u.test(value),
  login: (value) => value === 'if-needed' || value === 'always' || value === 'never',
  signal: (value) => value instanceof AbortSignal,
}

/** Throws a `TypeError` that names the option; options are closed, so a misspelt one is misuse too. */
export function checkVaultOptions(options: VaultOptions): void {
  checkFields('createVault', options, vaultFields, ['store'])
  if (options.policy !== undefined) checkFields('createVault policy', options.policy, policyFields, [])
}

export function checkOpenOptions(options: OpenOptions): void {
  checkFields('vault.open', options, openFields, [])
}

type Fields<T> = Record<keyof T, (value: unknown) => boolean>

// By hand and not by zod: these checks stand on the path of a cold start, where loading zod alone would cost most of
// what a bare node start costs (docs/decisions/0001-cold-start.md).
function checkFields(
  where: string,
  options: unknown,
  fields: Record<string, (value: unknown) => boolean>,
  required: string[],
): void {
  if (!isObject(options)) throw new TypeError(`${where} takes an object of options`)
  for (const name of required)
    if (options[name] === undefined) throw new TypeError(`${where} needs the option "${name}"`)
  for (const [name, value] of Object.entries(options)) {
    const check = fields[name]
    if (check === undefined)
      throw new TypeError(`${where} has no option "${name}"; it has ${Object.keys(fields).join(', ')}`)
    if (value !== undefined && !check(value))
      throw new TypeError(`${where}: option "${name}" is not usable as given`)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}
