import type { Readable } from 'node:stream'
import { createAttempts } from './trouble/attempts.ts'
import { ingestSetCookies } from '../bridge/jar/set-cookie.ts'
import { RedirectRefusedError, RequestFailedError, SessionbridgeError } from '../errors.ts'
import type { Cell } from '../state/cell.ts'
import type { Carrier } from './carrier.ts'
import { followHints } from './headers/client-hints.ts'
import type { Deadline } from './deadline.ts'
import { decodeBody, hasNoBody } from './decode.ts'
import { cookieContext, createHeaderMaker } from './headers/headers-for.ts'
import { isSafeMethod, type Hop } from './hop.ts'
import { defaultMaxResponseBytes, type HttpOptions } from './options.ts'
import { createLiving, type Living } from './rules/living.ts'
import { nextHop } from './redirects.ts'
import { rememberSecureHost, secureHop, secureUrl } from './secure-hosts.ts'
import { NeedsBrowserError, type BlockedError } from './trouble/traffic-errors.ts'
import type { Transport, WireAnswer, WireRequest } from './wire/wire.ts'
import { headerValue, headerValues } from './wire/wire.ts'

export interface ExchangeRequest {
  readonly method: string
  readonly url: URL
  /** Made anew for every attempt: after a renewal the rules may have changed. */
  readonly first: () => Hop
  readonly body: Uint8Array | Readable | undefined
  readonly redirect: 'follow' | 'manual' | 'error'
  readonly maxRedirects: number
  /** Sending it twice changes nothing more than sending it once. */
  readonly mayRepeat: boolean
  /** Of failed attempts; `undefined`: as the session has it. */
  readonly retries: number | undefined
  /** Its body is made of fields of ours: those that pages send against forgery are added (`in: 'body'` rules). */
  readonly fields?: boolean
  /** It reads again what another one carries: neither does that itself. */
  readonly reading?: true
  /** Which answers are read whole, decoded, before they are given; of the others only those that are here at once. */
  readonly whole: 'all' | 'success' | 'none'
}

export interface Exchanged {
  readonly answer: WireAnswer
  /** The request that was answered: the last of the redirects. */
  readonly hop: Hop
  /** Where redirects led, in order; the last one is where the answer comes from. */
  readonly redirects: readonly string[]
  /** Of the session when the answered request was sent. */
  readonly epoch: number
  /** The decoded body, when all of it was read. */
  readonly content: Buffer | undefined
  /** Set when the answer is a firewall's or a rate limit's. */
  readonly blocked?: BlockedError
}

export type Exchange = (request: ExchangeRequest, deadline: Deadline) => Promise<Exchanged>

/**
 * What all clients do alike around one request: headers from identity, rules and jar; send; take in Set-Cookie; follow
 * redirects as a browser would; and again when that is allowed and of use (`createAttempts`).
 */
