import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import { Readable } from 'node:stream'
import { BodyBuffer } from '../wire/body-buffer.ts'
import { isSafeMethod } from '../hop.ts'
import type { Http2Connection } from './connections.ts'
import { isCut, http2Request, wireHeaders } from './headers.ts'
import type { Cancellation, WireAnswer, WireRequest } from '../wire/wire.ts'

/**
 * Why a request may go out again although it may not be repeated: nobody has looked at it. `head too large`: the answer to one
 * that only asks has a head that this protocol does not bring us.
 */
export type Unseen = 'refused' | 'http/1.1 required' | 'head too large'
export type Again = (reason: Unseen, canBeSent: boolean) => Promise<WireAnswer> | undefined

/** By number (RFC 9113, section 7). */
const codes = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
]
const refused = 7
const cancel = 8
const http1Required = 13

/** Of nghttp2: it takes eight CONTINUATION frames of 16 KiB, and Node has no setting for that (20.20). */
const tooManyContinuations = -905

/** Rounds of the event loop that a body may come behind its head: a stream for it would cost as much as all the rest. */
const bodyWithin = 3

function afterRounds(rounds: number, done: () => void): void {
  setImmediate(() => {
    if (rounds <= 1) done()
    else afterRounds(rounds - 1, done)
  })
}

/** One request on a stream of its own. `again`: sends it anew where nobody has looked at it. */
export function exchangeOn(
  session: ClientHttp2Session,
  connection: Http2Connection,
  request: WireRequest,
  cancellation: Cancellation,
  again: Again,
): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const { body } = request
    const bodiless = body === undefined || (body instanceof Uint8Array && body.byteLength === 0)
    const { headers, priority } = http2Request(request)
    const stream = session.request(headers, { ...priority, endStream: bodiless })
    connection.began()
    cancellation.connected?.()
    let head: WireAnswer | undefined
    let isWhole = false
    let failure: Error | undefined
    const abort = (reason: Error): void => {
      failure ??= reason
      stream.close(cancel)
    }
    const buffer = new BodyBuffer({
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      abort,
    })
    stream.on('response', (answered, _flags, lines?: readonly string[]) => {
      connection.heard()
      const statusCode = answered[':status'] ?? 0
      const answer = { statusCode, statusText: '', headers: wireHeaders(answered, lines), body: buffer }
      head = answer
      // Most bodies come right after their head; then they are whole before anybody asks for them.
      afterRounds(bodyWithin, () => {
        resolve(answer)
      })
    })
    let received = 0
    stream.on('data', (chunk: Buffer) => {
      received += chunk.byteLength
      connection.heard()
      buffer.push(chunk)
    })
    stream.once('end', () => {
      if (head === undefined || isCut(request.method, head, received, stream.rstCode)) return
      isWhole = true
      buffer.end()
      resolve(head)
    })
    stream.on('error', () => undefined) // 'close' follows and tells all
    stream.once('close', () => {
      connection.ended()
      if (body instanceof Readable) body.destroy()
      if (isWhole) return
      const unseen = (head ?? failure) ? undefined : whyUnseen(stream, connection, request.method)
      const next = unseen === undefined ? undefined : again(unseen, !(body instanceof Readable))
      if (next !== undefined) {
        resolve(next)
        return
      }
      failure ??= failureOf(stream, connection)
      reject(failure)
      buffer.fail(failure)
    })
    cancellation.onCancel((reason) => {
      reject(reason)
      abort(reason)
    })
    if (bodiless) return
    if (body instanceof Readable) body.on('error', abort).pipe(stream)
    else stream.end(body)
  })
}

/** Only what the server promises not to have looked at (RFC 9113, section 8.7), and what never left this machine. */
function whyUnseen(
  stream: ClientHttp2Stream,
  connection: Http2Connection,
  method: string,
): Unseen | undefined {
  const { goaway } = connection
  const error: NodeJS.ErrnoException | null = stream.errored
  if (error?.errno === tooManyContinuations && isSafeMethod(method)) return 'head too large'
  const code = goaway !== undefined && connection.isLost ? goaway.code : stream.rstCode
  if (code === http1Required) return 'http/1.1 required'
  if (stream.rstCode === refused && !connection.isLost) return 'refused'
  if (stream.id === undefined) return 'refused'
  return goaway !== undefined && stream.id > goaway.lastStream ? 'refused' : undefined
}

function failureOf(stream: ClientHttp2Stream, connection: Http2Connection): Error {
  const said = connection.isLost ? (connection.goaway?.code ?? 0) : stream.rstCode
  const isLoss = said === 0 && connection.isLost
  const code = isLoss ? reasonOfLoss(stream.errored) : `HTTP2_${codes[said] ?? 'UNKNOWN_ERROR'}`
  return Object.assign(new Error(`The answer was not given: ${code}`), { code })
}

/** `ERR_HTTP2_ERROR`: what came was no HTTP/2, or a head that is too large for Node. */
function reasonOfLoss(error: NodeJS.ErrnoException | null): string {
  return error?.code === undefined || error.code === 'ERR_HTTP2_STREAM_CANCEL' ? 'ECONNRESET' : error.code
}
