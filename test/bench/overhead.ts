import { startPlainServer } from './bench-server.ts'
import { openBenchSession } from './bench-session.ts'
import { undiciConstant, type Asking } from './clients-by-hand.ts'
import { plainCookies } from './plain-session.ts'
import { writeFigure, writeLoad, type Write } from './rounds.ts'

/**
 * What a session adds to one request when a hundred cookies go with it: `session.fetch` beside undici with the same headers as
 * constants, one request after the other, in turns. Each request is compared with its neighbour, so that a slow moment of the
 * machine is not ours; how much two equal requests differ is printed beside it.
 */
const cookies = 100
const requests = 3_000
const warmUp = 1_500
const [base] = plainCookies

export interface OverheadFigures {
  /** Milliseconds that are added to a request. */
  readonly p50: number
  readonly p99: number
}

export async function benchOverhead(write: Write = console.log): Promise<OverheadFigures> {
  writeLoad(write)
  const { server, origin } = await startPlainServer()
  try {
    const jar = Array.from({ length: cookies }, (_, n) => ({ ...base, name: `cookie${String(n)}` }))
    await using session = await openBenchSession(origin, { cookies: jar as typeof plainCookies })
    const ours: Asking = {
      name: 'session.fetch',
      ask: async (url) => (await session.fetch(url)).text(),
    }
    const constant = undiciConstant(session.headersFor(origin).flat())
    const plain = await compare(`${origin}/api/orders`, ours, constant)
    report(write, 'answers without Set-Cookie', plain)
    report(write, 'each answer sets a cookie', await compare(`${origin}/rotate`, ours, constant))
    await constant.close?.()
    return plain.added
  } finally {
    server.kill()
  }
}

interface Compared {
  readonly added: OverheadFigures
  /** Between two requests by undici: what is chance. */
  readonly chance: OverheadFigures
  readonly request: OverheadFigures
}

async function compare(url: string, ours: Asking, constant: Asking): Promise<Compared> {
  const times = { ours: [] as number[], one: [] as number[], other: [] as number[] }
  for (let n = 0; n < warmUp + requests; n++) {
    const turn: [keyof typeof times, Asking][] = [
      ['ours', ours],
      ['one', constant],
      ['other', constant],
    ]
    for (let at = 0; at < turn.length; at++) {
      const [name, client] = turn[(n + at) % turn.length] ?? ['ours', ours]
      const begun = performance.now()
      await client.ask(`${url}?page=${String(n)}`)
      if (n >= warmUp) times[name].push(performance.now() - begun)
    }
  }
  const differences = (some: readonly number[]): OverheadFigures =>
    quantiles(some.map((time, at) => time - (times.one[at] ?? NaN)))
  return {
    added: differences(times.ours),
    chance: differences(times.other),
    request: quantiles(times.one),
  }
}

function quantiles(values: readonly number[]): OverheadFigures {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? NaN
  return { p50: at(0.5), p99: at(0.99) }
}

function report(write: Write, title: string, { added, chance, request }: Compared): void {
  const both = ({ p50, p99 }: OverheadFigures): string =>
    `p50 ${p50.toFixed(3).padStart(7)} ms, p99 ${p99.toFixed(3).padStart(7)} ms`
  write(`  ${title}, ${String(cookies)} cookies`)
  write(`    undici, one request           ${both(request)}`)
  write(`    undici beside undici, chance  ${both(chance)}`)
  write(`    session.fetch adds            ${both(added)}`)
  const figure = { what: 'p99 added by session.fetch', value: added.p99, target: 1 }
  writeFigure(write, figure, { unit: ' ms', atMost: true })
}

if (process.argv[1] === import.meta.filename) await benchOverhead()
