import CachePolicy from 'http-cache-semantics'
import { RequestFailedError, SessionbridgeError, TimedOutError } from '../../errors.ts'
import type { HeadersOf } from '../around.ts'
import { BodyBuffer } from '../wire/body-buffer.ts'
import type { Carrier } from '../carrier.ts'
import { Deadline } from '../deadline.ts'
import { decodeBody } from '../decode.ts'
import { wireError, type Exchange, type Exchanged, type ExchangeRequest } from '../exchange.ts'
import { isSafeMethod, type Hop } from '../hop.ts'
import { defaultMaxResponseBytes, defaultTimeout, type CacheOptions } from '../options.ts'
import { CircuitOpenError } from '../trouble/traffic-errors.ts'
import { headerValue, type HeaderPair } from '../wire/wire.ts'
import {
  answerHeaders,
  askerOf,
  requestHeaders,
  sizeOfHeaders,
  variantOf,
  type CacheHeaders,
} from './cache-headers.ts'
import { StoredAnswers, type StoredAnswer } from './stored-answers.ts'

const defaultMaxBytes = 64 * 1024 * 1024
/** Who writes one of these knows what is cached, and where. */
const ownBusiness = new Set([
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'range',
])

/** A session that has died, or whose renewal has failed. */
const deadly: ReadonlySet<string> = new Set([
  'session-dead',
  'login-failed',
  'held-off',
  'needs-person',
  'not-repeated',
])

export interface Way {
  readonly next: Exchange
  readonly headersOf: HeadersOf
}

/** One request as the cache sees it. */
interface Asked {
  readonly address: string
  readonly hop: Hop
  readonly headers: CacheHeaders
  readonly asker: string
  readonly epoch: number
}

/**
 * A private cache (RFC 9111) of one session: what is fresh is answered from memory, what is stale is asked for with its
 * validators. The rules are http-cache-semantics's; on top of them no answer is given to anybody else than whoever asked for
 * it:
 *
 * - a login or renewal forgets everything, and while one is under way nothing is answered from here;
 * - an answer that was asked for with another Cookie or Authorization header is never given without asking the server, and
 *   only a strong validator may then say that it is the same.
 *
 * It stands outside of what recognises dead sessions, blocks and failures: only answers that have passed that are kept, so
 * that a login page with status 200 is not.
 */
export class ResponseCache {
  readonly #carrier: Carrier
  readonly #answers: StoredAnswers
  readonly #maxResponseBytes: number
  readonly #refreshing = new Set<string>()

  constructor(
    carrier: Carrier,
    { maxBytes = defaultMaxBytes }: CacheOptions,
    maxResponseBytes = defaultMaxResponseBytes,
  ) {
    this.#carrier = carrier
    this.#answers = new StoredAnswers(maxBytes)
    this.#maxResponseBytes = maxResponseBytes
    carrier.cell.subscribe(({ by }) => {
      if (by === 'renewal') this.#answers.clear()
    })
  }

  async exchange(request: ExchangeRequest, deadline: Deadline, way: Way): Promise<Exchanged> {
    try {
      const exchanged = await this.#exchange(request, deadline, way)
      if (exchanged.answer.statusCode === 401 && !exchanged.hop.anonymous) this.#answers.clear()
      return exchanged
    } catch (error) {
      // Pages of a session that is dead would hide that.
      if (error instanceof SessionbridgeError && deadly.has(error.code)) this.#answers.clear()
      throw error
    }
  }

