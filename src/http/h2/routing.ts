import type { TLSSocket } from 'node:tls'
import { type Dialling, dial } from '../wire/dial.ts'
import type { Http2Connections } from './connections.ts'
import { placeOf, spareKey, type Spares } from '../wire/over-http2.ts'
import type { ConnectionOptions } from '../wire/tls.ts'
import type { Cancellation, Connections, Transport, WireAnswer, WireRequest } from '../wire/wire.ts'
import { sumOf } from '../wire/wire.ts'

/** How often a request that no server has looked at goes out again, as in Chromium. */
const mostTries = 3

/** Of origins that are remembered to speak HTTP/1.1 only. */
const mostOrigins = 10_000

interface Meeting {
  readonly dialling: Dialling
  readonly done: Promise<void>
  waiting: number
}

/**
 * Speaks HTTP/2 where the server does, and HTTP/1.1 by `http1` elsewhere. The first connection to an origin offers both
 * and goes to whoever speaks what the server took; requests to the same origin wait for that one handshake. `http1`
 * makes its further connections itself.
 */
export class Routing implements Transport {
  readonly #options: ConnectionOptions
  readonly #http1: Transport
  readonly #spares: Spares
  /** Origins, by host and port, that speak HTTP/1.1 only. */
  readonly #old = new Set<string>()
  readonly #meetings = new Map<string, Meeting>()
  #http2: Http2Connections | undefined
  #closed = false

  constructor(options: ConnectionOptions, http1: Transport, spares: Spares) {
    this.#options = options
    this.#http1 = http1
    this.#spares = spares
  }

  send(request: WireRequest, cancellation: Cancellation): Promise<WireAnswer> {
    return this.#send(request, cancellation, 1)
  }

  #send(request: WireRequest, cancellation: Cancellation, attempt: number): Promise<WireAnswer> {
    const { url } = request
    if (url.protocol !== 'https:' || this.#old.has(url.host)) return this.#http1.send(request, cancellation)
    const connection = this.#http2?.find(url.host)
    if (connection === undefined) return this.#meet(request, cancellation, attempt)
    return connection.send(request, cancellation, (reason, canBeSent) => {
      if (reason === 'http/1.1 required') this.#old.add(url.host)
      if (!canBeSent || attempt >= mostTries) return undefined
      if (reason === 'head too large') return this.#byHttp1(request, cancellation)
      return this.#send(request, cancellation, attempt + 1)
    })
  }

  /** Which brings heads of 256 KiB. An origin that answers so goes on by it: each such head ends the connection of all. */
  async #byHttp1(request: WireRequest, cancellation: Cancellation): Promise<WireAnswer> {
    const answer = await this.#http1.send(request, cancellation)
    this.#old.add(request.url.host)
    return answer
  }

  async #meet(request: WireRequest, cancellation: Cancellation, attempt: number): Promise<WireAnswer> {
    await this.#introduced(request.url, cancellation)
    // A server that closes at once what it has just opened is asked as often as any.
    if (attempt > mostTries) throw lost()
    return this.#send(request, cancellation, attempt + 1)
  }

  /** Waits until it is known what the origin speaks. */
  #introduced(url: URL, cancellation: Cancellation): Promise<void> {
    const meeting = this.#meetings.get(url.host) ?? this.#begin(url)
    meeting.waiting += 1
    return new Promise((resolve, reject) => {
      cancellation.onCancel((reason) => {
        meeting.waiting -= 1
        if (meeting.waiting === 0) this.#end(url.host, meeting)
        reject(reason)
      })
      meeting.done.then(() => {
        cancellation.onCancel(undefined)
        resolve()
      }, reject)
    })
  }

  #begin(url: URL): Meeting {
    const dialling = dial(url, ['h2', 'http/1.1'], this.#options)
    const meeting: Meeting = { dialling, done: this.#welcome(url, dialling), waiting: 0 }
    this.#meetings.set(url.host, meeting)
    const end = (): void => {
      if (this.#meetings.get(url.host) === meeting) this.#meetings.delete(url.host)
    }
    meeting.done.then(end, end)
    return meeting
  }

  #end(host: string, meeting: Meeting): void {
    this.#meetings.delete(host)
    meeting.dialling.abort()
  }

  async #welcome(url: URL, dialling: Dialling): Promise<void> {
    const socket = await dialling.socket
    if (socket.alpnProtocol !== 'h2') {
      if (this.#old.size >= mostOrigins) this.#old.clear()
      this.#old.add(url.host)
      this.#spare(url, socket)
    } else {
      const { Http2Connections: Class } = await import('./connections.ts')
      this.#http2 ??= new Class(this.#options)
      this.#http2.add(url, socket)
    }
    if (this.#closed) this.#closeNow()
  }

  #spare(url: URL, socket: TLSSocket): void {
    const place = spareKey(placeOf(url))
    this.#spares.set(place, socket)
    socket.once('close', () => {
      if (this.#spares.get(place) === socket) this.#spares.delete(place)
    })
  }

  connections(): Connections | undefined {
    return sumOf(this.#http1.connections?.(), this.#http2?.figures())
  }

  #closeNow(): void {
    for (const socket of this.#spares.values()) socket.destroy()
    this.#http2?.close()
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const [host, meeting] of [...this.#meetings]) this.#end(host, meeting)
    this.#closeNow()
    await this.#http1.close()
  }
}

function lost(): Error {
  return Object.assign(new Error('The server closes every connection'), { code: 'ECONNRESET' })
}
