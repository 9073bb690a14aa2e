import { inspect } from 'node:util'
import { plainUrl } from '../errors.ts'
import { linkLate } from './late-parent.ts'
import { headerValue, type WireHeaders } from './wire/wire.ts'

export interface FetchFacts {
  readonly method: string
  readonly url: string
  readonly redirected: boolean
  readonly statusCode: number
  readonly statusText: string
  readonly headers: WireHeaders
  /** Decoded; bytes when all of it came with the head, as it mostly does. */
  readonly body: Buffer | ReadableStream<Uint8Array> | null
  /** Of a stream that is read whole after all. */
  readonly whole?: WholeBody | undefined
}

/** A few kilobytes of gzip can stand for gigabytes: what `text()` and the like gather has an end, what is streamed has none. */
export interface WholeBody {
  /** Bytes after decoding. */
  readonly limit: number
  /** What they reject with above it. */
  readonly tooBig: () => unknown
}

/**
 * Makes a WHATWG `Response` with its URL. Node loads its own fetch implementation when anybody first says `Response`:
 * 20 ms, as long as Node itself takes to start, for a class of which callers want `text()` or `json()`. So all its
 * members are ours, and the real class is linked in as our parent by the first who looks further than they reach:
 * `instanceof`, `isPrototypeOf`, a name that is not ours.
 */
export function fetchResponse(facts: FetchFacts): Response {
  return new SessionResponse(facts)
}

/**
 * Everything is made when it is asked for: filling `Headers`, and a stream for a body that is here already, cost as
 * much as all the rest of a request.
 */
class SessionResponse implements Response {
  readonly #facts: FetchFacts
  #headers: Headers | undefined
  #bytes: Buffer | undefined
  #inner: Response | undefined
  #used = false

  constructor(facts: FetchFacts) {
    this.#facts = facts
    if (Buffer.isBuffer(facts.body)) this.#bytes = facts.body
  }

  get status(): number {
    return this.#facts.statusCode
  }

  get statusText(): string {
    return this.#facts.statusText
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }

  get headers(): Headers {
    return (this.#headers ??= new Headers(headersInit(this.#facts.headers)))
  }

  get url(): string {
    return this.#facts.url
  }

  get redirected(): boolean {
    return this.#facts.redirected
  }

  get type(): ResponseType {
    return 'basic'
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    return this.#streaming().body
  }

  get bodyUsed(): boolean {
    return this.#used || (this.#inner?.bodyUsed ?? false)
  }

  async text(): Promise<string> {
    const text = (this.#take() ?? (await this.#gathered())).toString('utf8')
    return text.startsWith('\ufeff') ? text.slice(1) : text
  }

  async json(): Promise<unknown> {
    const text = await this.text()
    try {
      return JSON.parse(text) as unknown
    } catch {
      const place = `${this.#facts.method} ${plainUrl(this.url)}`
      throw new SyntaxError(`The answer to ${place} is not JSON`) // JSON.parse would quote the body
    }
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return copyOf(this.#take() ?? (await this.#gathered())).buffer
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.arrayBuffer())
  }

  async blob(): Promise<Blob> {
    return new Blob([await this.arrayBuffer()], {
      type: headerValue(this.#facts.headers, 'content-type') ?? '',
    })
  }

  async formData(): Promise<FormData> {
    const type = headerValue(this.#facts.headers, 'content-type')
    const body = await this.arrayBuffer()
    return new Response(body, type === undefined ? {} : { headers: { 'content-type': type } }).formData()
  }

  clone(): Response {
    if (this.bodyUsed) throw new TypeError('Body is unusable: Body has already been read')
    if (this.#bytes !== undefined) return new SessionResponse({ ...this.#facts, body: this.#bytes })
    const { body } = this.#streaming().clone()
    return new SessionResponse({ ...this.#facts, body })
  }

  /** The bytes, once. `undefined` when the body is or was a stream. */
  #take(): Buffer | undefined {
    if (this.#used) throw new TypeError('Body is unusable: Body has already been read')
    const bytes = this.#bytes
    if (bytes === undefined) return undefined
    this.#bytes = undefined
    this.#used = true
    return bytes
  }

  async #gathered(): Promise<Buffer> {
    const { limit, tooBig } = this.#facts.whole ?? { limit: Infinity, tooBig: () => undefined }
    const inner = this.#streaming()
    if (inner.bodyUsed) throw new TypeError('Body is unusable: Body has already been read')
    const reader = inner.body?.getReader()
    const chunks: Uint8Array[] = []
    for (let size = 0; reader !== undefined;) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
      size += value.byteLength
      if (size <= limit) continue
      await reader.cancel()
      throw tooBig()
    }
    return Buffer.concat(chunks)
  }

  #streaming(): Response {
    if (this.#inner === undefined) {
      this.#inner = new Response(this.#content())
      this.#bytes = undefined
      // Who read the bytes before gets a stream that was read.
      if (this.#used) void this.#inner.arrayBuffer()
    }
    return this.#inner
  }

  #content(): ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null {
    const { body } = this.#facts
    if (!Buffer.isBuffer(body)) return body
    return hasNullBody(this.status) ? null : copyOf(this.#bytes ?? Buffer.alloc(0))
  }

  get [Symbol.toStringTag](): string {
    return 'Response'
  }

  [inspect.custom](): string {
    return `Response ${String(this.status)} ${plainUrl(this.url)}`
  }
}

linkLate(SessionResponse.prototype, () => Response.prototype)

function hasNullBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304
}

function copyOf(bytes: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

function headersInit(headers: WireHeaders): HeadersInit {
  const pairs: [string, string][] = []
  let several = false
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    if (typeof value === 'string') pairs.push([name, value])
    else {
      several = true
      for (const one of value) pairs.push([name, one])
    }
  }
  return several ? pairs : (headers as Record<string, string>)
}
