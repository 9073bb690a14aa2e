import type { Writable } from 'node:stream'
import { LiveLine } from './live-line.ts'

export interface ScreenOptions {
  readonly json: boolean
  readonly quiet: boolean
}

/**
 * Where the command speaks: results on stdout, everything else on stderr. A reader that goes away early (`| head`)
 * is no failure: the rest is not written, the session is still closed in good order.
 */
export class Screen {
  readonly json: boolean
  readonly quiet: boolean
  readonly #out: Writable
  readonly #err: NodeJS.WriteStream
  #line: LiveLine | undefined
  #readerGone = false

  constructor(
    options: ScreenOptions,
    out: Writable = process.stdout,
    err: NodeJS.WriteStream = process.stderr,
  ) {
    this.json = options.json
    this.quiet = options.quiet
    this.#out = out
    this.#err = err
    for (const stream of [out, err]) {
      stream.on('error', (error: NodeJS.ErrnoException) => {
        assertReaderGone(error)
        this.#readerGone = true
      })
    }
  }

  /** True when nobody reads the result any more. */
  get readerGone(): boolean {
    return this.#readerGone
  }

  /** The result, for people; left out under `--json`. */
  result(text: string): Promise<void> {
    return this.json ? Promise.resolve() : this.bytes(`${text}\n`)
  }

  /** The result, for machines; only under `--json`. */
  data(value: object): Promise<void> {
    return this.json ? this.bytes(`${JSON.stringify(value, null, 2)}\n`) : Promise.resolve()
  }

  /** Bytes for stdout as they are. Resolves when they are taken, so that a large body is never held in memory. */
  bytes(bytes: string | Uint8Array): Promise<void> {
    this.#line?.clear()
    if (this.#readerGone) return Promise.resolve()
    return new Promise((resolve) => {
      this.#out.write(bytes, () => {
        resolve()
      })
    })
  }

  /** What a person should know besides the result. */
  note(text: string): void {
    if (!this.quiet) this.#say(text)
  }

  /** A failure; said under `--quiet` too. */
  error(text: string): void {
    this.stop()
    this.#say(text)
  }

  /** What is going on: one living line on a terminal, a plain line per step in a pipe. */
  progress(text: string): void {
    if (this.quiet) return
    if (!this.#err.isTTY) {
      this.#say(text)
      return
    }
    this.#line ??= new LiveLine(this.#err)
    this.#line.show(text)
  }

  /** Ends the living line. */
  stop(): void {
    this.#line?.stop()
    this.#line = undefined
  }

  #say(text: string): void {
    this.#line?.clear()
    if (!this.#err.destroyed) this.#err.write(`${text}\n`)
  }
}

/** EIO: the terminal was closed. */
const gone = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED'])

/** For streams that are written to: passes over a reader that went away, throws anything else. */
export function assertReaderGone(error: NodeJS.ErrnoException): void {
  if (!gone.has(error.code ?? '')) throw error
}

/**
 * A name that comes from a site (a cookie's, a storage key's), fit for a terminal: control characters could move the
 * cursor or change colours, and a key of a megabyte says nothing to anybody.
 */
export function printable(text: string, longest = 120): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '\ufffd')
  return clean.length > longest ? `${clean.slice(0, longest - 1)}…` : clean
}
