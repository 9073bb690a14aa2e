import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createVault, fileStore, generateKey } from '../../src/index.ts'
import { median } from './median.ts'
import { plainCookies, plainIdentity } from './plain-session.ts'
import { startPlainServer } from './bench-server.ts'

/**
 * Time from the start of a process to its first authenticated answer, from a stored snapshot, in units of `node -e 0`.
 * Rounds are interleaved; the figure is the median of paired ratios. Run built: a TypeScript loader costs more than
 * all that is measured here.
 *
 * Where NODE_EXTRA_CA_CERTS names a bundle of certificates, Node reads all of it before anything else, and its own
 * start takes up to three times as long. So both are measured there, with the bundle and without.
 */
const rounds = 31
const extraCertificates = 'NODE_EXTRA_CA_CERTS'

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
    const as: NodeJS.ProcessEnv = { ...process.env, SESSIONBRIDGE_KEY: key }
    const { [extraCertificates]: bundle, ...plain } = as
    const figures = measure('Node as it is set up', as, folder, origin, write)
    if (bundle !== undefined) measure(`without ${extraCertificates}`, plain, folder, origin, write)
    return figures
  } finally {
    server.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

function measure(
  title: string,
  env: NodeJS.ProcessEnv,
  folder: string,
  origin: string,
  write: (line: string) => void,
): ColdStartFigures {
  const script = fileURLToPath(new URL(`./first-request${extname(import.meta.filename)}`, import.meta.url))
  const first = (client: string): number =>
    timed([...process.execArgv, script, client, folder, `${origin}/api/orders?page=1`], env)
  const bare: number[] = []
  const ratios = { fetch: [] as number[], http: [] as number[] }
  first('fetch')
  first('http')
  for (let round = 0; round < rounds; round++) {
    const unit = timed([...process.execArgv, '-e', '0'], env)
    bare.push(unit)
    ratios.fetch.push(first('fetch') / unit)
    ratios.http.push(first('http') / unit)
  }
  const figures = { fetch: median(ratios.fetch), http: median(ratios.http) }
  const unit = `${median(bare).toFixed(0)} ms, at best ${Math.min(...bare).toFixed(0)}`
  write(`  ${title}: node -e 0 takes ${unit}; load ${loadavg()[0]?.toFixed(1) ?? ''}`)
  report(write, 'first answer with session.fetch', figures.fetch, 2)
  report(write, 'first answer with session.http', figures.http, 3)
  return figures
}

async function storeSession(folder: string, key: string, origin: string): Promise<void> {
  await createVault({ store: fileStore(folder), key }).put('bench/alice', {
    state: {
      cookies: plainCookies,
      origins: [{ origin, localStorage: [{ name: 'auth', value: '{"token":"t"}' }] }],
    },
    identity: plainIdentity,
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
function timed(args: readonly string[], env: NodeJS.ProcessEnv): number {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`A measured process failed: ${stderr}`)
  return performance.now() - start
}

function report(write: (line: string) => void, what: string, ratio: number, target: number): void {
  write(
    `    ${what.padEnd(38)} ${ratio.toFixed(2).padStart(7)} × node (target ${String(target)}) ${ratio <= target ? '✓' : '✗'}`,
  )
}

if (process.argv[1] === import.meta.filename) await benchColdStart()