export function createExchange(carrier: Carrier, transport: Transport, options: HttpOptions = {}): Exchange {
  const maker = createHeaderMaker(carrier)
  const living = createLiving(carrier, follow)
  const { timeouts, maxResponseBytes = defaultMaxResponseBytes } = options

  async function follow(request: ExchangeRequest, deadline: Deadline): Promise<Exchanged> {
    let hop = secureHop(carrier.cell, request.first())
    const redirects: string[] = []
    const opening = living(request, deadline)
    const rules = opening && (await opening)
    for (;;) {
      const { cell } = carrier
      if (carrier.browserOnly?.has(hop.url.origin) === true) refuseUnsigned(carrier, hop)
      const waiting = admission(hop, deadline)
      if (waiting !== undefined) await waiting
      if (carrier.robots !== undefined) await carrier.robots(hop, deadline, follow)
      if (rules !== undefined) await rules.prepare(hop)
      const epoch = cell.epoch
      const answer = await sendOnce(request, hop, deadline, rules)
      if (answer.headers['strict-transport-security'] !== undefined)
        rememberSecureHost(cell, hop.url, answer.headers)
      if (answer.statusCode >= 500) await carrier.traffic?.failed(hop.url)
      else carrier.traffic?.succeeded(hop.url)
      if (!hop.anonymous && cell.epoch === epoch) {
        takeIn(hop, answer)
        const acceptCh = answer.headers['accept-ch']
        if (acceptCh !== undefined && followHints(carrier, hop, answer.headers)) {
          answer.body.discard()
          hop = { ...hop, startedAgain: true }
          continue
        }
      }
      if (rules !== undefined && answer.statusCode >= 400 && (await rules.isOver(hop, answer))) {
        answer.body.discard()
        continue
      }
      const next = request.redirect === 'manual' ? undefined : redirected(cell, hop, answer)
      if (next === undefined) {
        const isRead = readsWhole(request, answer) || rules?.wants(hop, answer) === true
        const content = isRead ? await readContent(hop, answer, deadline) : undefined
        if (cell.epoch === epoch) rules?.take(hop, { answer, content })
        return { answer, hop, redirects, epoch, content }
      }
      answer.body.discard()
      if (request.redirect === 'error') throw new RedirectRefusedError(hop.url, 'redirects were ruled out')
      if (redirects.length === request.maxRedirects)
        throw new RedirectRefusedError(hop.url, `there were ${String(redirects.length)} before it`)
      redirects.push(next.url.href)
      hop = next
    }
  }

  /** Not while a dead session is renewed, nor while its origin is held or has failed too often. `undefined`: go on. */
  function admission(hop: Hop, deadline: Deadline): Promise<void> | undefined {
    const { traffic } = carrier
    const pausing = hop.anonymous ? undefined : carrier.pausing?.()
    const asker = { session: carrier.name, url: hop.url }
    if (pausing === undefined) return traffic?.admission(asker, deadline)
    return deadline.waitFor(pausing).then(() => traffic?.admission(asker, deadline))
  }

  async function sendOnce(
    request: ExchangeRequest,
    hop: Hop,
    deadline: Deadline,
    rules: Living | undefined,
  ): Promise<WireAnswer> {
    deadline.throwIfCancelled()
    const whole = hop.body === 'none' ? bodyOfNone(hop.method) : request.body
    const body = rules === undefined ? whole : rules.filled(hop, whole)
    const wire = { method: hop.method, url: hop.url, headers: maker.headers(hop), body }
    carrier.sent?.()
    try {
      return await sendInTime(wire, deadline)
    } catch (error) {
      const mayGoAgain = isSafeMethod(hop.method) && hop.body !== 'stream'
      if (deadline.isCancelled || !mayGoAgain || !isStaleConnection(error))
        throw wireError(hop, error, deadline)
    }
    // The server had closed the idle connection at the very moment we used it. Browsers send again, and so do we.
    try {
      return await sendInTime(wire, deadline)
    } catch (error) {
      throw wireError(hop, error, deadline)
    }
  }

  function sendInTime(wire: WireRequest, deadline: Deadline): Promise<WireAnswer> {
    if (timeouts === undefined) return transport.send(wire, deadline)
    deadline.phase('connect', timeouts.connect)
    deadline.connected = () => {
      deadline.phase('headers', timeouts.headers)
    }
    return transport.send(wire, deadline).finally(() => {
      deadline.phase('body', timeouts.body)
    })
  }

  /** Bodies that are here already cost nothing to read, and tell more than a head does. */
  function readsWhole({ whole }: ExchangeRequest, { statusCode, body }: WireAnswer): boolean {
    return whole === 'all' || (whole === 'success' ? statusCode < 400 : body.complete)
  }

  async function readContent(hop: Hop, answer: WireAnswer, deadline: Deadline): Promise<Buffer> {
    const { statusCode, headers } = answer
    try {
      const raw = await answer.body.collect(maxResponseBytes)
      if (headers['content-encoding'] === undefined || hasNoBody(hop.method, statusCode)) return raw
      return await decodeBody(raw, headers, maxResponseBytes)
    } catch (error) {
      throw wireError(hop, error, deadline)
    } finally {
      if (timeouts !== undefined) deadline.phase('body', undefined)
    }
  }

  function takeIn(hop: Hop, answer: WireAnswer): void {
    const lines = headerValues(answer.headers, 'set-cookie')
    if (lines.length === 0) return
    const date = headerValue(answer.headers, 'date')
    ingestSetCookies(carrier.cell, hop.url, lines, {
      by: 'http',
      ...cookieContext(hop),
      ...(date !== undefined && { date }),
    })
  }

  const attempts = createAttempts(carrier, (request, deadline) => {
    deadline.interruption = undefined
    return follow(request, deadline)
  })
  return carrier.around?.(attempts, (hop) => maker.headers(hop)) ?? attempts
}

/** A request without the proof that its page would have made says nothing; a caller that signs itself may go. */
function refuseUnsigned({ name }: Carrier, { method, url, anonymous, written }: Hop): void {
  if (anonymous || written.some(([header]) => /^(?:dpop|signature|authorization)$/i.test(header))) return
  throw new NeedsBrowserError(name, method, url)
}

function redirected(cell: Cell, hop: Hop, answer: WireAnswer): Hop | undefined {
  try {
    return nextHop(hop, answer.statusCode, answer.headers, (url) => secureUrl(cell, url))
  } catch (error) {
    answer.body.discard()
    throw error
  }
}

/** Browsers say `Content-Length: 0` where a method asks for a body and there is none. */
function bodyOfNone(method: string): Uint8Array | undefined {
  return method === 'POST' || method === 'PUT' || method === 'PATCH' ? nothing : undefined
}

const nothing = new Uint8Array(0)

function isStaleConnection(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET'
}

/**
 * An error of a client becomes ours: its code stays, its options, headers and bodies do not. No `cause`: got's errors
 * hold the whole request.
 */
export function wireError(hop: Pick<Hop, 'method' | 'url'>, error: unknown, deadline: Deadline): Error {
  const ended = deadline.reason ?? deadline.interruption
  if (ended !== undefined) return ended
  if (error instanceof SessionbridgeError) return error
  return new RequestFailedError(hop.method, hop.url, errorCode(error) ?? 'unknown reason')
}

/** Codes such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`. Messages are not taken over: some quote what was sent. */
function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && /^[A-Za-z][\w-]{1,60}$/.test(code)) {
    // got and undici wrap; the inner code says more.
    const inner = error.cause === undefined ? undefined : errorCode(error.cause)
    return inner ?? code
  }
  return error.cause === undefined ? undefined : errorCode(error.cause)
}
