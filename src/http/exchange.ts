import type { Readable } from 'node:stream'
import { ingestSetCookies } from '../bridge/jar/set-cookie.ts'
import { RedirectRefusedError, RequestFailedError, SessionbridgeError } from '../errors.ts'
import type { Carrier } from './carrier.ts'
import type { Deadline } from './deadline.ts'
import { cookieContext, createHeaderMaker } from './headers-for.ts'
import { isSafeMethod, type Hop } from './hop.ts'
import { nextHop } from './redirects.ts'
import type { Transport, WireAnswer } from './wire.ts'
import { headerValue, headerValues } from './wire.ts'

export interface ExchangeRequest {
  /** Made anew for every attempt: after a renewal the rules may have changed. */
  readonly first: () => Hop
  readonly body: Uint8Array | Readable | undefined
  readonly redirect: 'follow' | 'manual' | 'error'
  readonly maxRedirects: number
}

export interface Exchanged {
  readonly answer: WireAnswer
  /** The request that was answered: the last of the redirects. */
  readonly hop: Hop
  /** Where redirects led, in order; the last one is where the answer comes from. */
  readonly redirects: readonly string[]
  /** Of the session when the answered request was sent. */
  readonly epoch: number
}

export type Exchange = (request: ExchangeRequest, deadline: Deadline) => Promise<Exchanged>

/**
 * What all clients do alike around one request: headers from identity, rules and jar; send; take in Set-Cookie; follow
 * redirects as a browser would; and once more after a renewal when the answer says that the session is dead.
 */
export function createExchange(carrier: Carrier, transport: Transport): Exchange {
  const maker = createHeaderMaker(carrier)

  async function exchange(request: ExchangeRequest, deadline: Deadline): Promise<Exchanged> {
    const exchanged = await follow(request, deadline)
    if (!isDead(exchanged)) return exchanged
    if (!(await revived(exchanged, deadline))) return exchanged
    exchanged.answer.body.discard()
    return follow(request, deadline)
  }

  async function follow(request: ExchangeRequest, deadline: Deadline): Promise<Exchanged> {
    let hop = request.first()
    const redirects: string[] = []
    for (;;) {
      const { cell } = carrier
      const epoch = cell.epoch
      const answer = await sendOnce(request, hop, deadline)
      if (!hop.anonymous && cell.epoch === epoch) takeIn(hop, answer)
      const next = request.redirect === 'manual' ? undefined : redirected(hop, answer)
      if (next === undefined) return { answer, hop, redirects, epoch }
      answer.body.discard()
      if (request.redirect === 'error') throw new RedirectRefusedError(hop.url, 'redirects were ruled out')
      if (redirects.length === request.maxRedirects)
        throw new RedirectRefusedError(hop.url, `there were ${String(redirects.length)} before it`)
      redirects.push(next.url.href)
      hop = next
    }
  }

  async function sendOnce(request: ExchangeRequest, hop: Hop, deadline: Deadline): Promise<WireAnswer> {
    deadline.throwIfCancelled()
    const body = hop.body === 'none' ? bodyOfNone(hop.method) : request.body
    const wire = { method: hop.method, url: hop.url, headers: maker.headers(hop), body }
    carrier.sent?.()
    try {
      return await transport.send(wire, deadline)
    } catch (error) {
      if (deadline.reason !== undefined || !isSafeMethod(hop.method) || !isStaleConnection(error))
        throw wireError(hop, error, deadline)
    }
    // The server had closed the idle connection at the very moment we used it. Browsers send again, and so do we.
    try {
      return await transport.send(wire, deadline)
    } catch (error) {
      throw wireError(hop, error, deadline)
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

  function isDead(exchanged: Exchanged): boolean {
    const { answer, hop } = exchanged
    return (
      answer.statusCode === 401 && carrier.revive !== undefined && !hop.anonymous && isSafeMethod(hop.method)
    )
  }

  /** A renewal has deadlines of its own and may well take longer than a request. */
  async function revived(exchanged: Exchanged, deadline: Deadline): Promise<boolean> {
    const { epoch, hop, answer } = exchanged
    deadline.pause()
    const cancelled = new Promise<never>((_resolve, reject) => {
      deadline.onCancel((reason) => {
        answer.body.discard()
        reject(reason)
      })
    })
    try {
      const asked = carrier.revive?.({ epoch, status: answer.statusCode, url: hop.url }) ?? false
      return await Promise.race([asked, cancelled])
    } finally {
      deadline.restart()
      deadline.onCancel(undefined)
    }
  }

  return exchange
}

function redirected(hop: Hop, answer: WireAnswer): Hop | undefined {
  try {
    return nextHop(hop, answer.statusCode, answer.headers)
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
  if (deadline.reason !== undefined) return deadline.reason
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
