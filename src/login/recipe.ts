import type { BrowserContext, BrowserContextOptions, Page } from 'playwright'

/** What a login may use besides the page. */
export interface LoginTools {
  /**
   * Gives the secret of that name (the vault's function, file or environment) for typing into the page. Refused with
   * `SecretOriginError` while the page stands on an origin that the recipe does not allow.
   */
  secret(name: string): Promise<string>
  readonly account: string
  readonly context: BrowserContext
  readonly signal: AbortSignal
}

/** How to sign in to a site. A value: the same recipe serves the library, the fixtures and the command. */
export interface Recipe {
  /** First part of the session's name: letters, digits, `.`, `_` and `-`. */
  readonly name: string
  /** Where the login begins. */
  readonly url: string
  /** Fills and submits. Need not wait for the end: that is found by evidence. Absent when a person signs in. */
  readonly login?: (page: Page, tools: LoginTools) => Promise<void>
  /** True when the page shows a signed-in user; asked again until true or out of time. Learned when absent. */
  readonly verify?: (page: Page) => Promise<boolean>
  /** Page that needs the session, visited once after the login for learning; default: where the login ends. */
  readonly home?: string
  /** URL of a request that tells a live session from a dead one; learned when absent. */
  readonly probe?: string
  /** Further sites (registrable domains or origins) that take part in the login, such as the identity provider. */
  readonly domains?: readonly string[]
  /** Cookie and storage names that are never cut as trackers; `*` at the end matches any rest. */
  readonly protect?: readonly string[]
  /** Playwright's options for the browser contexts of this recipe. */
  readonly context?: BrowserContextOptions
  /** Whole login, milliseconds; default 60,000 (600,000 when a person signs in). */
  readonly timeout?: number
}
