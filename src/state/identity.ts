export type { HeaderRule, RuleSource } from './header-rule.ts'

/**
 * How the site knows this browser, captured from a real navigation of the login browser and kept on every client.
 */
export interface Identity {
  readonly userAgent: string
  /** Headers of a top-level navigation as the browser sent them, in its order, without Cookie, Host and the like. */
  readonly navigationHeaders: readonly (readonly [name: string, value: string])[]
  /** Such as `['en-US', 'en']`. */
  readonly languages: readonly string[]
  readonly timeZone?: string
  readonly viewport?: { readonly width: number; readonly height: number }
  readonly colorScheme?: 'light' | 'dark'
  /** What the browser tells sites that ask for client hints, beyond what it tells everybody; names in lower case. */
  readonly clientHints?: readonly (readonly [name: string, value: string])[]
  /** Which of them which origin has asked for (`Accept-CH`), the latest last. */
  readonly hintsAsked?: Readonly<Record<string, readonly string[]>>
  /** Whether pages of other sites get cookies in this browser; absent when the login did not show it. */
  readonly thirdPartyCookies?: 'allowed' | 'blocked'
}

/** A request whose answers with and without the session differ and are each stable. Proves life. */
export interface Probe {
  readonly url: string
  /** How a live session answers. */
  readonly alive: ProbeAnswer
  /** How the same request is answered without the session. */
  readonly dead: ProbeAnswer
}

/** The stable features of an answer, hashed where they could hold a secret. */
export interface ProbeAnswer {
  readonly status: number
  /** Path of the redirect target, without query, when the answer is a redirect. */
  readonly location?: string
  /** SHA-256 (base64url) of the body, only if two answers in a row were equal. */
  readonly bodyHash?: string
  readonly contentType?: string
  /** What is in this kind of answer and not in the other one of the probe: names and addresses that speak of signing in. */
  readonly marks?: readonly string[]
}
