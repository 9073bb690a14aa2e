import { BodyBuffer, type BodySource } from '../http/wire/body-buffer.ts'
import type { Transport, WireAnswer, WireHeaders, WireRequest } from '../http/wire/wire.ts'
import type { ImpitAnswer, ImpitInstance } from './impit.ts'

/**
 * Bodies that say to be of this size at most, bytes, are read before the head is given: a stream costs as much as all of
 * impit's own work. The price is that the time limit, which else ends with the head, holds for them, too.
 */
const readAtOnce = 64 * 1024

/** impit under our exchange: one message out, one in, nothing followed. */
export function createImpitTransport(impit: ImpitInstance): Transport {
  const running = new Set<Running>()
  let closed = false
  return {
    send(request, cancellation) {
      return new Promise((resolve, reject) => {
        if (closed) throw new Error('closed')
        const one = new Running(reject, () => running.delete(one))
        running.add(one)
        cancellation.onCancel((reason) => {
          one.abort(reason)
        })
        one.run(impit, request).then(resolve, (error: unknown) => {
          one.abort(failure(error))
        })
      })
    },
    close() {
      closed = true
      for (const one of running) one.abort(new Error('closed'))
      return Promise.resolve()
    },
  }
}

/**
 * One request, from its sending to the end of its body. impit gets no signal: before the head of the answer it would only
 * let go of the promise, which we do for a tenth of the price, and not of the request (0.14.5).
 */
class Running implements BodySource {
  readonly #reject: (reason: Error) => void
  readonly #done: () => void
  readonly #body = new BodyBuffer(this)
  #answer: ImpitAnswer | undefined
  #reason: Error | undefined
  #paused = false
  #wake: (() => void) | undefined

  constructor(reject: (reason: Error) => void, done: () => void) {
    this.#reject = reject
    this.#done = done
  }

  async run(impit: ImpitInstance, { method, url, headers, body }: WireRequest): Promise<WireAnswer> {
    const answer = await impit.fetch(url.href, {
      method: method as never,
      headers: pairsOf(headers),
      ...(body !== undefined && { body: await bytesOf(body) }),
      redirect: 'manual',
    })
    this.#answer = answer
    if (this.#reason !== undefined) {
      answer.abort()
      throw this.#reason
    }
    const isCoded = answer.headers.has('content-encoding')
    const size = answer.headers.get('content-length')
    if (!isCoded && size !== null && Number(size) <= readAtOnce) await this.#readWhole(answer)
    else void this.#pump(answer)
    return {
      statusCode: answer.status,
      statusText: answer.statusText,
      headers: headersOf(answer.headers, isCoded),
      body: this.#body,
    }
  }

  /** Wherever it is now. */
  abort(reason: Error): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#answer?.abort()
    this.#body.fail(reason)
    this.#wake?.()
    this.#reject(reason)
    this.#done()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#wake?.()
  }

  async #readWhole(answer: ImpitAnswer): Promise<void> {
    const { buffer, byteOffset, byteLength } = await answer.bytes()
    if (byteLength > 0) this.#body.push(Buffer.from(buffer, byteOffset, byteLength))
    this.#end()
  }

  async #pump(answer: ImpitAnswer): Promise<void> {
    try {
      const reader = answer.body.getReader()
      while (this.#reason === undefined) {
        if (this.#paused) await new Promise<void>((resolve) => (this.#wake = resolve))
        const { done, value } = await reader.read()
        if (done) break
        this.#body.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
      }
      this.#end()
    } catch (error) {
      this.abort(failure(error))
    }
  }

  #end(): void {
    if (this.#reason === undefined) this.#body.end()
    this.#done()
  }
}

function pairsOf(headers: WireRequest['headers']): [string, string][] {
  const pairs: [string, string][] = []
  for (let at = 0; at < headers.length; at += 2) pairs.push([headers[at] ?? '', headers[at + 1] ?? ''])
  return pairs
}

async function bytesOf(body: NonNullable<WireRequest['body']>): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body
  const chunks: Buffer[] = []
  for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** impit has decoded the body: what spoke of its coding no longer holds. */
function headersOf(headers: Headers, isCoded: boolean): WireHeaders {
  const result: Record<string, string | readonly string[]> = {}
  for (const [name, value] of headers) {
    if (isCoded && (name === 'content-encoding' || name === 'content-length')) continue
    if (name !== 'set-cookie') result[name] = value
    else result[name] ??= headers.getSetCookie()
  }
  return result
}

/** impit's messages quote addresses; its class names say what went wrong. */
function failure(error: unknown): Error {
  const name = error instanceof Error ? error.constructor.name : 'Error'
  return Object.assign(new Error('impit'), { code: /^\w{1,40}$/.test(name) ? name : 'Error' })
}
