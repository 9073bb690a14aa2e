import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

/** Packages that a test or an example runs as they are, and that are too big, or too platform-bound, for our lockfile. */
export interface Wanted {
  /** Exact versions: a test must not change because somebody has published something. */
  readonly packages: Readonly<Record<string, string>>
  /** npm's overrides of what these packages ask for. */
  readonly overrides?: Readonly<Record<string, string>>
  readonly say?: (text: string) => void
}

/**
 * Path of the folder whose `node_modules` holds the packages. Installed at the first use, without running anybody's
 * install scripts, and kept in the cache folder. Several processes may ask at once.
 */
export async function installed({ packages, overrides, say }: Wanted): Promise<string> {
  const wanted = Object.entries(packages).map(([name, version]) => `${name}@${version}`)
  const names = wanted.join('+').replaceAll(/[^\w.@+-]/g, '_')
  const folder = resolve('node_modules/.cache/sessionbridge', names)
  if (existsSync(folder)) return folder
  say?.(`installing ${wanted.join(', ')} …`)
  await mkdir(dirname(folder), { recursive: true })
  const draft = await mkdtemp(`${folder}-`)
  try {
    await writeFile(join(draft, 'package.json'), JSON.stringify({ private: true, overrides }))
    await npm(['install', ...flags, ...wanted], draft)
    await rename(draft, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error // somebody else was faster, which is as good
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return folder
}

const flags = [
  '--ignore-scripts',
  '--omit=dev',
  '--no-audit',
  '--no-fund',
  '--prefer-offline',
  '--loglevel=error',
]

async function npm(args: readonly string[], cwd: string): Promise<void> {
  const child = spawn('npm', args, {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0)
    throw new Error(
      `npm ended with ${String(code)} (${args.slice(1 + flags.length).join(' ')}): is its registry reachable?`,
    )
}