  async #exchange(request: ExchangeRequest, deadline: Deadline, way: Way): Promise<Exchanged> {
    const asked = this.#asked(request, way)
    if (asked === undefined) return this.#passBy(request, deadline, way)
    for (const stored of this.#answers.of(asked.address)) {
      if (variantOf(stored.vary, asked.headers) !== stored.variant) continue
      const { response, revalidation } = stored.policy.evaluateRequest(message(asked))
      if (response !== undefined && stored.asker === asked.asker && this.#carrier.pausing?.() === undefined) {
        deadline.throwIfCancelled()
        if (revalidation !== undefined) this.#refresh(request, asked, stored, way)
        return given(stored, asked, request)
      }
      return this.#revalidate(request, deadline, { asked, stored, way })
    }
    return this.#keep(asked, await way.next(request, deadline), deadline)
  }

  /** `undefined` for what is not for a cache: it changes something, has a body, or its maker looks after it. */
  #asked(request: ExchangeRequest, { headersOf }: Way): Asked | undefined {
    if (request.method !== 'GET' || request.body !== undefined) return undefined
    const hop = request.first()
    if (hop.written.some(([name]) => ownBusiness.has(name.toLowerCase()))) return undefined
    const url = new URL(hop.url)
    url.hash = ''
    const headers = requestHeaders(url, headersOf(hop))
    const address = `${hop.anonymous ? 'anonymous ' : ''}${url.href}`
    return { address, hop, headers, asker: askerOf(headers), epoch: this.#carrier.cell.epoch }
  }

  /** What changes something makes what is known of its address old (RFC 9111, 4.4). */
  async #passBy(request: ExchangeRequest, deadline: Deadline, { next }: Way): Promise<Exchanged> {
    const exchanged = await next(request, deadline)
    const { answer, hop } = exchanged
    if (isSafeMethod(request.method) || answer.statusCode >= 400) return exchanged
    const places = [request.url, hop.url]
    for (const name of ['location', 'content-location']) {
      const place = headerValue(answer.headers, name)
      if (place !== undefined && URL.canParse(place, hop.url)) places.push(new URL(place, hop.url))
    }
    for (const place of places)
      if (place.origin === hop.url.origin || place.origin === request.url.origin) this.#forget(place)
    return exchanged
  }

  #forget(place: URL): void {
    const url = new URL(place)
    url.hash = ''
    this.#answers.forget(url.href)
    this.#answers.forget(`anonymous ${url.href}`)
  }

  async #revalidate(
    request: ExchangeRequest,
    deadline: Deadline,
    { asked, stored, way }: { asked: Asked; stored: StoredAnswer; way: Way },
  ): Promise<Exchanged> {
    const isSame = stored.asker === asked.asker
    const conditions = this.#conditions(asked, stored)
    const first = (): Hop => {
      const hop = request.first()
      // After a renewal somebody else may be asking.
      return this.#carrier.cell.epoch === asked.epoch
        ? { ...hop, written: [...hop.written, ...conditions] }
        : hop
    }
    let exchanged: Exchanged
    try {
      exchanged = await way.next(conditions.length === 0 ? request : { ...request, first }, deadline)
    } catch (error) {
      const stale = isSame && isFailure(error) ? this.#staleIfError(asked, stored) : undefined
      if (stale === undefined) throw error
      return given(stale, asked, request)
    }
    const { answer } = exchanged
    if (answer.statusCode >= 500 && isSame && this.#staleIfError(asked, stored) !== undefined) {
      answer.body.discard()
      return given(stored, asked, request)
    }
    if (answer.statusCode !== 304 || conditions.length === 0) return this.#keep(asked, exchanged, deadline)
    answer.body.discard()
    const said = { status: 304, headers: answerHeaders(answer.headers) }
    const { policy, modified } = stored.policy.revalidatedPolicy(message(asked), said)
    if (modified || exchanged.redirects.length > 0 || exchanged.epoch !== asked.epoch)
      return this.#keep(asked, await way.next(request, deadline), deadline)
    const headBytes = sizeOfHeaders(policy.responseHeaders() as CacheHeaders)
    const again = { ...stored, policy, headBytes, asker: asked.asker }
    this.#answers.put(asked.address, again, stored)
    return given(again, asked, request)
  }

  /** Another asker's answer may only be confirmed by what says that each byte of it is the same. */
  #conditions(asked: Asked, stored: StoredAnswer): HeaderPair[] {
    const headers = stored.policy.revalidationHeaders(message(asked))
    const [tag, since] = [headers['if-none-match'], headers['if-modified-since']]
    const isStrong = typeof tag === 'string' && !tag.startsWith('W/')
    if (stored.asker !== asked.asker) return isStrong ? [['If-None-Match', tag]] : []
    return [
      ...(typeof tag === 'string' ? [['If-None-Match', tag] as const] : []),
      ...(typeof since === 'string' ? [['If-Modified-Since', since] as const] : []),
    ]
  }

  #staleIfError(asked: Asked, stored: StoredAnswer): StoredAnswer | undefined {
    const { policy, modified } = stored.policy.revalidatedPolicy(message(asked), { status: 503, headers: {} })
    return !modified && policy === stored.policy && asked.epoch === this.#carrier.cell.epoch
      ? stored
      : undefined
  }

  /** stale-while-revalidate: in the background, one at a time for each address. Fails silently; the next request asks itself. */
  #refresh(request: ExchangeRequest, asked: Asked, stored: StoredAnswer, way: Way): void {
    if (this.#refreshing.has(asked.address)) return
    this.#refreshing.add(asked.address)
    const deadline = new Deadline(defaultTimeout, () => 'Refreshing a cached answer')
    this.#revalidate({ ...request, whole: 'all' }, deadline, { asked, stored, way })
      .catch(() => undefined)
      .finally(() => {
        deadline.end()
        this.#refreshing.delete(asked.address)
      })
  }

  /** Keeps what may be kept, and gives it on. */
  async #keep(asked: Asked, exchanged: Exchanged, deadline: Deadline): Promise<Exchanged> {
    const { answer, redirects, epoch, blocked } = exchanged
    const isPlain =
      redirects.length === 0 && blocked === undefined && epoch === asked.epoch && !isRedirect(answer)
    if (!isPlain || epoch !== this.#carrier.cell.epoch) return exchanged
    const headers = answerHeaders(answer.headers)
    const policy = new CachePolicy(message(asked), { status: answer.statusCode, headers }, { shared: false })
    const variant = variantOf(headers['vary'], asked.headers)
    const isUseful =
      policy.timeToLive() > 0 || headers['etag'] !== undefined || headers['last-modified'] !== undefined
    if (!policy.storable() || !isUseful || variant === undefined) {
      if (answer.statusCode < 400) this.#answers.forget(asked.address) // it is no longer so
      return exchanged
    }
    const content = exchanged.content ?? (await this.#collect(exchanged, deadline))
    if (content === undefined || content.length > this.#answers.largest) return exchanged
    // While the body came, somebody else may have signed in.
    if (this.#carrier.cell.epoch === asked.epoch)
      this.#answers.put(asked.address, {
        ...{ policy, content, variant, asker: asked.asker },
        vary: headers['vary'],
        headBytes: sizeOfHeaders(headers),
        statusCode: answer.statusCode,
        statusText: answer.statusText,
        cacheControl: headerValue(answer.headers, 'cache-control'),
      })
    return exchanged.content === undefined ? { ...exchanged, content } : exchanged
  }

  /** A stream is read whole only when it says how long it is, and that is not too long. */
  async #collect({ answer, hop }: Exchanged, deadline: Deadline): Promise<Buffer | undefined> {
    const length = Number(headerValue(answer.headers, 'content-length') ?? Infinity)
    if (answer.statusCode >= 400 || !(length <= this.#answers.largest)) return undefined
    try {
      const raw = await answer.body.collect(this.#answers.largest)
      return await decodeBody(raw, answer.headers, this.#maxResponseBytes)
    } catch (error) {
      throw wireError(hop, error, deadline)
    }
  }
}

function message({ address, headers }: Asked): { url: string; method: string; headers: CacheHeaders } {
  return { url: address, method: 'GET', headers }
}

/** Given as it is to a caller who follows none; to the next one it would look like the end of the way. */
function isRedirect({ statusCode, headers }: Exchanged['answer']): boolean {
  return statusCode >= 300 && statusCode < 400 && headers['location'] !== undefined
}

/** No answer at all; a refusal, a dead session or the caller's own wish are no reason to give an old one. */
function isFailure(error: unknown): boolean {
  if (error instanceof TimedOutError || error instanceof CircuitOpenError) return true
  return error instanceof RequestFailedError && error.tier === 'recoverable'
}

/** The stored answer as if it had just come: with its age, without its cookies. */
function given(stored: StoredAnswer, { hop, epoch }: Asked, { whole }: ExchangeRequest): Exchanged {
  const { statusCode, statusText, policy, content, cacheControl } = stored
  const { 'cache-control': _, ...headers } = policy.responseHeaders() as CacheHeaders
  const body = new BodyBuffer({ pause: nothing, resume: nothing, abort: nothing })
  body.push(content)
  body.end()
  return {
    answer: {
      ...{ statusCode, statusText, body },
      headers: { ...headers, ...(cacheControl !== undefined && { 'cache-control': cacheControl }) },
    },
    ...{ hop, epoch, redirects: [] },
    // Clients that ask for successes only take a body for one.
    content: whole === 'success' && statusCode >= 400 ? undefined : content,
  }
}

const nothing = (): void => undefined
