import type { Carrier } from './carrier.ts'
import type { Exchange } from './exchange.ts'
import type { Hop } from './hop.ts'
import type { HttpOptions } from './options.ts'

/** The headers that a hop would be sent with, name, value, name, value … */
export type HeadersOf = (hop: Hop) => readonly string[]

/** Something that stands around all exchanges of a session, whichever client they are of. */
export type Around = (next: Exchange, headersOf: HeadersOf) => Exchange

/** What the options ask for; `undefined`, and nothing on the way of a request, when that is nothing. Loaded at the first request. */
export function exchangesAround(
  { cache, maxResponseBytes }: HttpOptions,
  carrier: () => Carrier,
): Around | undefined {
  if (cache === undefined || cache === false) return undefined
  const opening = late(async () => {
    const { ResponseCache } = await import('./cache/response-cache.ts')
    return new ResponseCache(carrier(), cache === true ? {} : cache, maxResponseBytes)
  })
  return (next, headersOf) => async (request, deadline) =>
    (await opening()).exchange(request, deadline, { next, headersOf })
}

function late<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined
  return () => (opened ??= open())
}
