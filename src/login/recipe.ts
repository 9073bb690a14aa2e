import type { BrowserContext, BrowserContextOptions, Page } from 'playwright'
import type { SessionHttp } from '../http/client.ts'
import type { SeenAnswer } from '../http/trouble/dead-signs.ts'
import type { StateCookie } from '../state/state.ts'
import { keptNames } from './auth/kept.ts'
import { declaredRules, type DeclaredHeader } from './learn/declared-headers.ts'

/** What a login may use besides the page. */
export interface LoginTools {
  /**
   * Gives the secret of that name (the vault's function, file or environment) for typing into the page. Refused with
   * `SecretOriginError` while a page of the login stands on an origin that the recipe does not allow, and with
   * `SecretMissingError` when it is found nowhere.
   */
  readonly secret: (name: string) => Promise<string>
  readonly account: string
  readonly context: BrowserContext
  /** Aborts when the login is out of time, given up, or called off. */
  readonly signal: AbortSignal
}

/** What a rotation may use: the session as it stands, nothing of a browser. */
export interface RotateTools {
  /** Wears the session, header rules included, and does not renew. What it is answered goes into the session. */
  readonly http: SessionHttp
  /** A storage item of an origin such as `https://app.example`, as the site's own script would read it. */
  readonly getItem: (
    origin: string,
    key: string,
    area?: 'localStorage' | 'sessionStorage',
  ) => string | undefined
  /** Writes one; header rules that are made from it follow. `undefined` removes it. */
  readonly setItem: (
    origin: string,
    key: string,
    value: string | undefined,
    area?: 'localStorage' | 'sessionStorage',
  ) => void
  /** What the sites have set, as it stands. */
  readonly cookies: () => readonly StateCookie[]
  /** What `keep` has kept, unless it has ended. */
  readonly kept: (name: string) => string | undefined
  /**
   * Keeps a value of the session that no page and no request is to see, such as a refresh token: sealed, saved and rotated
   * with the rest. `undefined` removes it. `expiresAt` is Unix ms.
   */
  readonly keep: (
    name: string,
    value: string | undefined,
    options?: { readonly expiresAt?: number | undefined; readonly outlives?: boolean },
  ) => void
  /**
   * Sends this header from now on, with everything that carries the session. The value is kept in the state. Throws
   * `RecipeInvalidError` for an origin that is neither of the recipe's site nor among its `domains`.
   */
  readonly setHeader: (header: string, value: string, options?: HeaderOptions) => void
  /** The secret of that name; show it only to the site that it belongs to. */
  readonly secret: (name: string) => Promise<string>
  /** Ends the attempt: the site has said no to what it was shown, and the same secrets are not tried again. */
  readonly reject: (why: string) => never
  readonly signal: AbortSignal
}

export interface HeaderOptions {
  /** Where it goes; default: the origin of the recipe's `url`. */
  readonly origins?: readonly string[]
  /** `unsafe`: only with requests that are not GET, HEAD or OPTIONS; default `all`. */
  readonly methods?: 'all' | 'unsafe'
  /** Text before the value, such as `Bearer `. */
  readonly prefix?: string
  /** The value is that of this cookie from now on, whatever it is at the time; then nothing is kept. */
  readonly fromCookie?: string
  /** Unix ms; it is not sent after that, and the session is renewed before. Default: no known end. */
  readonly expiresAt?: number | undefined
}

/** What a sign-in without a browser may use. Its `http` leads only to the recipe's own site and `domains`. */
export interface SignInTools extends RotateTools {
  readonly account: string
  /**
   * For a step that needs a page, such as a consent: opens the browser, and takes home its cookies and storage. `secret`
   * is that of `login`: refused while a page stands where the recipe does not allow it.
   */
  readonly browse: <T>(visit: (page: Page, tools: LoginTools) => Promise<T>) => Promise<T>
}

/** How to sign in to a site. A value: the same recipe serves the library, the fixtures and the command. */
export interface Recipe {
  /** First part of the session's name: letters, digits, `.`, `_` and `-`. */
  readonly name: string
  /** Where the login begins. */
  readonly url: string
  /** Fills and submits. Need not wait for the end: that is found by evidence. Absent when a person signs in. */
  readonly login?: (page: Page, tools: LoginTools) => Promise<void>
  /**
   * Signs in without a browser, in the place of `login`: asks over HTTP and says by `setHeader`, `keep` and the cookies that
   * it is given what the session is made of. Must do all of it: nothing is learned from pages.
   */
  readonly signIn?: (tools: SignInTools) => Promise<void>
  /** True when the page shows a signed-in user; asked again until true or out of time. Learned when absent. */
  readonly verify?: (page: Page) => Promise<boolean>
  /** Page that needs the session, visited once after the login for learning; default: where the login ends. */
  readonly home?: string
  /** URL of a request that tells a live session from a dead one; learned when absent. */
  readonly probe?: string
  /**
   * True when an answer is one to a dead session, for sites that neither say 401 nor lead to their login page. Asked with
   * every answer, so it must be quick; the probe is asked before anything is renewed.
   */
  readonly isDead?: (answer: SeenAnswer) => boolean
  /** Further sites (registrable domains or origins) that take part in the login, such as the identity provider. */
  readonly domains?: readonly string[]
  /** Cookie and storage names that are never cut as trackers; `*` at the end matches any rest. */
  readonly protect?: readonly string[]
  /** Headers and body fields that requests of the session carry, where they are not learned; these win over learned ones. */
  readonly headers?: readonly DeclaredHeader[]
  /** Playwright's options for the browser contexts of this recipe. */
  readonly context?: BrowserContextOptions
  /** Whole login, milliseconds; default 60,000 (600,000 when a person signs in). */
  readonly timeout?: number
  /**
   * First rung of a renewal: the site's refresh endpoint over HTTP. A URL is sent a POST without a body (what it sets as
   * cookies is the renewal); a function does what else it takes. One that resolves with `issued` has been given new tokens
   * by their issuer: they are taken also when the probe cannot be asked just now, for the old ones may be spent.
   */
  readonly rotate?: string | ((tools: RotateTools) => Promise<void> | Promise<'issued'>)
  /**
   * Second rung: lets the site's own page renew itself in a browser that wears the session. A URL to visit, `true` for
   * `home` (or where `url` leads), `false` for never; default: true when header rules are made from web storage, as
   * applications do that hold a refresh token.
   */
  readonly revisit?: boolean | string
  /** Ends the session on the server: a URL that is sent a POST, or a function that may use the page's ways. */
  readonly signOut?: string | ((tools: RotateTools) => Promise<void>)
  /** Asks the probe after so many ms without a request, for sites that sign idle users out; default: never. */
  readonly keepAlive?: number
  /** Failed logins after which all hold off, so that the site does not lock the account; default 3 within 900,000 ms. */
  readonly attempts?: { readonly limit: number; readonly within: number }
}

