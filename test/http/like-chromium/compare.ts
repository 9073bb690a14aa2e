import type { Recorded } from './recorder.ts'

/** Where a client of ours is not like the browser: what it is, why, and what of a request does not count then. */
export interface Exception {
  readonly name: string
  readonly why: string
  /** Where it may occur. */
  readonly of: (client: string, protocol: string) => boolean
  /** Takes out of a request, the browser's or ours, what cannot be the same. */
  readonly leaveOut: (request: Recorded) => Recorded
}

/** Node 20 cannot decode it; from Node 22.15 on the exception would be superfluous, and the test would say so. */
const hasZstd = process.versions.zstd !== undefined

export const exceptions: readonly Exception[] = [
  ...(hasZstd
    ? []
    : [
        {
          name: 'zstd',
          why: 'what Node 20 cannot decode is not asked for',
          of: () => true,
          leaveOut: mapHeaders((name, value) => [
            [name, /^accept-encoding$/i.test(name) ? value.replace(', zstd', '') : value],
          ]),
        },
      ]),
  {
    name: 'PATCH of nothing',
    why: 'Chromium does not say how long it is; Node would announce a body in chunks',
    of: (client, protocol) => client === 'session.http' || protocol === '2',
    leaveOut: (request) =>
      request.method === 'PATCH' && request.body === ''
        ? mapHeaders((name, value) => (/^content-length$/i.test(name) ? [] : [[name, value]]))(request)
        : request,
  },
  {
    name: 'framing of undici',
    why: 'over HTTP/1.1 undici writes host and connection in lower case, and content-length last',
    of: (client) => client !== 'session.http',
    leaveOut: (request) =>
      request.protocol === '1.1'
        ? mapHeaders((name, value) =>
            ['host', 'connection', 'content-length'].includes(name.toLowerCase()) ? [] : [[name, value]],
          )(request)
        : request,
  },
]

/** Of the hints that a site may ask for; Chromium blurs it for each origin in another way. */
export const blurred: Exception = {
  name: 'downlink',
  why: 'Chromium adds noise of its own to it for each origin, so that it identifies nobody',
  of: () => true,
  leaveOut: mapHeaders((name, value) => [[name, name === 'downlink' ? '(a number)' : value]]),
}

function mapHeaders(change: (name: string, value: string) => [string, string][]): Exception['leaveOut'] {
  return (request) => ({
    ...request,
    headers: request.headers.flatMap(([name, value]) => change(name, value)),
  })
}

export interface Pair {
  readonly what: string
  readonly browser: readonly Recorded[]
  readonly ours: readonly Recorded[]
}

/** Where pairs differ when these exceptions are left out, in lines to read. */
export function differences(pairs: readonly Pair[], without: readonly Exception[]): string[] {
  const lines = (requests: readonly Recorded[]): string[] =>
    requests.flatMap((request) => linesOf(without.reduce((left, { leaveOut }) => leaveOut(left), request)))
  return pairs.flatMap(({ what, browser, ours }) => {
    const [theirs, mine] = [lines(browser), lines(ours)]
    const at = theirs.findIndex((line, index) => line !== mine[index])
    if (at === -1 && theirs.length === mine.length) return []
    const from = at === -1 ? theirs.length : at
    const excerpt = (all: string[]): string => all.slice(from, from + 6).join(' | ')
    return [`${what}: Chromium: ${excerpt(theirs)}\nours: ${excerpt(mine)}`]
  })
}

function linesOf({ protocol, method, place, headers, body }: Recorded): string[] {
  const head = headers.map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/${protocol} ${method} ${place}`, ...head, body]
}
