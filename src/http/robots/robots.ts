import parser from 'robots-parser'
import { RedirectRefusedError, SessionbridgeError } from '../../errors.ts'
import { steadyNow } from '../../observe/clock.ts'
import type { Carrier } from '../carrier.ts'
import { Deadline } from '../deadline.ts'
import type { Exchange, ExchangeRequest } from '../exchange.ts'
import { firstHop } from '../headers/headers-for.ts'
import type { Hop } from '../hop.ts'
import type { RobotsOptions } from '../options.ts'
import { Places } from '../trouble/places.ts'
import { RobotsError } from './robots-error.ts'

interface Rules {
  isAllowed(url: string, userAgent: string): boolean | undefined
  /** Seconds. */
  getCrawlDelay(userAgent: string): number | undefined
}

/** Its typings (3.0.1) declare an ES module's default, but what Node gives for a CommonJS module is the function itself. */
const parseRobots = parser as unknown as (url: string, text: string) => Rules

const defaultUserAgent = 'sessionbridge'
/** RFC 9309, 2.4 and 2.5: bytes that are read at least, and how long they may count. */
const readBytes = 500 * 1024
const countsFor = 24 * 3_600_000
/** After what said nothing, ms. */
const askAgainAfter = 60_000
const askWithin = 30_000
const mostRedirects = 5
/** A longer delay between two requests is taken for this one, s. */
const longestDelay = 60
/** For one who waits in the line that a delay makes, ms. */
const patience = 3_600_000

/** What a site has said. */
interface Word {
  /** On the clock that is never set. */
  readonly until: number
  /** Why nothing may be asked. */
  readonly unreachable?: unknown
  allows(url: URL): boolean
  /** Keeps the distance that the site asks for. */
  readonly pace: Places | undefined
}

/**
 * What the robots.txt of each origin lets a session's clients ask for, and how fast: read once a day and origin, without the
 * session (RFC 9309), and one line per origin for all of them where it asks for a delay.
 */
export class Robots {
  readonly #carrier: Carrier
  readonly #userAgent: string
  readonly #words = new Map<string, Promise<Word>>()

  constructor(carrier: Carrier, { userAgent = defaultUserAgent }: RobotsOptions) {
    this.#carrier = carrier
    this.#userAgent = userAgent
  }

  /** Resolves when it may be sent; rejects with `RobotsError`. `ask` sends what it is given and follows redirects. */
  async admit({ url }: Hop, deadline: Deadline, ask: Exchange): Promise<void> {
    if (url.pathname === '/robots.txt') return
    const word = await this.#wordOf(url, deadline, ask)
    if (word.unreachable !== undefined) throw new RobotsError(url, 'unreachable', { cause: word.unreachable })
    if (!word.allows(url)) throw new RobotsError(url, 'disallowed')
    if (word.pace === undefined) return
    const giveBack = await word.pace.take(url.origin, deadline)
    giveBack() // it is about when to begin, not about how many at a time
  }

  async #wordOf({ origin }: URL, deadline: Deadline, ask: Exchange): Promise<Word> {
    const known = this.#words.get(origin)
    const word = known && (await deadline.waitFor(known))
    if (word !== undefined && steadyNow() < word.until) return word
    // Somebody else may have asked anew while we looked.
    if (this.#words.get(origin) === known) this.#words.set(origin, this.#read(origin, ask))
    return deadline.waitFor(this.#words.get(origin) ?? this.#read(origin, ask))
  }

  /** Never rejects. */
  async #read(origin: string, ask: Exchange): Promise<Word> {
    const url = new URL('/robots.txt', origin)
    const deadline = new Deadline(askWithin, () => `GET ${url.href}`)
    try {
      const { answer, content } = await ask(this.#request(url), deadline)
      const { statusCode } = answer
      if (content === undefined) answer.body.discard()
      // 429 is "later", not "there is none".
      if (statusCode >= 500 || statusCode === 429) return nothing(new Error(`status ${String(statusCode)}`))
      return this.#word(url, statusCode < 300 ? (content ?? Buffer.alloc(0)) : Buffer.alloc(0))
    } catch (error) {
      // Of too many redirects, and of one that no browser follows, RFC 9309 says what it says of a 404.
      if (error instanceof RedirectRefusedError) return this.#word(url, Buffer.alloc(0))
      return nothing(error instanceof SessionbridgeError ? error : new Error('no answer'))
    } finally {
      deadline.end()
    }
  }

  #word(url: URL, content: Buffer): Word {
    const text = content
      .subarray(0, readBytes)
      .toString('utf8')
      .replace(/^\ufeff/, '')
    const robots = parseRobots(url.href, text)
    const delay = Math.min(robots.getCrawlDelay(this.#userAgent) ?? 0, longestDelay)
    return {
      until: steadyNow() + countsFor,
      allows: (asked) => robots.isAllowed(asked.href, this.#userAgent) !== false,
      pace: delay > 0 ? new Places({ perSecond: 1 / delay, patience }) : undefined,
    }
  }

  /** Without cookies: what a site lets robots do does not depend on who is signed in. */
  #request(url: URL): ExchangeRequest {
    const asked = {
      method: 'GET',
      url,
      written: [],
      body: 'none',
      kind: 'navigation',
      anonymous: true,
    } as const
    return {
      ...{ method: 'GET', url, body: undefined, mayRepeat: true, retries: undefined },
      ...{ whole: 'success', redirect: 'follow', maxRedirects: mostRedirects },
      first: () => firstHop(this.#carrier, asked),
    }
  }
}

function nothing(unreachable: unknown): Word {
  return { until: steadyNow() + askAgainAfter, unreachable, allows: () => false, pace: undefined }
}
