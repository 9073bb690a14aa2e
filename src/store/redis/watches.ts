import { randomBytes } from 'node:crypto'
import { ClosedError } from '../../errors.ts'
import type { RedisNode } from './client.ts'
import type { Connection } from './connection.ts'
import { inTime } from './deadline.ts'
import type { Keys } from './keys.ts'

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 2_000
/** Channels per SUBSCRIBE. */
const STEP = 500
/** A check of the subscriber after so many time-outs. */
const PULSE_PER_TIMEOUT = 2.5
/** Two times in whole milliseconds, and the drift of two clocks. */
const inexact = (ms: number): number => ms + 5 + ms / 1_000
/** Removed sessions say for a minute when that was; who comes later has to look. */
const TRACE_MS = 50_000

export interface Watch {
  readonly listener: () => void
  /** On the monotonic clock: what was changed after it must be heard of. */
  readonly since: number
  /** Whether the session was changed in the last so many milliseconds. */
  changedWithin(age: () => number): Promise<boolean>
}

interface Channel {
  readonly watches: Set<Watch>
  /** Those that have heard everything so far. */
  readonly caughtUp: WeakSet<Watch>
  subscribed: boolean
}

/**
 * Listens on a connection of its own to the channels of the watched sessions. Redis forgets who was away: so after a lost
 * connection each watch is called once, and at the beginning those whose session changed before Redis had taken the
 * subscription.
 *
 * A subscriber that hears nothing cannot know whether there is nothing to hear. So it has a message sent to itself now
 * and then, through the store's other connection (in a Cluster: through another node), and starts anew when that does
 * not arrive.
 */
export class Watches {
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #timeout: number
  readonly #channels = new Map<string, Channel>()
  readonly #pulseChannel: string
  #subscriber: RedisNode | undefined
  #starting = false
  #retryMs = FIRST_RETRY_MS
  #retry: NodeJS.Timeout | undefined
  #pulse: NodeJS.Timeout | undefined
  #pulseDue = false
  #closed = false

  constructor(connection: Connection, keys: Keys, timeout: number) {
    this.#connection = connection
    this.#keys = keys
    this.#timeout = timeout
    this.#pulseChannel = this.#keys.pulse(randomBytes(8).toString('hex'))
  }

  add(name: string, watch: Watch): () => void {
    const channel = this.#channels.get(name) ?? {
      watches: new Set(),
      caughtUp: new WeakSet(),
      subscribed: false,
    }
    const isNew = channel.watches.size === 0
    channel.watches.add(watch)
    this.#channels.set(name, channel)
    if (channel.subscribed) channel.caughtUp.add(watch)
    else if (this.#subscriber === undefined) void this.#start()
    else if (isNew) void this.#subscribe(this.#subscriber, [name])
    return () => {
      if (!channel.watches.delete(watch) || channel.watches.size > 0) return
      if (this.#channels.get(name) !== channel) return
      this.#channels.delete(name)
      this.#subscriber?.unsubscribe(name).catch(() => undefined)
    }
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#retry)
    clearInterval(this.#pulse)
    this.#channels.clear()
    this.#subscriber?.disconnect()
  }

  #isClosed(): boolean {
    return this.#closed
  }

  /** Until it holds; one attempt at a time. */
  async #start(): Promise<void> {
    if (this.#starting || this.#isClosed()) return
    this.#starting = true
    clearTimeout(this.#retry)
    let subscriber: RedisNode | undefined
    try {
      const until = performance.now() + this.#timeout
      subscriber = await this.#connection.another(until)
      await inTime(subscriber.connect(), until)
      this.#listenTo(subscriber)
      await inTime(subscriber.subscribe(this.#pulseChannel), until)
      if (this.#isClosed()) throw new ClosedError('The store')
      this.#subscriber = subscriber
      this.#retryMs = FIRST_RETRY_MS
      this.#beat()
    } catch {
      subscriber?.disconnect() // why is said by the calls of the store, which meet the same
    } finally {
      this.#starting = false
    }
    if (this.#subscriber === undefined) this.#startLater()
    else await this.#subscribe(this.#subscriber, [...this.#channels.keys()])
  }

  #listenTo(subscriber: RedisNode): void {
    subscriber.on('message', (name) => {
      if (name === this.#pulseChannel) this.#pulseDue = false
      if (typeof name !== 'string') return
      const channel = this.#channels.get(name)
      for (const watch of channel?.watches ?? []) {
        channel?.caughtUp.add(watch)
        watch.listener()
      }
    })
    subscriber.once('end', () => {
      this.#lost(subscriber)
    })
  }

  async #subscribe(subscriber: RedisNode, names: readonly string[]): Promise<void> {
    try {
      for (let at = 0; at < names.length; at += STEP) {
        const some = names.slice(at, at + STEP)
        await inTime(subscriber.subscribe(...some), performance.now() + this.#timeout)
        if (this.#subscriber !== subscriber) return
        for (const name of some) this.#subscribed(name)
      }
    } catch {
      subscriber.disconnect()
      this.#lost(subscriber)
    }
  }

  #subscribed(name: string): void {
    const channel = this.#channels.get(name)
    if (channel === undefined) return
    channel.subscribed = true
    for (const watch of channel.watches) {
      if (channel.caughtUp.has(watch)) watch.listener()
      else void this.#catchUp(channel, watch)
    }
  }

  /** Calls a new watch if its session changed between its beginning and the subscription, or if that cannot be known. */
  async #catchUp(channel: Channel, watch: Watch): Promise<void> {
    const age = (): number => inexact(performance.now() - watch.since)
    const changed = age() > TRACE_MS || (await watch.changedWithin(age).catch(() => true))
    if (channel.caughtUp.has(watch) || !channel.watches.has(watch) || this.#closed) return
    channel.caughtUp.add(watch)
    if (changed) watch.listener()
  }

  #lost(subscriber: RedisNode): void {
    if (this.#subscriber !== subscriber) return
    this.#subscriber = undefined
    clearInterval(this.#pulse)
    for (const channel of this.#channels.values()) channel.subscribed = false
    this.#startLater()
  }

  #startLater(): void {
    if (this.#isClosed()) return
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => void this.#start(), this.#retryMs)
    this.#retry.unref()
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS)
  }

  #beat(): void {
    this.#pulseDue = false
    clearInterval(this.#pulse)
    this.#pulse = setInterval(() => {
      if (this.#pulseDue) this.#subscriber?.disconnect()
      else void this.#sendPulse()
    }, PULSE_PER_TIMEOUT * this.#timeout)
    this.#pulse.unref()
  }

  async #sendPulse(): Promise<void> {
    if (this.#channels.size === 0) return
    try {
      const client = await this.#connection.client(performance.now() + this.#timeout)
      this.#pulseDue = true
      await client.publish(this.#pulseChannel, '')
    } catch {
      this.#pulseDue = false // the way to Redis is broken, which says nothing about the subscriber
    }
  }
}
