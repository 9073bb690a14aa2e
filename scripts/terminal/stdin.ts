import { addAbortSignal, type Readable } from 'node:stream'

/**
 * Stdin, to be read until its end or until the command is interrupted. Whoever types, or holds the other end of a pipe open,
 * may never come to an end; SIGTERM is sent once.
 */
export function stdin(signal: AbortSignal): Readable {
  return addAbortSignal(signal, process.stdin)
}
