import type { ClientHttp2Session } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { steadyNow } from '../../observe/clock.ts'
import { type Again, exchangeOn } from './exchange.ts'
import type { ConnectionOptions } from '../wire/tls.ts'
import type { Cancellation, Connections, WireAnswer, WireRequest } from '../wire/wire.ts'
import { maxHeaderSize } from '../wire/wire.ts'

/** Chromium 156's SETTINGS and its window for all streams together (test/http/h2-frames.test.ts compares). */
const settings = {
  headerTableSize: 65_536,
  enablePush: false,
  initialWindowSize: 6 * 1024 * 1024,
  maxHeaderListSize: maxHeaderSize,
}
const connectionWindow = 15 * 1024 * 1024

/**
 * Node stops at 128 header lines, at 10 MB for all streams, and at 64 KiB of a request's head. The head of an answer it
 * takes up to about 140 KiB, whatever we say (`exchange.ts`, `tooManyContinuations`).
 */
const bounds = {
  maxHeaderListPairs: 4_096,
  maxSessionMemory: 256,
  maxSendHeaderBlockLength: 4 * maxHeaderSize,
}

/** Milliseconds without a sign of life after which a connection is asked before it is trusted, and for its answer; as Chromium. */
const doubtAfter = 10_000
const pongWithin = 10_000

/** As Chromium; then those without requests go. */
const mostConnections = 256

/** Milliseconds that a connection without requests is kept; as Chromium. */
const idleTime = 300_000

/** The HTTP/2 connections of one client, one for each origin. */
export class Http2Connections {
  readonly #byHost = new Map<string, Http2Connection>()
  readonly #all = new Set<Http2Connection>()
  readonly #keepAlive: number
  #requestsBefore = 0
  #opened = 0

  constructor(options: ConnectionOptions) {
    this.#keepAlive = options.connections?.keepAlive ?? idleTime
  }

  /** One that takes new requests. */
  find(host: string): Http2Connection | undefined {
    const connection = this.#byHost.get(host)
    return connection?.isOpen === true ? connection : undefined
  }

  add(url: URL, socket: TLSSocket): void {
    if (this.#all.size >= mostConnections) [...this.#all].find(({ isFree }) => isFree)?.close()
    const connection = new Http2Connection(url.origin, socket, this.#keepAlive)
    this.#opened += 1
    this.#byHost.set(url.host, connection)
    this.#all.add(connection)
    connection.onClose(() => {
      this.#all.delete(connection)
      this.#requestsBefore += connection.requests
      if (this.#byHost.get(url.host) === connection) this.#byHost.delete(url.host)
    })
  }

  figures(): Connections {
    const all = [...this.#all]
    const free = all.filter(({ isFree }) => isFree).length
    const requests = all.reduce((sum, one) => sum + one.requests, this.#requestsBefore)
    return { requests, opened: this.#opened, open: all.length, free }
  }

  close(): void {
    for (const connection of this.#all) connection.close()
  }
}

/** One connection, kept until the server or time ends it. Holds the process alive only while it is used. */
export class Http2Connection {
  readonly #session: ClientHttp2Session
  readonly #keepAlive: number
  requests = 0
  #streams = 0
  #idling: NodeJS.Timeout | undefined
  #heardAt = steadyNow()
  #usedAt = steadyNow()
  #isAsked = false
  /** What the server has said at its end: the highest stream that it looked at, and why. */
  goaway: { readonly code: number; readonly lastStream: number } | undefined

  constructor(origin: string, socket: TLSSocket, keepAlive: number) {
    const { connect } = process.getBuiltinModule('node:http2')
    const session = connect(origin, { createConnection: () => socket, settings, ...bounds })
    this.#session = session
    session.once('connect', () => {
      session.setLocalWindowSize(connectionWindow)
    })
    session.on('error', () => undefined) // each stream hears of it
    session.once('goaway', (code: number, lastStream: number) => {
      this.goaway = { code, lastStream }
    })
    session.once('close', () => {
      clearTimeout(this.#idling)
    })
    this.#keepAlive = keepAlive
    this.#idle(keepAlive)
    session.unref()
  }

  get isOpen(): boolean {
    return !this.#session.closed && !this.#session.destroyed
  }

  get isLost(): boolean {
    return this.#session.destroyed
  }

  get isFree(): boolean {
    return this.#streams === 0
  }

  onClose(listener: () => void): void {
    this.#session.once('close', listener)
  }

  /** `again`: sends a request anew that the server has not looked at. */
  send(request: WireRequest, cancellation: Cancellation, again: Again): Promise<WireAnswer> {
    return exchangeOn(this.#session, this, request, cancellation, again)
  }

  /** A stream is there. */
  began(): void {
    this.requests += 1
    if (this.#streams++ === 0) this.#session.ref()
    if (steadyNow() - this.#heardAt > doubtAfter) this.#askForLife()
  }

  /** The server has said something. What we have ended ourselves says nothing of it. */
  heard(): void {
    this.#heardAt = steadyNow()
  }

  /** A stream is over. */
  ended(): void {
    this.#usedAt = steadyNow()
    if (--this.#streams > 0) return
    this.#session.unref()
    if (this.#idling === undefined) this.#idle(this.#keepAlive)
  }

  /** One timer for all the times without requests, which are mostly short. */
  #idle(ms: number): void {
    this.#idling = setTimeout(() => {
      this.#idling = undefined
      const left = this.#usedAt + this.#keepAlive - steadyNow()
      if (this.#streams > 0) return
      if (left <= 0) this.#session.close()
      else this.#idle(left)
    }, ms).unref()
  }

  /** Networks forget connections without a word; a request would wait for its whole time on such a one. */
  #askForLife(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    const session = this.#session
    const asked = this.#heardAt
    const silent = setTimeout(() => {
      this.#isAsked = false
      if (this.#heardAt > asked) return // a pong may stand behind a long answer
      session.destroy(Object.assign(new Error('The server does not answer'), { code: 'ECONNRESET' }))
    }, pongWithin).unref()
    session.ping((error) => {
      clearTimeout(silent)
      this.#isAsked = false
      if (error === null) this.heard()
    })
  }

  close(): void {
    this.#session.destroy()
  }
}
