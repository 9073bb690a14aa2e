import type { ConnectionOptions } from './wire/tls.ts'
import type { BlockedFacts } from './trouble/traffic-errors.ts'

/** What a session's clients do when sites fail, say "later", or should not be asked too fast. */
export interface ResilienceOptions {
  /**
   * How requests that ask and do not change (and those marked `idempotent` or with an `Idempotency-Key`) are sent again
   * after a lost connection, a time-out of a phase, or a 408, 429, 500, 502, 503, 504 or 520 to 524. `limit`: how often,
   * default 3. `backOff`: any time up to so many ms before the first, default 300, twice as long before each further one, at
   * most 10,000. `maxWait`: the longest that one request waits in all for an origin that is held, ms, default 30,000; one
   * that would have to wait longer is refused at once with `BlockedError`. `false`: never, and nobody waits.
   */
  readonly retry?: false | { readonly limit?: number; readonly backOff?: number; readonly maxWait?: number }
  /**
   * An origin that fails so often in a row (no connection, 5xx; default 20) is left alone for `cooldown` ms, default 5,000;
   * then one request tries. In the meantime requests reject with `CircuitOpenError`.
   */
  readonly circuit?: false | { readonly failures?: number; readonly cooldown?: number }
  /** Default: no limits. */
  readonly perOrigin?: PerOriginLimits
  /** Told when a firewall, a challenge or a rate limit keeps the session out, once for all noes in a row. */
  readonly onBlocked?: (facts: BlockedFacts) => void
}

/** For each origin that a session asks. */
export interface PerOriginLimits {
  /** Requests at a time, from sending to the end of the answer. */
  readonly concurrency?: number
  /** Requests a second, at even distances. */
  readonly perSecond?: number
  /** How many may wait in line; default 10,000. */
  readonly queue?: number
  /** How long one waits in line, ms; default 300,000. */
  readonly patience?: number
}

/** Milliseconds for each part of an exchange; none is limited by default but by the `timeout` of the whole. */
export interface PhaseTimeouts {
  /** Until a connection is there, TLS included. */
  readonly connect?: number
  /** From then to the head of the answer. */
  readonly headers?: number
  /** From then to the end of the answer. */
  readonly body?: number
}

/** How robots.txt is read. */
export interface RobotsOptions {
  /** Whose rules count: a product name such as `examplebot`; default `sessionbridge`. A site that has none for it: those for `*`. */
  readonly userAgent?: string
}

/** A session's private cache. */
export interface CacheOptions {
  /** Of all bodies together; default 64 MiB. One answer may have an eighth of it. */
  readonly maxBytes?: number
}

/** Settings of a session's HTTP clients. */
export interface HttpOptions extends ConnectionOptions, ResilienceOptions {
  /** Parts of the `timeout`; one that is over counts as a failed connection. */
  readonly timeouts?: PhaseTimeouts
  /** Milliseconds for a whole exchange, redirects and body included; default 30,000; 0 for no limit. It begins anew when a request is sent again; waiting for a renewal or a held origin does not count. */
  readonly timeout?: number
  /**
   * Adds to bodies of fields (`form`, `json`, URLSearchParams, FormData, JSON texts) what the site's own pages add to theirs
   * against forgery, unless it was written; default true.
   */
  readonly tokenFields?: boolean
  /**
   * Answers from memory what the rules of HTTP (RFC 9111) allow a private cache, for this session and login alone; default
   * false.
   */
  readonly cache?: boolean | CacheOptions
  /**
   * Asks for nothing that a site's robots.txt does not allow, and no faster than it says; refuses with `RobotsError`. Default
   * false: a signed-in user is no robot.
   */
  readonly robots?: boolean | RobotsOptions
  /** Default 10. */
  readonly maxRedirects?: number
  /** Bytes of a body after decoding, for answers that are read whole, by `text()` and the like of `session.fetch`, too; default 64 MiB. A `body` that is streamed has no end. */
  readonly maxResponseBytes?: number
  /** Relative addresses are resolved against this. */
  readonly baseUrl?: string
}

export const defaultTimeout = 30_000
export const defaultMaxWait = 30_000
export const defaultMaxRedirects = 10
export const defaultMaxResponseBytes = 64 * 1024 * 1024

/** Every check that a target must pass before anything is sent. Misuse is a `TypeError`, without the URL's secrets. */
export function targetUrl(url: string | URL, baseUrl: string | undefined): URL {
  const target = parsed(url, baseUrl)
  if (target.protocol !== 'https:' && target.protocol !== 'http:')
    throw new TypeError(`Only http and https URLs can be requested, not ${target.protocol}`)
  if (target.username !== '' || target.password !== '')
    throw new TypeError('A URL must not hold a user name or password: put them into an Authorization header.')
  return target
}

function parsed(url: string | URL, baseUrl: string | undefined): URL {
  try {
    return new URL(url, baseUrl)
  } catch {
    throw new TypeError(
      baseUrl === undefined
        ? 'The URL is not absolute. Give the whole address, or set baseUrl.'
        : 'The URL cannot be parsed.',
    )
  }
}
