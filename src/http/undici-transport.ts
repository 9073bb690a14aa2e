import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import type { Agent, Dispatcher } from 'undici'
import { type ConnectionOptions, type VerifiedTls, verifiedTls } from './tls.ts'
import type { Cancellation, Transport, WireAnswer, WireBody, WireHeaders } from './wire.ts'
import { BodyTooBigError, discardLimit } from './wire.ts'

type Controller = Dispatcher.DispatchController

/** undici below its `fetch` and `request`: one handler per request, nothing else. */
export function createUndiciTransport(options: ConnectionOptions = {}): Transport {
  const agents: { plain?: Agent; secure?: Agent } = {}
  return {
    send(request, cancellation) {
      const agent =
        request.url.protocol === 'https:'
          ? (agents.secure ??= startAgent(options, verifiedTls(options)))
          : (agents.plain ??= startAgent(options, {}))
      const handler = new AnswerHandler(cancellation)
      const { url } = request
      agent.dispatch(
        {
          origin: url.origin,
          path: url.pathname + url.search,
          method: request.method,
          headers: request.headers as string[],
          body: request.body ?? null,
          headersTimeout: 0, // the exchange holds the deadline
        },
        handler,
      )
      return handler.answer
    },
    async close() {
      await Promise.all([agents.plain?.destroy(), agents.secure?.destroy()])
    },
  }
}

/** The whole of undici costs 70 ms to load, its agent alone 15: that decides the first request of a cold process. */
function startAgent(options: ConnectionOptions, tls: VerifiedTls | object): Agent {
  const AgentClass = createRequire(import.meta.url)('undici/lib/dispatcher/agent.js') as typeof Agent
  return new AgentClass({
    connect: { ...tls, ...(options.lookup !== undefined && { lookup: options.lookup }) },
  })
}

/** Gathers one answer. Bodies that come in one piece with their head, as most do, never become a stream. */
class AnswerHandler implements Dispatcher.DispatchHandler, WireBody {
  readonly answer: Promise<WireAnswer>
  #resolve: (answer: WireAnswer) => void = () => undefined
  #reject: (error: Error) => void = () => undefined
  #controller: Controller | undefined
  #cancelled: Error | undefined
  #chunks: Buffer[] = []
  #size = 0
  #ended = false
  #error: Error | undefined
  #limit = pauseAt
  #done: ((error: Error | undefined) => void) | undefined
  #readable: Readable | undefined

  constructor(cancellation: Cancellation) {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    cancellation.onCancel((reason) => {
      this.#cancelled = reason
      if (this.#controller === undefined) this.#reject(reason)
      else this.#controller.abort(reason)
    })
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    if (this.#cancelled !== undefined) controller.abort(this.#cancelled)
  }

  onResponseStart(_controller: Controller, statusCode: number, headers: WireHeaders, statusText = ''): void {
    if (statusCode < 200) return // 100 and 103 announce an answer, they are none
    this.#resolve({ statusCode, statusText, headers, body: this })
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#readable !== undefined) {
      if (!this.#readable.push(chunk)) controller.pause()
      return
    }
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size <= this.#limit) return
    // Nobody has asked for the body yet, or somebody has and this is too much of it.
    if (this.#done === undefined) controller.pause()
    else controller.abort(new BodyTooBigError(`more than ${String(this.#limit)} bytes`))
  }

  onResponseEnd(): void {
    this.#ended = true
    this.#readable?.push(null)
    this.#done?.(undefined)
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#error = this.#cancelled ?? error
    this.#reject(this.#error)
    this.#readable?.destroy(this.#error)
    this.#done?.(this.#error)
  }

  get complete(): boolean {
    return this.#ended
  }

  collect(limit: number): Promise<Buffer> {
    if (this.#size > limit) {
      const error = new BodyTooBigError(`more than ${String(limit)} bytes`)
      this.#controller?.abort(error)
      return Promise.reject(error)
    }
    if (this.#ended) return Promise.resolve(this.#whole())
    if (this.#error !== undefined) return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      this.#limit = limit
      this.#done = (error) => {
        if (error === undefined) resolve(this.#whole())
        else reject(error)
      }
      this.#controller?.resume()
    })
  }

  #whole(): Buffer {
    const [first] = this.#chunks
    return this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks)
  }

  stream(): Readable {
    const readable = new Readable({
      read: () => this.#controller?.resume(),
      destroy: (error, callback) => {
        if (!this.#ended) this.#controller?.abort(error ?? new Error('not wanted'))
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
    this.collect(discardLimit).catch(() => undefined)
  }
}

/** What is taken in before anybody asks for the body; then the server waits. */
const pauseAt = 256 * 1024
