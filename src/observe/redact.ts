import { inspect } from 'node:util'

/** What may be shown of a secret: that there is one, and how long it is. */
export function mask(value: string): string {
  return `‹secret ${String(value.length)} chars›`
}

/** Carries a secret to where it is used. However it is printed, joined, logged or serialised, a mask comes out. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The only way to the value. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return mask(this.#value)
  }

  toJSON(): string {
    return mask(this.#value)
  }

  [inspect.custom](): string {
    return mask(this.#value)
  }
}

/** What a log may hold of an error. */
export interface ErrorView {
  readonly type: string
  readonly code?: string
  readonly message: string
  readonly stack?: string
  readonly cause?: ErrorView
}

const MAX_CAUSES = 5

/**
 * The view of an error that goes to a log. Of our own errors the message is kept, since it is made without secrets;
 * of all others only class and code: got's errors hold the request with its Cookie header, Playwright's quote the
 * text that was typed, ioredis' the payload, a JSON parser's the input.
 */
export function errorView(error: unknown, depth = 0): ErrorView {
  if (!(error instanceof Error)) return { type: typeof error, message: '(not an error)' }
  const ours = isOurs(error)
  const code = codeOf(error)
  const frames = framesOf(error)
  return {
    type: error.name,
    ...(code !== undefined && { code }),
    message: ours ? error.message : '(message withheld)',
    ...(frames !== undefined && { stack: frames }),
    ...(error.cause !== undefined && depth < MAX_CAUSES && { cause: errorView(error.cause, depth + 1) }),
  }
}

/** For pino: `pino({ serializers: logSerializers })`. pino's own would write out every field of an error. */
export const logSerializers = {
  err: (error: unknown): unknown => errorView(error),
  error: (error: unknown): unknown => errorView(error),
}

/** This folder may import nothing of ours, so the class is known by what only it has. */
function isOurs(error: Error): boolean {
  for (let proto: unknown = Object.getPrototypeOf(error); typeof proto === 'object' && proto !== null;) {
    if ((proto as { constructor?: { name?: string } }).constructor?.name === 'SessionbridgeError') return true
    proto = Object.getPrototypeOf(proto)
  }
  return false
}

function codeOf(error: Error): string | undefined {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^[A-Za-z0-9_.-]{1,60}$/.test(code) ? code : undefined
}

/** The places of the stack without its head, which repeats the message, whose lines may look like places. */
function framesOf({ stack, message }: Error): string | undefined {
  if (stack === undefined) return undefined
  const head = message === '' ? -1 : stack.indexOf(message)
  const places = head === -1 ? stack : stack.slice(head + message.length)
  const frames = places.split('\n').filter((line) => FRAME.test(line))
  return frames.length === 0 ? undefined : frames.join('\n')
}

const FRAME = /^ {4}at (?:[^()]* \()?(?:file:|node:|\/|[A-Z]:\\)[^()]*:\d+:\d+\)?$/
