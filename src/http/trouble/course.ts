import { tierOfStatus } from '../../error-codes.ts'
import { RequestFailedError, SessionbridgeError, SessionDeadError, TimedOutError } from '../../errors.ts'
import { steadyNow } from '../../observe/clock.ts'
import type { Cell } from '../../state/cell.ts'
import { blockOf, saysNo } from './block-signs.ts'
import type { Carrier, Revival } from '../carrier.ts'
import { deadSign, type SeenAnswer } from './dead-signs.ts'
import type { Deadline } from '../deadline.ts'
import type { Exchanged, ExchangeRequest } from '../exchange.ts'
import { backOff, retryAfter } from './retry-after.ts'
import { beginningOf } from './glimpse.ts'
import { glimpse } from './suspicion.ts'
import { BlockedError, CircuitOpenError, NotRepeatedError, type Blocker } from './traffic-errors.ts'
import { headerValue } from '../wire/wire.ts'

const defaultRetries = 3
/** Own renewal, and renewals by others that came between sending and answer. */
const mostRepeats = 3
/** How long the probe's "alive" clears a place of the same sign, ms. A 401 is definite and is asked about again sooner. */
const clearedFor = 10_000
const clearedFor401 = 1_000
/** For the beginning of an answer that is not read whole, ms. */
const glimpseWithin = 1_000

/** Places that look like a dead session's and were none, by session. */
const cleared = new WeakMap<Cell, Map<string, number>>()

/** What becomes of one request that has met trouble. Counts what it was allowed. */
export class Course {
  readonly #carrier: Carrier
  readonly #request: ExchangeRequest
  readonly #deadline: Deadline
  readonly #retries: number
  readonly #backOff: number | undefined
  #failures = 0
  #renewed = false
  #repeats = 0

  constructor(carrier: Carrier, request: ExchangeRequest, deadline: Deadline) {
    this.#carrier = carrier
    this.#request = request
    this.#deadline = deadline
    const retry = carrier.traffic?.options.retry
    const usual = carrier.traffic === undefined || retry === false ? 0 : (retry?.limit ?? defaultRetries)
    this.#backOff = retry === false ? undefined : retry?.backOff
    this.#retries = request.mayRepeat ? (request.retries ?? usual) : 0
  }

