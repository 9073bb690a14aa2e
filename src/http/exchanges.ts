import { ClosedError } from '../errors.ts'
import type { Carrier } from './carrier.ts'
import { Deadline } from './deadline.ts'
import { createExchange, type Exchange } from './exchange.ts'
import { defaultTimeout, type HttpOptions } from './options.ts'
import type { Connections, Transport } from './wire/wire.ts'

/** What a client of a session stands on: who it speaks for, how, and the exchanges that run now. */
export class Exchanges {
  readonly carrier: Carrier
  readonly options: HttpOptions
  readonly exchange: Exchange
  readonly #what: string
  readonly #transport: Transport
  readonly #running = new Set<Deadline>()
  #closed = false

  /** `kind` names the client in messages. */
  constructor(kind: string, carrier: Carrier, options: HttpOptions, transport: Transport) {
    this.#what = `The ${kind} of ${carrier.name}`
    this.carrier = carrier
    this.options = options
    this.exchange = createExchange(carrier, transport, options)
    this.#transport = transport
  }

  /** Starts the clock of one exchange; `timeout` in milliseconds. Throws `ClosedError`. */
  begin(
    operation: () => string,
    signal: AbortSignal | undefined,
    timeout = this.options.timeout ?? defaultTimeout,
  ): Deadline {
    this.assertOpen()
    const deadline = new Deadline(timeout, operation, signal)
    this.#running.add(deadline)
    return deadline
  }

  end(deadline: Deadline): void {
    deadline.end()
    this.#running.delete(deadline)
  }

  assertOpen(): void {
    if (this.#closed) throw new ClosedError(this.#what)
  }

  /** How the connections of this client are used; `undefined` when its transport cannot say. */
  connections(): Connections | undefined {
    return this.#transport.connections?.()
  }

  /** What runs is cancelled and rejects with `ClosedError`. */
  async close(): Promise<void> {
    this.#closed = true
    for (const deadline of this.#running) deadline.close(this.#what)
    await this.#transport.close()
  }
}
