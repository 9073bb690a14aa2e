import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from '../../scripts/setup/build.mjs'

const dist = join(import.meta.dirname, '../../dist')

/** Folder of the compiled command. `npm test` has compiled before; a single file's run may have to. */
export async function compiledScripts(): Promise<string> {
  const { code, output } = await build()
  if (code !== 0) throw new Error(`The sources do not compile:\n${output}`)
  return join(dist, 'scripts')
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly input?: string
  /** Default false: its input ends at once. */
  readonly inputStaysOpen?: boolean
  /** Called once with the process, to send it a signal or to close its pipes. */
  readonly meet?: (child: Child) => void
}

export type Child = ReturnType<typeof spawnPiped>

/** Runs a script of node as a shell would: pipes and an exit code. */
export function runNode(args: readonly string[], options: RunOptions): Promise<Ended> {
  const child = spawnPiped(args, options)
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  child.stdin.on('error', () => undefined) // it may end without having read its input
  if (options.inputStaysOpen !== true) child.stdin.end(options.input ?? '')
  options.meet?.(child)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() })
    })
  })
}

function spawnPiped(args: readonly string[], { env, cwd }: RunOptions) {
  return spawn(process.execPath, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] })
}

/** Process ids whose arguments hold the text. */
export async function processesWith(text: string): Promise<number[]> {
  const found: number[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue
    const line = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '')
    if (line.includes(text)) found.push(Number(entry))
  }
  return found
}

/** True on systems where processes can be looked at. */
export const hasProc = existsSync('/proc/self/cmdline')
