import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gotScraping } from 'got-scraping'
import { CookieJar } from 'tough-cookie'
import { Agent } from 'undici'
import { createHttp } from '../../src/http/client.ts'
import type { Carrier } from '../../src/http/carrier.ts'
import { createFetch } from '../../src/http/fetch.ts'
import { headersFor } from '../../src/http/headers-for.ts'
import { Cell } from '../../src/state/cell.ts'
import { median } from './median.ts'
import { plainCookies, plainIdentity } from './plain-session.ts'

/**
 * Requests per second of a session's clients beside those that people write by hand. One run, one server in its own
 * process, rounds interleaved and rotated, medians of paired ratios: nothing here depends on how fast the machine is.
 */
const concurrency = 10
const perRound = 300
const rounds = 15

interface Contender {
  readonly name: string
  request(path: string): Promise<unknown>
  close(): Promise<void>
}

export interface RequestFigures {
  /** Requests per second, median over rounds, by contender. */
  readonly rates: Readonly<Record<string, number>>
  readonly ratios: readonly { readonly what: string; readonly ratio: number; readonly target: number }[]
}

export async function benchRequests(write: (line: string) => void = console.log): Promise<RequestFigures> {
  const { server, origin } = await startPlainServer()
  const contenders = await createContenders(origin)
  try {
    const times = await measure(contenders)
    return report(times, write)
  } finally {
    for (const contender of contenders) await contender.close()
    server.kill()
  }
}

export async function startPlainServer(): Promise<{ server: ChildProcess; origin: string }> {
  const script = fileURLToPath(new URL(`./plain-server${extname(import.meta.filename)}`, import.meta.url))
  const server = spawn(process.execPath, [...process.execArgv, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  return { server, origin: `http://127.0.0.1:${String(line).trim()}` }
}

async function createContenders(origin: string): Promise<Contender[]> {
  const carrier = createCarrier()
  const headers = headersFor(carrier, `${origin}/`)
  const cookie = headers.find(([name]) => name === 'Cookie')?.[1] ?? ''
  const fixed = Object.fromEntries(headers.filter(([name]) => name !== 'Cookie'))
  return [
    session('session.http', carrier, origin),
    fetching('session.fetch', carrier, origin),
    bare(origin, cookie),
    await tuned(origin, fixed, cookie),
    constant(origin, [...headers.flat()]),
  ]
}

function createCarrier(): Carrier {
  const cell = new Cell({ cookies: plainCookies, origins: [] })
  return { name: 'bench/alice', cell, headerRules: [], identity: plainIdentity }
}

function session(name: string, carrier: Carrier, origin: string): Contender {
  const http = createHttp(carrier)
  return { name, request: (path) => http(origin + path).text(), close: () => http.close() }
}

function fetching(name: string, carrier: Carrier, origin: string): Contender {
  const fetch = createFetch(carrier)
  return { name, request: async (path) => (await fetch(origin + path)).text(), close: () => fetch.close() }
}

/** What its README shows, and the session's cookies. */
function bare(origin: string, cookie: string): Contender {
  return {
    name: 'got-scraping, defaults',
    request: (path) => gotScraping(origin + path, { headers: { cookie } }).text(),
    close: () => Promise.resolve(),
  }
}

/** What somebody writes who has measured: no header generation, a keep-alive agent of its own, a tough-cookie jar. */
async function tuned(origin: string, fixed: Record<string, string>, cookie: string): Promise<Contender> {
  const cookieJar = new CookieJar()
  for (const pair of cookie.split('; ')) await cookieJar.setCookie(`${pair}; Path=/`, origin)
  const agent = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) }
  const got = gotScraping.extend({
    agent,
    cookieJar,
    http2: false,
    context: { headerGenerator: { getHeaders: () => fixed } },
  })
  return {
    name: 'got-scraping, tuned, tough-cookie jar',
    request: (path) => got(origin + path).text(),
    close: () => {
      agent.http.destroy()
      agent.https.destroy()
      return Promise.resolve()
    },
  }
}

function constant(origin: string, headers: string[]): Contender {
  const agent = new Agent()
  return {
    name: 'undici, constant cookie',
    request: async (path) => {
      const { body } = await agent.request({ origin, path, method: 'GET', headers })
      return body.text()
    },
    close: () => agent.close(),
  }
}

type Times = ReadonlyMap<string, number[]>

async function measure(contenders: readonly Contender[]): Promise<Times> {
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  for (const contender of contenders) await oneRound(contender)
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length]
      if (contender === undefined) continue
      const start = performance.now()
      await oneRound(contender)
      times.get(contender.name)?.push(performance.now() - start)
    }
  }
  return times
}

async function oneRound(contender: Contender): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < perRound) await contender.request(`/api/orders?page=${String(++next)}`)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}

function report(times: Times, write: (line: string) => void): RequestFigures {
  const rates: Record<string, number> = {}
  for (const [name, all] of times) {
    rates[name] = (perRound / median(all)) * 1000
    write(`  ${name.padEnd(40)} ${rates[name].toFixed(0).padStart(7)} requests/s`)
  }
  const ratios = [
    compare(times, 'session.http', 'got-scraping, defaults', 1.7),
    compare(times, 'session.http', 'got-scraping, tuned, tough-cookie jar', 0.9),
    compare(times, 'session.fetch', 'got-scraping, defaults', 4),
    compare(times, 'session.fetch', 'undici, constant cookie', 0.8),
  ]
  for (const { what, ratio, target } of ratios)
    write(
      `  ${what.padEnd(64)} ${ratio.toFixed(2)} (target ${String(target)}) ${ratio >= target ? '✓' : '✗'}`,
    )
  return { rates, ratios }
}

/** Ratio of rates, round by round, so that a slow moment of the machine counts on both sides. */
function compare(
  times: Times,
  ours: string,
  theirs: string,
  target: number,
): RequestFigures['ratios'][number] {
  const mine = times.get(ours) ?? []
  const other = times.get(theirs) ?? []
  return {
    what: `${ours} / ${theirs}`,
    ratio: median(mine.map((time, round) => (other[round] ?? 0) / time)),
    target,
  }
}

if (process.argv[1] === import.meta.filename) await benchRequests()
