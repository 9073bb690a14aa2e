import type { Readable } from 'node:stream'

/**
 * The client port: what an HTTP client must do to carry a session. One message out, one message in; no redirects,
 * no cookies, no retries, no decoding: the exchange above does those, the same way for every client.
 */
export interface Transport {
  /**
   * Sends one request and resolves when the head of the answer is there. Rejects with whatever the client throws;
   * the exchange turns it into an error without secrets. After `cancellation` it rejects and lets go of the socket.
   */
  send(request: WireRequest, cancellation: Cancellation): Promise<WireAnswer>
  /** Of this moment; asked for by people and tests only. */
  connections?(): Connections | undefined
  close(): Promise<void>
}

/** What became of a client's connections. */
export interface Connections {
  /** Requests sent. */
  readonly requests: number
  /** Connections made for them: the fewer, the better they were used again. */
  readonly opened: number
  /** Connections that are there now. */
  readonly open: number
  /** Of these, connections that no request uses now. */
  readonly free: number
}

/** Of two clients that share the work. */
export function sumOf(one: Connections | undefined, other: Connections | undefined): Connections | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return {
    requests: one.requests + other.requests,
    opened: one.opened + other.opened,
    open: one.open + other.open,
    free: one.free + other.free,
  }
}

export type HeaderPair = readonly [name: string, value: string]

export interface WireRequest {
  readonly method: string
  readonly url: URL
  /** Name, value, name, value …, in the order to send, without Host, Connection and Content-Length. */
  readonly headers: readonly string[]
  readonly body: Uint8Array | Readable | undefined
}

export interface WireAnswer {
  readonly statusCode: number
  readonly statusText: string
  /** Names in lower case. What came more than once is an array, except where the client joins it. */
  readonly headers: WireHeaders
  readonly body: WireBody
}

export type WireHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** The body as it came, still encoded. Exactly one of `collect`, `stream` and `discard` is called, once. */
export interface WireBody {
  /** True when all of it is here already, so that `collect` does not wait. */
  readonly complete: boolean
  /** All of it; rejects with `BodyTooBigError` after `limit` bytes. */
  collect(limit: number): Promise<Buffer>
  stream(): Readable
  /**
   * What is here once all of it, or `atMost` bytes, or `within` ms have come, whichever is first. Takes nothing away. Never
   * rejects.
   */
  peek(atMost: number, within: number): Promise<Buffer>
  /** Not wanted. The socket is kept for the next request when little is left, else closed. */
  discard(): void
}

/** Thrown inside the wire only; becomes a `RequestFailedError`. */
export class BodyTooBigError extends Error {
  readonly code = 'too-big'
}

/** What is left of a body that nobody wants is read up to here to keep the connection; more is not worth it. */
export const discardLimit = 64 * 1024

/** And not longer than this, in milliseconds. */
export const discardTime = 1_000

/** Bytes of an answer's head, as in Chromium; Node alone would stop at 16 KiB, which large cookies overflow. */
export const maxHeaderSize = 256 * 1024

/** First value of a header. */
export function headerValue(headers: WireHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

export function headerValues(headers: WireHeaders, name: string): readonly string[] {
  const value = headers[name]
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}

/**
 * A deadline and a caller's signal in one small object. An `AbortController` per request costs more than all of our
 * own work on it.
 */
export class Cancellation {
  reason: Error | undefined
  /** Why the attempt under way was ended; the exchange may make another. */
  interruption: Error | undefined
  /** Called by the transport when a connection is there; only where somebody waits for it. */
  connected: (() => void) | undefined
  #listener: ((reason: Error) => void) | undefined

  cancel(reason: Error): void {
    if (this.reason !== undefined) return
    this.reason = reason
    this.#listener?.(reason)
  }

  /** Ends what runs now, and only that. */
  interrupt(reason: Error): void {
    if (this.reason !== undefined || this.interruption !== undefined) return
    this.interruption = reason
    this.#listener?.(reason)
  }

  get isCancelled(): boolean {
    return this.reason !== undefined || this.interruption !== undefined
  }

  throwIfCancelled(): void {
    if (this.reason !== undefined) throw this.reason
  }

  /** At most one listener: whoever works now. Called at once when it is already too late. */
  onCancel(listener: ((reason: Error) => void) | undefined): void {
    this.#listener = listener
    const ended = this.reason ?? this.interruption
    if (ended !== undefined) listener?.(ended)
  }
}
