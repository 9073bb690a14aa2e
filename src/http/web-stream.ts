import type { Readable } from 'node:stream'

/** Read ahead of the reader before the sender has to wait. */
const ahead = 64 * 1024

/**
 * A Node stream as the body of a WHATWG response, with errors put into our words. Not `Readable.toWeb`: in Node 20 a
 * chunk that arrives after `cancel()` is an uncaught exception there.
 */
export function webStream(source: Readable, wording: (error: Error) => unknown): ReadableStream<Uint8Array> {
  let over = false
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        source.on('data', (chunk: Buffer) => {
          if (over) return
          controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
          if ((controller.desiredSize ?? 0) <= 0) source.pause()
        })
        source.once('end', () => {
          if (!over) controller.close()
          over = true
        })
        source.on('error', (error) => {
          if (!over) controller.error(wording(error))
          over = true
        })
        source.pause()
      },
      pull() {
        source.resume()
      },
      cancel() {
        over = true
        source.destroy()
      },
    },
    { highWaterMark: ahead, size: (chunk) => chunk.byteLength },
  )
}
