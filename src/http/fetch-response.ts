import { inspect } from 'node:util'
import { plainUrl } from '../errors.ts'
import { headerValue, type WireHeaders } from './wire.ts'

export interface FetchFacts {
  readonly method: string
  readonly url: string
  readonly redirected: boolean
  readonly statusCode: number
  readonly statusText: string
  readonly headers: WireHeaders
  /** Decoded; bytes when all of it came with the head, as it mostly does. */
  readonly body: Buffer | ReadableStream<Uint8Array> | null
}

type ResponseClass = new (facts: FetchFacts) => Response

let loaded: ResponseClass | undefined

/**
 * Makes a WHATWG `Response` with its URL. Node loads its own fetch implementation (15 ms) when `Response` is first
 * touched, so the class is made with the first answer.
 */
export function fetchResponse(facts: FetchFacts): Response {
  loaded ??= responseClass()
  return new loaded(facts)
}

function responseClass(): ResponseClass {
  /**
   * Everything is made when it is asked for: filling `Headers`, and a stream for a body that is here already, cost as
   * much as all the rest of a request.
   */
  return class SessionResponse extends Response {
    readonly #facts: FetchFacts
    #headers: Headers | undefined
    #bytes: Buffer | undefined
    #inner: Response | undefined
    #used = false

    constructor(facts: FetchFacts) {
      super(null)
      this.#facts = facts
      if (Buffer.isBuffer(facts.body)) this.#bytes = facts.body
      else this.#inner = new Response(facts.body)
    }

    override get status(): number {
      return this.#facts.statusCode
    }

    override get statusText(): string {
      return this.#facts.statusText
    }

    override get ok(): boolean {
      return this.status >= 200 && this.status < 300
    }

    override get headers(): Headers {
      return (this.#headers ??= new Headers(headersInit(this.#facts.headers)))
    }

    override get url(): string {
      return this.#facts.url
    }

    override get redirected(): boolean {
      return this.#facts.redirected
    }

    override get type(): ResponseType {
      return 'basic'
    }

    override get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
      return this.#streaming().body
    }

    override get bodyUsed(): boolean {
      return this.#used || (this.#inner?.bodyUsed ?? false)
    }

    override async text(): Promise<string> {
      const bytes = this.#take()
      if (bytes === undefined) return this.#streaming().text()
      const text = bytes.toString('utf8')
      return text.startsWith('\ufeff') ? text.slice(1) : text
    }

    override async json(): Promise<unknown> {
      const text = await this.text()
      try {
        return JSON.parse(text) as unknown
      } catch {
        const place = `${this.#facts.method} ${plainUrl(this.url)}`
        throw new SyntaxError(`The answer to ${place} is not JSON`) // JSON.parse would quote the body
      }
    }

    override async arrayBuffer(): Promise<ArrayBuffer> {
      const bytes = this.#take()
      if (bytes === undefined) return this.#streaming().arrayBuffer()
      return copyOf(bytes).buffer
    }

    override async bytes(): Promise<Uint8Array<ArrayBuffer>> {
      return new Uint8Array(await this.arrayBuffer())
    }

    override async blob(): Promise<Blob> {
      return new Blob([await this.arrayBuffer()], {
        type: headerValue(this.#facts.headers, 'content-type') ?? '',
      })
    }

    override async formData(): Promise<FormData> {
      const type = headerValue(this.#facts.headers, 'content-type')
      const body = await this.arrayBuffer()
      return new Response(body, type === undefined ? {} : { headers: { 'content-type': type } }).formData()
    }

    override clone(): Response {
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

    #streaming(): Response {
      if (this.#inner === undefined) {
        const bytes = this.#bytes ?? Buffer.alloc(0)
        this.#inner = new Response(hasNullBody(this.status) ? null : copyOf(bytes))
        this.#bytes = undefined
        // Who read the bytes before gets a stream that was read.
        if (this.#used) void this.#inner.arrayBuffer()
      }
      return this.#inner
    }

    [inspect.custom](): string {
      return `Response ${String(this.status)} ${plainUrl(this.url)}`
    }
  }
}

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
