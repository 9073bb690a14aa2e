import type { BrowserContext, Page } from 'playwright'
import type { HttpOptions } from '../http/client.ts'
import type { Logger } from '../observe/events.ts'
import type { StateCookie } from '../state/state.ts'
import type { AllowedOrigins } from './allowed-origins.ts'
import type { Recipe } from './recipe.ts'
import type { SecretDesk } from './secrets.ts'
import type { RequestWatch } from './learn/watch-requests.ts'

/** What the gate is told by the vault, besides what the login itself finds out. */
export interface LoginPolicy {
  readonly trackers?: 'drop' | 'keep'
  readonly protect?: readonly string[]
}

/** One login under way. */
export interface Attempt {
  /** `recipe/account` */
  readonly session: string
  /** Unix ms. */
  readonly begun: number
  readonly recipe: Recipe
  readonly context: BrowserContext
  readonly page: Page
  readonly watch: RequestWatch
  readonly visited: { readonly origins: ReadonlySet<string> }
  readonly desk: SecretDesk
  readonly allowed: AllowedOrigins
  readonly policy: LoginPolicy
  readonly http: HttpOptions
  readonly logger: Logger
  /** The cookies as they were before anything was typed. */
  before: readonly StateCookie[]
  /** A person may help: what looks like a refusal is not taken for one. */
  readonly attended: boolean
  /** Aborts when the time is over or the caller calls it off. */
  readonly signal: AbortSignal
}

/** Says at level debug how far the login has come. */
export function reached(
  { logger, session, begun }: Pick<Attempt, 'logger' | 'session' | 'begun'>,
  what: string,
): void {
  logger.debug({ session, after: Date.now() - begun }, what)
}

/** How the recipe's own function is doing. */
export interface FunctionRun {
  /** True once it has returned. */
  ended: boolean
  /** What it threw. */
  failure: { readonly error: unknown } | undefined
}
