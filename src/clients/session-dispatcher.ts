import { Readable } from 'node:stream'
import { Dispatcher } from 'undici'
import type { Session } from '../session/session.ts'

type Options = Dispatcher.DispatchOptions
type Handler = Dispatcher.DispatchHandler

/** Bodies of a known size up to here are read before they are sent, so that they can be sent again after a renewal, bytes. */
const readWhole = 1024 * 1024

/** What undici's own `fetch` says of itself when its caller says nothing: the session's browser says something else. */
const ofUndici = new Map<string, readonly string[]>([
  ['user-agent', ['undici', 'node']],
  ['accept-language', ['*']],
  ['accept-encoding', ['gzip, deflate', 'br, gzip, deflate', 'gzip, deflate, br']],
  ['accept', ['*/*']],
  ['sec-fetch-mode', ['cors']],
])

/**
 * Each dispatch is one request of `session.fetch` that follows no redirect: undici's callers follow them, or do not, and
 * every hop gets what belongs to its own address.
 */
export class SessionDispatcher extends Dispatcher {
  // Not `#`: undici puts a proxy before a dispatcher that was composed, and private fields do not reach through it.
  private readonly session: Session
  private readonly running = new Set<AbortController>()

  constructor(session: Session) {
    super()
    this.session = session
  }

  override dispatch(options: Options, handler: Handler): boolean {
    const abort = new AbortController()
    this.running.add(abort)
    void this.run(options, handler, new Control(abort)).finally(() => {
      this.running.delete(abort)
    })
    return true
  }

  /** The session stays open: it is not ours. What runs is ended. */
  override close(): Promise<void>
  override close(done: () => void): void
  override close(done?: () => void): Promise<void> | undefined {
    for (const abort of this.running) abort.abort(new Error('The dispatcher was closed'))
    if (done === undefined) return Promise.resolve()
    queueMicrotask(done)
    return undefined
  }

  override destroy(): Promise<void> {
    return this.close()
  }

  private async run(options: Options, handler: Handler, control: Control): Promise<void> {
    try {
      handler.onRequestStart?.(control, {})
      if (options.upgrade !== undefined && options.upgrade !== null && options.upgrade !== false)
        throw new TypeError('A session dispatcher does not upgrade connections')
      const response = await this.session.fetch(urlOf(options), {
        method: options.method,
        headers: headersOf(options.headers),
        body: await bodyOf(options),
        redirect: 'manual',
        signal: control.signal,
      })
      handler.onResponseStart?.(control, response.status, answered(response), response.statusText)
      await give(response, handler, control)
      handler.onResponseEnd?.(control, {})
    } catch (error) {
      handler.onResponseError?.(control, control.reason ?? typed(error))
    }
  }
}

/** Pauses and ends one request for undici's handlers. */
class Control implements Dispatcher.DispatchController {
  readonly #abort: AbortController
  #reason: Error | null = null
  #waiting: (() => void) | undefined
  #paused = false

  constructor(abort: AbortController) {
    this.#abort = abort
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get aborted(): boolean {
    return this.#abort.signal.aborted
  }

  get reason(): Error | null {
    return this.#reason
  }

  get paused(): boolean {
    return this.#paused
  }

  abort(reason?: Error): void {
    this.#reason ??= reason ?? new DOMException('The request was aborted', 'AbortError')
    this.#abort.abort(this.#reason)
    this.resume()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#waiting?.()
    this.#waiting = undefined
  }

  async whenResumed(): Promise<void> {
    if (this.#paused) await new Promise<void>((resolve) => (this.#waiting = resolve))
  }
}

async function give(response: Response, handler: Handler, control: Control): Promise<void> {
  if (response.body === null) return
  const reader = response.body.getReader()
  for (;;) {
    await control.whenResumed()
    if (control.reason !== null) throw control.reason
    const { done, value } = await reader.read()
    if (done) return
    handler.onResponseData?.(control, Buffer.from(value.buffer, value.byteOffset, value.byteLength))
  }
}

function urlOf({ origin, path, query }: Options): URL {
  // Not resolved against the origin: `//other.example/` is a path here, and would be another host there.
  if (!path.startsWith('/')) throw new TypeError('The path of a request must begin with a slash')
  const url = new URL(`${new URL(String(origin)).origin}${path}`)
  for (const [name, value] of Object.entries((query ?? {}) as Record<string, unknown>))
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value])
      url.searchParams.append(name, String(one))
  return url
}

function headersOf(headers: Options['headers']): [string, string][] {
  return pairsOf(headers).filter(
    ([name, value]) => ofUndici.get(name.toLowerCase())?.includes(value) !== true,
  )
}

/** undici takes flat lists, pairs, and objects. */
function pairsOf(headers: Options['headers']): [string, string][] {
  if (headers === undefined || headers === null) return []
  const isFlat = Array.isArray(headers) && headers.every((item) => typeof item === 'string')
  if (isFlat)
    return headers.flatMap((name, at): [string, string][] =>
      at % 2 === 0 ? [[name, headers[at + 1] ?? '']] : [],
    )
  const entries: Iterable<unknown> =
    Symbol.iterator in headers ? (headers as Iterable<unknown>) : Object.entries(headers)
  return [...entries].flatMap((entry): [string, string][] => {
    const [name, value] = entry as [string, string | string[] | undefined]
    return value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]]
  })
}

async function bodyOf({ body, headers }: Options): Promise<BodyInit | null> {
  if (body === undefined || body === null || typeof body === 'string') return body ?? null
  if (body instanceof Uint8Array || body instanceof FormData) return body as BodyInit
  const stream = body instanceof Readable ? body : Readable.from(body as Iterable<unknown>)
  const length = pairsOf(headers).find(([name]) => name.toLowerCase() === 'content-length')?.[1]
  if (length === undefined || Number(length) > readWhole) return stream as unknown as BodyInit
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Uint8Array>) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** The body comes decoded: what spoke of its coding, and of its size before, is left out. */
function answered({ headers }: Response): Record<string, string | string[]> {
  const isCoded = headers.has('content-encoding')
  const result: Record<string, string | string[]> = {}
  for (const [name, value] of headers) {
    if (name === 'set-cookie' || (isCoded && (name === 'content-encoding' || name === 'content-length')))
      continue
    result[name] = value
  }
  const cookies = headers.getSetCookie()
  return cookies.length === 0 ? result : { ...result, 'set-cookie': cookies }
}

/** `session.fetch` wraps as the specification says; undici's callers wrap once more. */
function typed(error: unknown): Error {
  if (error instanceof TypeError && error.cause instanceof Error) return error.cause
  return error instanceof Error ? error : new Error('The request failed')
}