  /** Returns: send again. Throws: it is over. */
  async afterFailure(error: unknown): Promise<void> {
    const { traffic } = this.#carrier
    const isAnswer = error instanceof CircuitOpenError || error instanceof BlockedError
    if (!isAnswer) {
      if (error instanceof RequestFailedError) await traffic?.failed(new URL(error.url))
      else if (error instanceof TimedOutError) await traffic?.failed(this.#request.url)
      else traffic?.gaveUp(this.#request.url)
    }
    const passes = error instanceof SessionbridgeError && error.tier === 'recoverable' && !isAnswer
    if (!passes || this.#deadline.reason !== undefined || this.#failures >= this.#retries) throw error
    await this.#deadline.wait(backOff(this.#failures++, this.#backOff))
  }

  /** The answer to be given; `undefined`: send again. */
  async afterAnswer(exchanged: Exchanged): Promise<Exchanged | undefined> {
    const { hop, redirects, answer } = exchanged
    const seen = await see(exchanged)
    const blocker = blockOf(seen)
    if (blocker !== undefined) return this.#blocked(exchanged, blocker)
    if (!hop.anonymous && this.#carrier.revive !== undefined) {
      const location = headerValue(answer.headers, 'location')
      const target =
        location !== undefined && URL.canParse(location, hop.url) ? [new URL(location, hop.url).href] : []
      const asked = { url: this.#request.url, sentTo: [...redirects, ...target] }
      const sign = deadSign(seen, asked, this.#carrier.deadSigns)
      if (sign !== undefined) return this.#dead(exchanged, sign)
    }
    return this.#failed(exchanged)
  }

  /** A status that may be another in a moment. */
  async #failed(exchanged: Exchanged): Promise<Exchanged | undefined> {
    const { answer, hop } = exchanged
    const { traffic } = this.#carrier
    if (traffic === undefined || tierOfStatus(answer.statusCode) !== 'recoverable') return exchanged
    const asked = retryAfter(answer.headers)
    if (asked !== undefined) (await traffic.of(hop.url)).hold('rate limit', asked)
    if (this.#failures >= this.#retries) return exchanged
    discard(exchanged)
    const wait = backOff(this.#failures++, this.#backOff)
    if (asked === undefined) await this.#deadline.wait(wait) // else all wait until the origin may be asked
    return undefined
  }

  /** Not a dead session. All clients of the session leave the origin alone; only a limit is worth another try. */
  async #blocked(exchanged: Exchanged, by: Blocker): Promise<Exchanged | undefined> {
    const { answer, hop } = exchanged
    const { name, traffic } = this.#carrier
    if (traffic === undefined) return exchanged
    const origin = await traffic.of(hop.url)
    const isFirst = origin.hold(by, retryAfter(answer.headers))
    const error = origin.blocked(name, hop.url, answer.statusCode, by)
    if (isFirst) this.#carrier.blocked?.(error)
    if (by === 'rate limit' && this.#failures < this.#retries) {
      this.#failures += 1
      discard(exchanged)
      return undefined
    }
    if (answer.statusCode >= 400) return { ...exchanged, blocked: error }
    discard(exchanged)
    throw error // it looks like success
  }

  async #dead(exchanged: Exchanged, sign: string): Promise<Exchanged | undefined> {
    const { answer, epoch } = exchanged
    const { name, cell } = this.#carrier
    const isDisguised = answer.statusCode < 400
    const isStale = epoch < cell.epoch
    if (this.#renewed && !isStale && !isDisguised) return exchanged // its status says it
    if (!isStale && this.#isCleared(sign)) return this.#failed(exchanged)
    const revival = await this.#revive(exchanged, sign)
    if (revival === 'dead' && isDisguised) {
      discard(exchanged)
      const why = this.#renewed
        ? `it was renewed, and the site still answers as to nobody (${sign})`
        : `the site answers as to nobody (${sign})`
      throw new SessionDeadError(name, why)
    }
    if (revival === 'alive') this.#clear(sign)
    if (revival !== 'renewed') return this.#failed(exchanged)
    this.#renewed = true
    if (this.#request.mayRepeat && this.#repeats++ < mostRepeats) {
      discard(exchanged)
      return undefined
    }
    if (!isDisguised) return exchanged
    discard(exchanged)
    throw new NotRepeatedError(name, this.#request.method, this.#request.url)
  }

  /** A renewal has deadlines of its own and may well take longer than a request. */
  async #revive({ answer, hop, epoch }: Exchanged, sign: string): Promise<Revival> {
    const facts = { epoch, status: answer.statusCode, url: hop.url, sign, renew: !this.#renewed }
    const asked = this.#carrier.revive?.(facts) ?? Promise.resolve('unclear' as const)
    try {
      return await this.#deadline.waitFor(asked)
    } catch (error) {
      answer.body.discard()
      throw error
    }
  }

  #isCleared(sign: string): boolean {
    const until = cleared.get(this.#carrier.cell)?.get(this.#place(sign))
    return until !== undefined && steadyNow() < until
  }

  #clear(sign: string): void {
    const places = cleared.get(this.#carrier.cell) ?? new Map<string, number>()
    cleared.set(this.#carrier.cell, places)
    if (places.size >= 1_000) places.clear()
    places.set(this.#place(sign), steadyNow() + (sign === 'status 401' ? clearedFor401 : clearedFor))
  }

  #place(sign: string): string {
    const { method, url } = this.#request
    return `${method} ${url.origin}${url.pathname} ${sign}`
  }
}

/** Its body as far as it is known, or comes at once; nothing is taken away from the caller. */
async function see({ answer, hop, content }: Exchanged): Promise<SeenAnswer> {
  const { statusCode: status, headers } = answer
  const facts = { status, url: hop.url.href, headers }
  if (content !== undefined) return { ...facts, text: content.toString('utf8', 0, 4 * glimpse) }
  if (hop.method === 'HEAD') return { ...facts, text: '' }
  const isAwaited = saysNo(status) || (status < 500 && headers['content-length'] !== undefined)
  return { ...facts, text: await beginningOf(answer, isAwaited ? glimpseWithin : 0) }
}

function discard({ answer, content }: Exchanged): void {
  if (content === undefined) answer.body.discard()
}
