import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createVault, fileStore, generateKey } from '../../src/index.ts'
import { startPlainServer } from './bench-server.ts'
import { median } from './median.ts'
import { plainCookies, plainIdentity } from './plain-session.ts'
import { measure, timesFaster, writeFigure, writeLoad, type Contender, type Write } from './rounds.ts'

/** Pages that the browser opens in a round; their time is scaled up, since a thousand would take minutes. */
const browserPages = 40
const pages = 1_000
const rounds = Number(process.env['SESSIONBRIDGE_BENCH_ROUNDS'] ?? 3)
const atOnce = 16

const browser = 'page.goto, one by one'
const contextRequest = `context.request, ${String(atOnce)} at once`
const requestContext = `request.newContext without a browser, ${String(atOnce)} at once`
const http = `session.http, ${String(atOnce)} at once`
const fetch = `session.fetch, ${String(atOnce)} at once`

export interface PageFigures {
  /** How many times faster than the browser. */
  readonly http: number
  readonly fetch: number
}

/**
 * 1,000 pages that need the login, end to end: a fresh process each, from its start to its end, the stored session opened
 * in it, and a server that costs next to nothing. The browser goes through the same pages one after the other, as a scraper with a page does.
 */
export async function benchPages(write: Write = console.log): Promise<PageFigures> {
  writeLoad(write)
  const folder = await mkdtemp(join(tmpdir(), 'sessionbridge-bench-'))
  const { server, origin } = await startPlainServer()
  try {
    const env = await storeSession(folder)
    const run = (client: string, count: number, width: number): Measured =>
      runProcess([client, folder, String(count), String(width), origin], env)
    const contenders: Contender[] = [
      {
        name: browser,
        round() {
          const { whole, reading } = run('goto', browserPages, 1)
          return Promise.resolve(whole - reading + (reading * pages) / browserPages)
        },
      },
      ...[
        [contextRequest, 'context.request', atOnce] as const,
        [requestContext, 'request.newContext', atOnce] as const,
        [http, 'http', atOnce] as const,
        [fetch, 'fetch', atOnce] as const,
        ['session.fetch, one by one', 'fetch', 1] as const,
      ].map(([name, client, width]) => ({
        name,
        round: () => Promise.resolve(run(client, pages, width).whole),
      })),
    ]
    return report(await measure(contenders, rounds), write)
  } finally {
    server.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

function report(times: ReadonlyMap<string, readonly number[]>, write: Write): PageFigures {
  for (const [name, taken] of times) {
    const ratio = timesFaster(times, name, browser).toFixed(1)
    write(
      `  ${name.padEnd(52)} ${median(taken).toFixed(0).padStart(7)} ms ${ratio.padStart(7)} × the browser`,
    )
  }
  for (const [ours, theirs, target] of [
    [fetch, browser, 60],
    [http, browser, 60],
    [fetch, contextRequest, 4],
    [http, contextRequest, 4],
    [fetch, requestContext, 1],
    [http, requestContext, 1],
  ] as const)
    writeFigure(write, { what: `${ours} / ${theirs}`, value: timesFaster(times, ours, theirs), target })
  return { http: timesFaster(times, http, browser), fetch: timesFaster(times, fetch, browser) }
}

interface Measured {
  /** Milliseconds from the start of the process to its end. */
  readonly whole: number
  /** Milliseconds of it that went into the pages. */
  readonly reading: number
}

function runProcess(args: readonly string[], env: NodeJS.ProcessEnv): Measured {
  const script = fileURLToPath(new URL(`./pages-process${extname(import.meta.filename)}`, import.meta.url))
  const begun = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`A measured process failed: ${stderr}`)
  return { whole: performance.now() - begun, reading: Number(stdout) }
}

async function storeSession(folder: string): Promise<NodeJS.ProcessEnv> {
  const key = generateKey()
  const state = { cookies: plainCookies, origins: [] }
  await createVault({ store: fileStore(folder), key }).put('bench/alice', { state, identity: plainIdentity })
  return { ...process.env, SESSIONBRIDGE_KEY: key }
}

if (process.argv[1] === import.meta.filename) await benchPages()
