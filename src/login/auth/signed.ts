import { createNodeTransport, NodeWire } from '../../http/wire/node-wire.ts'
import type { HttpOptions } from '../../http/options.ts'
import { overHttp2 } from '../../http/wire/over-http2.ts'
import type { Transport } from '../../http/wire/wire.ts'
import type { Cell } from '../../state/cell.ts'
import { kept } from './kept.ts'

/** Under this name is kept how requests are signed. */
export const signingName = 'signing'

/**
 * What a header rule puts where a signature is to go. The rule decides as always which requests carry it (origins,
 * redirects, anonymous requests, what the caller has written); the wire of a signed session puts the signature in its place.
 */
export const signatureMark = 'made-for-each-request'

/** Header whose place a query parameter takes. */
export const queryMark = 'X-Sessionbridge-Query'

/**
 * The wire of a session whose credential is another one for each request (digest, OAuth 1.0a, a key in the query);
 * `over`, if any, for all others, which then go their usual way. What signs is loaded with the first request.
 */
export function signedTransport(
  cell: Cell,
  options: HttpOptions = {},
  over?: Transport,
): Transport | undefined {
  if (kept(cell, signingName) === undefined) return over
  const wire = over ?? overHttp2(options, (spares) => createNodeTransport(new NodeWire(options, spares)))
  let signing: Promise<Transport> | undefined
  return {
    async send(request, cancellation) {
      signing ??= import('./signing.ts').then(({ createSigning }) => createSigning(wire, cell))
      return (await signing).send(request, cancellation)
    },
    close: () => wire.close(),
  }
}
