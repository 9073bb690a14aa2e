import type { Carrier } from './carrier.ts'
import type { Deadline } from './deadline.ts'
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

/** Asked before each hop, redirects included; `ask` follows redirects and asks nobody. */
export type Admission = (hop: Hop, deadline: Deadline, ask: Exchange) => Promise<void>

/** The rules for robots, when the options ask for them. Loaded at the first request. */
export function robotsAdmission({ robots }: HttpOptions, carrier: () => Carrier): Admission | undefined {
  if (robots === undefined || robots === false) return undefined
  const opening = late(async () => {
    const { Robots } = await import('./robots/robots.ts')
    return new Robots(carrier(), robots === true ? {} : robots)
  })
  return async (hop, deadline, ask) => (await opening()).admit(hop, deadline, ask)
}

function late<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined
  return () => (opened ??= open())
}
