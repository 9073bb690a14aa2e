import type { Browser } from 'playwright'
import { impitFetch, type Session } from '../../src/index.ts'
import { loadImpit } from '../site/foreign-clients.ts'
import { startPlainServer } from './bench-server.ts'
import { openBenchSession } from './bench-session.ts'
import { clientsByHand, impitBrowser, type Asking } from './clients-by-hand.ts'
import { contextRequest, crawleeSendRequest, launchBenchBrowser, pageFetch } from './clients-of-others.ts'
import { median } from './median.ts'
import {
  askAll,
  measure,
  timesFaster,
  writeFigure,
  writeLoad,
  type Contender,
  type Figure,
} from './rounds.ts'

/**
 * Requests per second of a session's clients beside those that people write by hand. One run, one server in its own
 * process, rounds interleaved and rotated, medians of paired ratios: nothing here depends on how fast the machine is.
 */
const concurrency = 10
const perRound = 1_000
const rounds = Number(process.env['SESSIONBRIDGE_BENCH_ROUNDS'] ?? 9)

export interface RequestFigures {
  /** Requests per second, median over rounds, by contender. */
  readonly rates: Readonly<Record<string, number>>
  readonly ratios: readonly Figure[]
}

const targets = [
  ['session.http', 'got-scraping, defaults', 1.8],
  ['session.http', 'got-scraping, tuned, tough-cookie jar', 1],
  ['session.fetch', 'undici, constant cookie', 0.8],
  ['session.fetch', 'got-scraping, defaults', 5],
  ['impitFetch', 'impit, tough-cookie jar', 0.95],
  ['session.fetch', "Playwright's context.request", 1],
  ['session.fetch', "Crawlee's sendRequest", 1],
  ['session.fetch', 'fetch inside a page', 1],
] as const

export async function benchRequests(write: (line: string) => void = console.log): Promise<RequestFigures> {
  writeLoad(write)
  const { server, origin } = await startPlainServer()
  try {
    await using session = await openBenchSession(origin)
    await using browser = await launchBenchBrowser()
    return await benchAll(session, browser, origin, write)
  } finally {
    server.kill()
  }
}

async function benchAll(
  session: Session,
  browser: Browser,
  origin: string,
  write: (line: string) => void,
): Promise<RequestFigures> {
  const { Impit } = await loadImpit()
  const byImpit = impitFetch(session, Impit, { browser: impitBrowser })
  const cookie = session.headersFor(origin).find(([name]) => name === 'Cookie')?.[1] ?? ''
  const asking: Asking[] = [
    { name: 'session.http', ask: (url) => session.http(url).text() },
    { name: 'session.fetch', ask: async (url) => (await session.fetch(url)).text() },
    { name: 'impitFetch', ask: async (url) => (await byImpit(url)).text() },
    ...(await clientsByHand(session, origin)),
    await contextRequest(browser, session),
    await crawleeSendRequest(origin, cookie),
  ]
  const inPage = await pageFetch(browser, session, origin)
  const urls = Array.from({ length: perRound }, (_, n) => `${origin}/api/orders?page=${String(n + 1)}`)
  const contenders: Contender[] = [
    ...asking.map((client) => ({ name: client.name, round: () => askAll(urls, client, concurrency) })),
    { name: 'fetch inside a page', round: () => inPage.fetchAll(urls, concurrency).then(() => undefined) },
  ]
  const times = await measure(contenders, rounds)
  for (const client of [...asking, inPage]) await client.close?.()
  return report(times, write)
}

function report(
  times: ReadonlyMap<string, readonly number[]>,
  write: (line: string) => void,
): RequestFigures {
  const rates: Record<string, number> = {}
  for (const [name, all] of times) {
    rates[name] = (perRound / median(all)) * 1000
    write(`  ${name.padEnd(40)} ${rates[name].toFixed(0).padStart(7)} requests/s`)
  }
  const ratios = targets.map(([ours, theirs, target]): Figure => {
    const figure = { what: `${ours} / ${theirs}`, value: timesFaster(times, ours, theirs), target }
    writeFigure(write, figure)
    return figure
  })
  return { rates, ratios }
}

if (process.argv[1] === import.meta.filename) await benchRequests()