const checks: Record<keyof Recipe, [check: (value: unknown) => boolean, expected: string]> = {
  name: [isName, 'letters, digits, ".", "_" and "-", at most 64, beginning with a letter or digit'],
  url: [isWebUrl, 'an absolute http or https URL without user name and password'],
  login: [isFunction, 'an async function (page, { secret }) => …'],
  signIn: [isFunction, 'an async function ({ http, secret, setHeader }) => …, in the place of login'],
  verify: [isFunction, 'an async function (page) => boolean'],
  home: [isWebUrl, 'an absolute http or https URL'],
  probe: [isWebUrl, 'an absolute http or https URL'],
  isDead: [isFunction, 'a function (answer) => boolean'],
  domains: [(value) => isListOf(value, isDomainOrOrigin), 'a list of domains ("id.example") or origins'],
  protect: [(value) => isListOf(value, isNonEmpty), 'a list of cookie and storage names'],
  headers: [(value) => isListOf(value, isPlainObject), 'a list of { header, source } (docs/header-rules.md)'],
  context: [isPlainObject, "an object of Playwright's context options"],
  timeout: [isDuration, 'a number of milliseconds above zero'],
  rotate: [
    isUrlOrFunction,
    'an absolute http or https URL, or an async function ({ http, getItem, setItem }) => …',
  ],
  revisit: [(value) => typeof value === 'boolean' || isWebUrl(value), 'true, false, or an absolute URL'],
  signOut: [isUrlOrFunction, 'an absolute http or https URL, or an async function ({ http }) => …'],
  keepAlive: [isDuration, 'a number of milliseconds above zero'],
  attempts: [isAttemptLimit, '{ limit: a whole number above zero, within: milliseconds }'],
}

/**
 * Checks a recipe at the door and freezes a copy of it. Throws a `TypeError` that names the field when something is
 * missing, misspelt or of the wrong kind. (By hand, not by a schema library: this stands on the path of a cold start.)
 */
export function defineRecipe(recipe: Recipe): Recipe {
  if (!isPlainObject(recipe)) throw new TypeError('defineRecipe takes an object with at least name and url')
  for (const field of Object.keys(recipe)) {
    if (!Object.hasOwn(checks, field))
      throw new TypeError(`Recipe has no field "${field}"; it has ${Object.keys(checks).join(', ')}`)
  }
  for (const [field, [check, expected]] of Object.entries(checks)) {
    const value = recipe[field as keyof Recipe]
    if (value === undefined && field !== 'name' && field !== 'url') continue
    if (!check(value)) throw new TypeError(`Recipe field "${field}" must be ${expected}`)
  }
  if (recipe.login !== undefined && recipe.signIn !== undefined)
    throw new TypeError('Recipe fields "login" and "signIn" are two ways of the same: give one of them')
  declaredRules(recipe)
  return Object.freeze({
    ...recipe,
    ...(recipe.domains !== undefined && { domains: Object.freeze([...recipe.domains]) }),
    ...((recipe.protect !== undefined || recipe.signIn !== undefined) && {
      protect: Object.freeze([
        ...(recipe.protect ?? []),
        ...(recipe.signIn === undefined ? [] : [keptNames]),
      ]),
    }),
    ...(recipe.context !== undefined && { context: Object.freeze({ ...recipe.context }) }),
  })
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value)
}

function isWebUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, username, password } = new URL(value)
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === ''
}

function isDomainOrOrigin(value: unknown): boolean {
  if (typeof value !== 'string') return false
  if (value.includes('://')) return isWebUrl(value) && new URL(value).pathname === '/'
  return /^[^\s/:?#@*]+$/.test(value) && URL.canParse(`https://${value}/`)
}

function isListOf(value: unknown, check: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(check)
}

function isNonEmpty(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function isUrlOrFunction(value: unknown): boolean {
  return isFunction(value) || isWebUrl(value)
}

function isAttemptLimit(value: unknown): boolean {
  if (!isPlainObject(value)) return false
  return Number.isInteger(value['limit']) && Number(value['limit']) > 0 && isDuration(value['within'])
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}
