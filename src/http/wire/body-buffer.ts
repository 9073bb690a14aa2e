import { Readable } from 'node:stream'
import { BodyTooBigError, discardLimit, discardTime, type WireBody } from './wire.ts'

/** The running answer that a body comes from. */
export interface BodySource {
  pause(): void
  resume(): void
  /** Ends it, socket included. */
  abort(reason: Error): void
}

/** What is taken in before anybody asks for the body; then the server waits. */
const ahead = 256 * 1024

/**
 * A body as it comes in, whichever client brings it. Most bodies are here with their head and never become a stream;
 * the others wait until somebody says what to do with them.
 */
export class BodyBuffer implements WireBody {
  readonly #source: BodySource
  #chunks: Buffer[] = []
  #size = 0
  #limit = ahead
  #ended = false
  #error: Error | undefined
  #done: ((error: Error | undefined) => void) | undefined
  #readable: Readable | undefined
  #peeking: (() => void) | undefined

  constructor(source: BodySource) {
    this.#source = source
  }

  push(chunk: Buffer): void {
    if (this.#readable !== undefined) {
      if (!this.#readable.push(chunk)) this.#source.pause()
      return
    }
    this.#chunks.push(chunk)
    this.#size += chunk.length
    this.#peeking?.()
    if (this.#size <= this.#limit) return
    if (this.#done === undefined) this.#source.pause()
    else this.#source.abort(tooBig(this.#limit))
  }

  end(): void {
    this.#ended = true
    this.#peeking?.()
    this.#readable?.push(null)
    this.#done?.(undefined)
  }

  fail(error: Error): void {
    if (this.#ended) return
    this.#error ??= error
    this.#peeking?.()
    this.#readable?.destroy(this.#error)
    this.#done?.(this.#error)
  }

  get complete(): boolean {
    return this.#ended
  }

  peek(atMost: number, within: number): Promise<Buffer> {
    const isEnough = (): boolean => this.#ended || this.#error !== undefined || this.#size >= atMost
    if (isEnough() || within === 0) return Promise.resolve(this.#whole())
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(enough)
        this.#peeking = undefined
        resolve(this.#whole())
      }
      const enough = setTimeout(settle, within)
      this.#peeking = () => {
        if (isEnough()) settle()
      }
    })
  }

  collect(limit: number): Promise<Buffer> {
    if (this.#size > limit) {
      const error = tooBig(limit)
      this.#source.abort(error)
      return Promise.reject(error)
    }
    if (this.#ended) return Promise.resolve(this.#whole())
    if (this.#error !== undefined) return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      this.#limit = limit
      this.#done = (error) => {
        this.#done = undefined
        if (error === undefined) resolve(this.#whole())
        else reject(error)
      }
      this.#source.resume()
    })
  }

  #whole(): Buffer {
    const [first] = this.#chunks
    return this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks)
  }

  stream(): Readable {
    const readable = new Readable({
      read: () => {
        this.#source.resume()
      },
      destroy: (error, callback) => {
        if (!this.#ended) this.#source.abort(error ?? new Error('not wanted'))
        callback(error)
      },
    })
    this.#readable = readable
    for (const chunk of this.#chunks) readable.push(chunk)
    this.#chunks = []
    if (this.#ended) readable.push(null)
    if (this.#error !== undefined) readable.destroy(this.#error)
    return readable
  }

  discard(): void {
    if (this.#ended) return
    const enough = setTimeout(() => {
      this.#source.abort(new Error('not wanted'))
    }, discardTime)
    void this.collect(discardLimit)
      .catch(() => undefined)
      .finally(() => {
        clearTimeout(enough)
      })
  }
}

function tooBig(limit: number): BodyTooBigError {
  return new BodyTooBigError(`more than ${String(limit)} bytes`)
}
