import type { IncomingMessage } from 'node:http'
import type { GotScraping, Request } from 'got-scraping'
import { answerOf, type NodeWire, tellConnected } from './node-wire.ts'
import type { Cancellation, Transport, WireAnswer, WireRequest } from './wire.ts'

/**
 * got-scraping, disciplined. Its own hooks make up another browser's headers, open a connection of their own to ask
 * for HTTP/2 and change TLS settings on every request; got's redirects carry custom headers along. All of that is
 * replaced here, once, so that a request costs about half. HTTP/1.1 only: with HTTP/2 got goes through http2-wrapper,
 * which was slower for one host and needs the extra connection.
 */
export async function createGotTransport(wire: NodeWire): Promise<Transport> {
  const got = await startGot()
  return {
    send: (request, cancellation) => sendOne(got, wire, request, cancellation),
    close() {
      wire.close()
      return Promise.resolve()
    },
  }
}

/** Costs 150 ms: not before it is needed. */
async function startGot(): Promise<GotScraping> {
  const { gotScraping } = await import('got-scraping')
  const got = gotScraping.extend({
    mutableDefaults: true,
    http2: false,
    https: { rejectUnauthorized: true },
    followRedirect: false,
    throwHttpErrors: false,
    retry: { limit: 0 },
    decompress: false,
  })
  // Hooks and handlers can only be added by `extend`, so what got-scraping brought is taken out of the new instance.
  got.defaults.handlers.length = 0
  got.defaults.options.hooks.init.length = 0
  got.defaults.options.hooks.beforeRequest.length = 0
  got.defaults.options.hooks.beforeRedirect.length = 0
  delete got.defaults.options.timeout.request // the exchange holds one deadline over all hops
  return got
}

const nothing = {} as ReturnType<Request['options']['createNativeRequestOptions']>

function sendOne(
  got: GotScraping,
  wire: NodeWire,
  request: WireRequest,
  cancellation: Cancellation,
): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const stream = got.stream(request.url, {
      method: request.method as 'GET',
      // Straight to node:http with our lines as they stand: got would lower the names and move its own to the end.
      request: (_url, _native, callback) => {
        const running = wire.open(request, callback)
        tellConnected(running, cancellation)
        return running
      },
      ...(request.body !== undefined && { body: request.body as Buffer }),
    })
    // got would gather two dozen settings for the request function above, which takes none of them (6 % of a request).
    stream.options.createNativeRequestOptions = () => nothing
    // got waits for somebody to write the body of every other method.
    if (request.body === undefined && request.method !== 'GET' && request.method !== 'HEAD') stream.end()
    stream.on('error', reject)
    stream.once('response', (response: IncomingMessage) => {
      resolve(answerOf(response, stream))
    })
    cancellation.onCancel((reason) => stream.destroy(reason))
  })
}
