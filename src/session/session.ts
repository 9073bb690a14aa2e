import type { BrowserContext, Page } from 'playwright'
import type { CookieJar } from 'tough-cookie'
import type { SessionHttp } from '../http/client.ts'
import type { SessionRequestInit } from '../http/fetch-request.ts'
import type { SessionFetch } from '../http/fetch.ts'
import type { HeadersForOptions } from '../http/headers/headers-for.ts'
import type { ConnectionOptions } from '../http/wire/tls.ts'
import type { Transport } from '../http/wire/wire.ts'
import type { TrafficFigures } from '../http/trouble/traffic.ts'
import type { Liveness } from '../login/probe.ts'
import type { HeaderRule, Identity } from '../state/identity.ts'
import type { Report } from '../state/report.ts'
import type { SessionState } from '../state/state.ts'
import type { MapOptions, MapResult, MapSource, MapWork } from './map/map-options.ts'
import type { Minimized, MinimizeOptions } from './minimize.ts'
import type { SignedOut } from './operations/sign-out.ts'
import type { Renewal } from './renewal/renewing.ts'
import type { Visit } from './visits/visit.ts'

/** A named, living state: one jar, clients that share it, visits, and saves that follow every change. */
export interface Session extends AsyncDisposable {
  /** `recipe/account`. */
  readonly name: string
  /** Grows by one with every login or renewal. */
  readonly epoch: number
  readonly state: SessionState
  readonly identity: Identity | undefined
  readonly headerRules: readonly HeaderRule[]
  /** A tough-cookie jar that is a window on the state: reading and writing it is reading and writing the session. */
  readonly jar: CookieJar
  /** What the login kept away from the state, and why; a resumed session remembers the first 500 items. */
  readonly dropped: Report
  /** True when `open` ran a login, false when it resumed a stored session. */
  readonly isNew: boolean
  /** Sealed size of the snapshot last read or written, bytes. */
  readonly snapshotBytes: number

  /** got-scraping, wearing the session. Throws `ResponseStatusError` for 4xx and 5xx unless told otherwise. */
  readonly http: SessionHttp
  /** A WHATWG `fetch`, wearing the session; any library that accepts a fetch can be given it. */
  readonly fetch: SessionFetch
  /** How its clients stand with the sites they ask: origins that fail or said "later", and how connections are used. */
  readonly traffic: TrafficFigures
  /**
   * A fetch like `fetch`, over a client of yours: `connect` gets the connection settings of the vault and makes the
   * transport, which sends one request at a time and nothing by itself. It ends with the session.
   */
  through(connect: (options: Readonly<ConnectionOptions>) => Transport): SessionFetch
  /** The headers this session would send to `url`, in order, for clients that are not ours. */
  headersFor(url: string | URL, options?: HeadersForOptions): [name: string, value: string][]
  /**
   * Works through addresses, `concurrency` at a time: `work` is called with each, and does with it what it likes. One that fails
   * is noted, and the others go on; a session that is dead, closed or kept out ends the whole with its error. With a
   * `checkpoint` the same call goes on after a crash. Addresses that would sign out are left out and listed.
   */
  map(urls: MapSource, work: MapWork, options?: MapOptions): Promise<MapResult>
  /**
   * Whether following a link to this address would end the session: by the recipe, by what such addresses are called, and by the
   * links that pages of this session have shown as signing out. Asked by `map` and `crawleeClient`, not by `http` and `fetch`.
   */
  signsOut(url: string | URL): boolean
  /**
   * Runs `visit` with a page that is signed in, then takes home what changed. The browser is opened at first use. Where the
   * site signs its requests with a key that cannot leave the browser, all visits use the page of the login, one at a time.
   */
  browse<T>(visit: (page: Page, context: BrowserContext) => Promise<T>): Promise<T>
  /**
   * A fetch that a page of the session makes, for what HTTP clients cannot do: requests that are signed with a key of the
   * page (DPoP, RFC 9449, by a key pair in its IndexedDB, with nothing to write), or a site that looks for a real browser. The
   * page is kept until `close`. CORS and the page's own rules hold; the answer is read whole; `redirect: 'manual'` is a
   * `TypeError`. After a 401 the page is loaded anew, then signed in anew where that is needed, and what may be sent
   * twice is. Rejects as `fetch` does; a `NeedsBrowserError` as cause says that the page's key was not found. Not from
   * within `browse`: there the page is yours.
   */
  fetchInPage(input: string | URL | Request, init?: SessionRequestInit): Promise<Response>
  /**
   * Makes a context of yours wear the session and keeps both in step until `end()`: what one side writes or deletes is
   * on the other within 100 ms. Any number of contexts, each once at a time.
   */
  attach(context: BrowserContext): Promise<Visit>
  /** Asks the server whether it takes the session. Without a probe the answer is `unclear`. */
  check(): Promise<Liveness>
  /**
   * Finds the smallest state that still passes the probe, with one question after the other (typically some dozens), and
   * with `apply` puts it in place. Best done while nothing else uses the session. Header rules whose source goes say so in
   * `removed`. Throws `ProbeMissingError` without a probe, `SessionDeadError`, and the signal's reason.
   */
  minimize(options?: MinimizeOptions): Promise<Minimized>
  /**
   * Renews it by the cheapest way that works (the recipe's `rotate`, a visit of the site's own page, a login, a person),
   * once for all who ask in all processes, and puts the new state in place of the old. Throws what the last way threw.
   */
  renew(): Promise<Renewal>
  /** Resolves when every change up to now is safe in the store. Saves also happen by themselves. */
  save(): Promise<void>
  /**
   * Ends it on the server by the recipe's `signOut`, proves by the probe that it has ended, removes all copies, and closes.
   * Throws what telling the server threw; then nothing is removed and it stays open.
   */
  signOut(options?: { readonly signal?: AbortSignal }): Promise<SignedOut>
  /** Saves, ends what is open, and lets go. A second call does nothing. */
  close(): Promise<void>
}
