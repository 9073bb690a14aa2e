import { inspect } from 'node:util'
import { plainUrl } from '../errors.ts'
import type { WireHeaders } from './wire/wire.ts'

interface Facts {
  readonly method: string
  readonly statusCode: number
  readonly statusText: string
  readonly headers: WireHeaders
  readonly url: string
  readonly redirects: readonly string[]
  readonly body: Buffer
}

/**
 * The answer to one request, read whole. Prints as its status, place and size only: its headers and body may hold
 * secrets and are given out by name.
 */
export class HttpResponse {
  readonly #facts: Facts

  constructor(facts: Facts) {
    this.#facts = facts
  }

  get statusCode(): number {
    return this.#facts.statusCode
  }

  get statusText(): string {
    return this.#facts.statusText
  }

  /** 200 to 299. */
  get ok(): boolean {
    return this.statusCode >= 200 && this.statusCode < 300
  }

  /** Names in lower case; what came several times may be an array. */
  get headers(): WireHeaders {
    return this.#facts.headers
  }

  /** Where the answer comes from, after redirects. */
  get url(): string {
    return this.#facts.url
  }

  /** Where redirects led, in order; empty without redirects. */
  get redirects(): readonly string[] {
    return this.#facts.redirects
  }

  /** Decoded. */
  get body(): Buffer {
    return this.#facts.body
  }

  /** The body as UTF-8. */
  text(): string {
    return this.#facts.body.toString('utf8')
  }

  /**
   * The body as JSON, through `check` when given (such as a schema's `parse`). Throws `SyntaxError` when it is not JSON;
   * the message does not quote it.
   */
  json<T = unknown>(check?: (value: unknown) => T): T {
    const value = this.#parsed()
    return check === undefined ? (value as T) : check(value) // who names a type without a check believes the site
  }

  #parsed(): unknown {
    try {
      return JSON.parse(this.text()) as unknown
    } catch {
      const { method, headers, url } = this.#facts
      const type = headers['content-type']
      const kind = typeof type === 'string' ? (/^[\w./+-]{1,80}/.exec(type)?.[0] ?? 'unknown') : 'unknown'
      throw new SyntaxError(`The answer to ${method} ${plainUrl(url)} is not JSON (content type ${kind})`)
    }
  }

  toJSON(): object {
    return { statusCode: this.statusCode, url: plainUrl(this.url), bytes: this.body.length }
  }

  [inspect.custom](): string {
    return `HttpResponse ${String(this.statusCode)} ${plainUrl(this.url)} (${String(this.body.length)} bytes)`
  }
}

/**
 * A promise of a response with shortcuts to its content. The request starts by itself, a moment after it was made, so
 * that `.json()` can still ask for JSON.
 */
export class HttpAnswer implements Promise<HttpResponse> {
  readonly #response: Promise<HttpResponse>
  #asksJson = false

  constructor(start: (asksJson: boolean) => Promise<HttpResponse>) {
    this.#response = Promise.resolve().then(() => start(this.#asksJson))
  }

  get [Symbol.toStringTag](): string {
    return 'HttpAnswer'
  }

  then<A = HttpResponse, B = never>(
    onFulfilled?: ((value: HttpResponse) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#response.then(onFulfilled, onRejected)
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<HttpResponse | B> {
    return this.#response.catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<HttpResponse> {
    return this.#response.finally(onFinally)
  }

  /** Asks for JSON (`Accept`, as a page's script) when called at once, and parses it. */
  async json<T = unknown>(check?: (value: unknown) => T): Promise<T> {
    this.#asksJson = true
    return (await this.#response).json(check)
  }

  async text(): Promise<string> {
    return (await this.#response).text()
  }

  async buffer(): Promise<Buffer> {
    return (await this.#response).body
  }
}
