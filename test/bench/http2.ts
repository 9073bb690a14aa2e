import { once } from 'node:events'
import { connect, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2'
import { Agent } from 'undici'
import type { Session } from '../../src/index.ts'
import { startTlsServer } from './bench-server.ts'
import { openBenchSession } from './bench-session.ts'
import type { Asking } from './clients-by-hand.ts'
import { median } from './median.ts'
import { plainCookies } from './plain-session.ts'
import { askAll, measure, timesFaster, writeFigure, writeLoad, type Figure, type Times } from './rounds.ts'

/**
 * What HTTP/2 costs and brings on one machine: a session's clients over both protocols, and those of Node and undici with the
 * same headers written by hand (docs/decisions/0009-http2.md).
 */
const widths = [1, 10, 50]
const perRound = 400
const rounds = Number(process.env['SESSIONBRIDGE_BENCH_ROUNDS'] ?? 11)

const targets = [
  ['session.fetch, HTTP/2', 'node:http2', 0.8],
  ['session.fetch, HTTP/2', 'session.fetch, HTTP/1.1', 1],
  ['session.http, HTTP/2', 'session.http, HTTP/1.1', 1],
] as const

export async function benchHttp2(write: (line: string) => void = console.log): Promise<readonly Figure[]> {
  writeLoad(write)
  const { server, origin, ca } = await startTlsServer()
  const cookies = plainCookies.map((cookie) => ({ ...cookie, secure: true }))
  try {
    await using newer = await openBenchSession(origin, { cookies, http: { ca } })
    await using older = await openBenchSession(origin, { cookies, http: { ca, http2: false } })
    const asking = [
      ...clientsOf(newer, 'HTTP/2'),
      ...clientsOf(older, 'HTTP/1.1'),
      byNode(newer.headersFor(`${origin}/`), origin, ca),
      byUndici(newer.headersFor(`${origin}/`), ca),
    ]
    const figures: Figure[] = []
    for (const width of widths) figures.push(...(await benchAt(width, asking, origin, write)))
    for (const client of asking) await client.close?.()
    return figures
  } finally {
    server.kill()
  }
}

async function benchAt(
  width: number,
  asking: readonly Asking[],
  origin: string,
  write: (line: string) => void,
): Promise<readonly Figure[]> {
  const urls = Array.from({ length: perRound }, (_, n) => `${origin}/api/orders?page=${String(n + 1)}`)
  const contenders = asking.map((client) => ({
    name: client.name,
    round: () => askAll(urls, client, width),
  }))
  const times = await measure(contenders, rounds)
  write(`  ${String(width)} at a time`)
  writeRates(times, write)
  return targets.map(([ours, theirs, target]) => {
    const figure = { what: `${ours} / ${theirs}`, value: timesFaster(times, ours, theirs), target }
    writeFigure(write, figure)
    return figure
  })
}

function writeRates(times: Times, write: (line: string) => void): void {
  for (const [name, all] of times)
    write(`  ${name.padEnd(40)} ${((perRound / median(all)) * 1000).toFixed(0).padStart(7)} requests/s`)
}

function clientsOf(session: Session, protocol: string): Asking[] {
  return [
    { name: `session.fetch, ${protocol}`, ask: async (url) => (await session.fetch(url)).text() },
    { name: `session.http, ${protocol}`, ask: (url) => session.http(url).text() },
  ]
}

type Headers = ReturnType<Session['headersFor']>

function byNode(pairs: Headers, origin: string, ca: string): Asking {
  const session = connect(origin, { ca })
  const fixed = Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]))
  return {
    name: 'node:http2',
    ask: (url) => answerOf(session, { ...fixed, ':path': url.slice(origin.length) }),
    async close() {
      session.close()
      await once(session, 'close')
    },
  }
}

function answerOf(session: ClientHttp2Session, headers: OutgoingHttpHeaders): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    session
      .request(headers)
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        resolve(Buffer.concat(chunks).toString())
      })
      .on('error', reject)
  })
}

function byUndici(pairs: Headers, ca: string): Asking {
  const agent = new Agent({ connect: { ca }, allowH2: false })
  return {
    name: 'undici, HTTP/1.1',
    async ask(url) {
      const { origin, pathname, search } = new URL(url)
      const headers = pairs.flat()
      const { body } = await agent.request({ origin, path: pathname + search, method: 'GET', headers })
      return body.text()
    },
    close: () => agent.close(),
  }
}

if (process.argv[1] === import.meta.filename) await benchHttp2()
