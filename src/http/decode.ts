import type { Readable, Transform } from 'node:stream'
import type * as Zlib from 'node:zlib'
import { BodyTooBigError, headerValue, type WireHeaders } from './wire/wire.ts'

/** Above this many compressed bytes the work is done off the main thread. */
const offThreadFrom = 64 * 1024

/** More are an attack: each takes memory before the first byte, and a head has room for 80,000. As curl and undici. */
const mostCodings = 5

/**
 * Codings as sent, last applied last; unknown ones end the list: such a body is handed out as it is. Throws for more than
 * anybody means.
 */
export function contentCodings(headers: WireHeaders): readonly string[] {
  const value = headerValue(headers, 'content-encoding')
  if (value === undefined) return []
  const codings = value
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity')
  if (codings.length <= mostCodings) return codings
  throw Object.assign(new Error('too many content codings'), { code: 'too-many-codings' })
}

/** True for answers that have no body whatever their headers say (RFC 9110, 6.4.1). */
export function hasNoBody(method: string, statusCode: number): boolean {
  return method === 'HEAD' || statusCode === 204 || statusCode === 205 || statusCode === 304
}

/**
 * Takes content codings off a whole body. Never more than `limit` bytes come out, however little went in: a few
 * kilobytes of gzip can stand for gigabytes.
 */
export async function decodeBody(body: Buffer, headers: WireHeaders, limit: number): Promise<Buffer> {
  const codings = contentCodings(headers)
  if (codings.length === 0 || body.length === 0) return body
  const zlib = await import('node:zlib')
  let decoded = body
  for (const coding of codings.toReversed()) {
    if (!isKnown(zlib, coding)) return decoded
    decoded = await decodeOne(zlib, coding, decoded, limit)
  }
  return decoded
}

async function decodeOne(zlib: typeof Zlib, coding: string, body: Buffer, limit: number): Promise<Buffer> {
  if (body.length > offThreadFrom) return collectStream(decoder(zlib, coding, body), body, limit)
  const options = { maxOutputLength: limit }
  try {
    switch (coding) {
      case 'br':
        return zlib.brotliDecompressSync(body, options)
      case 'deflate':
        return isZlib(body) ? zlib.inflateSync(body, options) : zlib.inflateRawSync(body, options)
      case 'gzip':
      case 'x-gzip':
        // As browsers do: what could be read of a body that was cut off at its end is taken.
        return zlib.gunzipSync(body, { ...options, finishFlush: zlib.constants.Z_SYNC_FLUSH })
      default:
        return await collectStream(decoder(zlib, coding, body), body, limit)
    }
  } catch (error) {
    if (error instanceof RangeError) throw new BodyTooBigError(`more than ${String(limit)} bytes`)
    throw error
  }
}

function collectStream(transform: Transform, body: Buffer, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    transform.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > limit) transform.destroy(new BodyTooBigError(`more than ${String(limit)} bytes`))
    })
    transform.once('end', () => {
      resolve(Buffer.concat(chunks))
    })
    transform.once('error', reject)
    transform.end(body)
  })
}

/** The same for a body that is read as it comes. Errors of the source reach the reader. */
export async function decodeStream(source: Readable, headers: WireHeaders): Promise<Readable> {
  const codings = contentCodings(headers)
  if (codings.length === 0) return source
  const [zlib, { pipeline }] = await Promise.all([import('node:zlib'), import('node:stream')])
  let stream = source
  for (const coding of codings.toReversed()) {
    if (!isKnown(zlib, coding)) return stream
    const first = coding === 'deflate' ? await firstBytes(stream) : undefined
    stream = pipeline(stream, decoder(zlib, coding, first), () => undefined)
  }
  return stream
}

/** Taken out and put back. Nothing where the stream ends or fails: its reader will see. */
function firstBytes(source: Readable): Promise<Buffer> {
  return new Promise((resolve) => {
    const look = (): void => {
      source.off('readable', look).off('error', look)
      const chunk = source.read() as Buffer | null
      if (chunk !== null) source.unshift(chunk)
      resolve(chunk ?? Buffer.alloc(0))
    }
    source.on('readable', look).on('error', look)
  })
}

function isKnown(zlib: typeof Zlib, coding: string): boolean {
  if (coding === 'zstd') return 'createZstdDecompress' in zlib
  return coding === 'gzip' || coding === 'x-gzip' || coding === 'deflate' || coding === 'br'
}

function decoder(zlib: typeof Zlib, coding: string, body: Buffer | undefined): Transform {
  switch (coding) {
    case 'br':
      return zlib.createBrotliDecompress()
    case 'deflate':
      return body === undefined || body.length === 0 || isZlib(body)
        ? zlib.createInflate()
        : zlib.createInflateRaw()
    case 'zstd':
      return (zlib as unknown as { createZstdDecompress(): Transform }).createZstdDecompress()
    default:
      return zlib.createGunzip({ finishFlush: zlib.constants.Z_SYNC_FLUSH })
  }
}

/** "deflate" should mean zlib, but some servers send it raw; the first byte tells. */
function isZlib(body: Buffer): boolean {
  return ((body[0] ?? 0) & 0x0f) === 0x08
}
