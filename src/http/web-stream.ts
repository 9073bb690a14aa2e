import type { Readable } from 'node:stream'
import { TimedOutError } from '../errors.ts'

/** Read ahead of the reader before the sender has to wait. */
const ahead = 64 * 1024

/** Milliseconds that a sender may be silent while the reader waits for it. */
const patience = 300_000

/**
 * A Node stream as the body of a WHATWG response, with errors put into our words. Not `Readable.toWeb`: in Node 20 a
 * chunk that arrives after `cancel()` is an uncaught exception there.
 */
export function webStream(source: Readable, wording: (error: Error) => unknown): ReadableStream<Uint8Array> {
  let over = false
  let silence: NodeJS.Timeout | undefined
  const wait = (): void => {
    clearTimeout(silence)
    silence = setTimeout(() => {
      source.destroy(new TimedOutError('A part of the body', patience))
    }, patience)
  }
  const finish = (): void => {
    over = true
    clearTimeout(silence)
  }
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        source.on('data', (chunk: Buffer) => {
          if (over) return
          clearTimeout(silence)
          controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
          if ((controller.desiredSize ?? 0) <= 0) source.pause()
          else wait()
        })
        source.once('end', () => {
          if (!over) controller.close()
          finish()
        })
        source.on('error', (error) => {
          if (!over) controller.error(wording(error))
          finish()
        })
        source.pause()
      },
      pull() {
        wait()
        source.resume()
      },
      cancel() {
        finish()
        source.destroy()
      },
    },
    { highWaterMark: ahead, size: (chunk) => chunk.byteLength },
  )
}
