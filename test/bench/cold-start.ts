import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createVault, fileStore, generateKey, type StateCookie } from '../../src/index.ts'
import { startPlainServer } from './requests.ts'

/**
 * Time from the start of a process to its first authenticated answer, from a stored snapshot, in units of `node -e 0`.
 * Rounds are interleaved; the figure is the median of paired ratios. Run built: a TypeScript loader costs more than
 * all that is measured here.
 */
const rounds = 15

export interface ColdStartFigures {
  readonly fetch: number
  readonly http: number
}

export async function benchColdStart(write: (line: string) => void = console.log): Promise<ColdStartFigures> {
  const { server, origin } = await startPlainServer()
  const folder = await mkdtemp(join(tmpdir(), 'sessionbridge-bench-'))
  try {
    const key = generateKey()
    await storeSession(folder, key, origin)
    const script = fileURLToPath(new URL(`./first-request${extname(import.meta.filename)}`, import.meta.url))
    const first = (client: string): number =>
      timed([...process.execArgv, script, client, folder, `${origin}/api/orders?page=1`], key)
    const bare: number[] = []
    const ratios = { fetch: [] as number[], http: [] as number[] }
    first('fetch')
    first('http')
    for (let round = 0; round < rounds; round++) {
      const unit = timed(['-e', '0'], key)
      bare.push(unit)
      ratios.fetch.push(first('fetch') / unit)
      ratios.http.push(first('http') / unit)
    }
    const figures = { fetch: median(ratios.fetch), http: median(ratios.http) }
    write(`  node -e 0                                ${median(bare).toFixed(0).padStart(7)} ms`)
    report(write, 'first answer with session.fetch', figures.fetch, 2)
    report(write, 'first answer with session.http', figures.http, 3)
    return figures
  } finally {
    server.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

async function storeSession(folder: string, key: string, origin: string): Promise<void> {
  const cookies = Array.from({ length: 10 }, (_, n): StateCookie => ({
    name: `cookie${String(n)}`,
    value: 'v'.repeat(40),
    domain: '127.0.0.1',
    path: '/',
    expires: -1,
    httpOnly: true,
    secure: false,
    sameSite: 'Lax',
  }))
  const userAgent =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36'
  await createVault({ store: fileStore(folder), key }).put('bench/alice', {
    state: { cookies, origins: [{ origin, localStorage: [{ name: 'auth', value: '{"token":"t"}' }] }] },
    identity: { userAgent, languages: ['en-US'], navigationHeaders: [['User-Agent', userAgent]] },
    headerRules: [
      {
        header: 'Authorization',
        origins: [origin],
        methods: 'all',
        prefix: 'Bearer ',
        source: { from: 'localStorage', origin, key: 'auth', path: ['token'] },
      },
    ],
  })
}

/** Milliseconds from spawning to exit. */
function timed(args: readonly string[], key: string): number {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, args, {
    env: { ...process.env, SESSIONBRIDGE_KEY: key },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`A measured process failed: ${stderr}`)
  return performance.now() - start
}

function report(write: (line: string) => void, what: string, ratio: number, target: number): void {
  write(
    `  ${what.padEnd(40)} ${ratio.toFixed(2).padStart(7)} × node (target ${String(target)}) ${ratio <= target ? '✓' : '✗'}`,
  )
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

if (process.argv[1] === import.meta.filename) await benchColdStart()
