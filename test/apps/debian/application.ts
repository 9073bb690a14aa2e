import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from 'playwright'
import { eventually } from '../../conformance/wait.ts'
import { freePort } from '../../site/free-port.ts'

/** Signs in to all of them. Long enough for all of their rules. */
export const user = { username: 'alice', password: 'Correct-Horse-9' }

/** Another project's web application, as Debian packages it; nothing in it knows of us. */
export interface Application {
  readonly name: string
  /** What `apt-get install --no-install-recommends` has to bring. */
  readonly packages: readonly string[]
  /** Prepares it in an empty folder; gives the command that serves it, to be run there. */
  install(folder: string, origin: string): Promise<readonly [program: string, ...args: string[]]>
  /** Where its login begins. */
  readonly login: string
  readonly home?: string
  signIn(page: Page, password: string): Promise<void>
  /** Reads something, changes something, and reads that, as a script of its user would. */
  use(client: Client, origin: string): Promise<void>
  /** Ends all sessions behind the user's back. */
  forget(folder: string): Promise<unknown>
}

/** What of a session they need. */
export interface Client {
  readonly read: (path: string) => Promise<string>
  readonly post: (path: string, fields: Record<string, string>) => Promise<string>
}

export interface Served extends AsyncDisposable {
  readonly origin: string
  readonly folder: string
}

/** Its own server, on a port of loopback, until it is disposed of. */
export async function serve(application: Application): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), `${application.name}-`))
  const origin = `http://127.0.0.1:${String(await freePort())}`
  const [program, ...args] = await application.install(folder, origin)
  const child = spawn(program, args, {
    ...{ cwd: folder, detached: true, stdio: 'ignore' },
    env: { ...process.env, PHP_CLI_SERVER_WORKERS: '4' },
  })
  const end = async (): Promise<void> => {
    if (child.exitCode === null) {
      process.kill(-(child.pid ?? 0), 'SIGKILL') // its workers, too
      await once(child, 'exit')
    }
    await rm(folder, { recursive: true, force: true })
  }
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${String(child.exitCode)}`)
    return (await fetch(origin + application.login).catch(() => undefined))?.ok || undefined
  })
  return { origin, folder, [Symbol.asyncDispose]: end }
}

const execute = promisify(execFile)

export async function run(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<string> {
  const { stdout } = await execute(program, args, { cwd, env: { ...process.env, ...env } })
  return stdout
}

/** Changes a database of SQLite by Python, which all Debians have. */
export function sql(file: string, statement: string): Promise<string> {
  const script = `import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=20) as db: db.execute(sys.argv[2])`
  return run('/usr/bin/python3', ['-c', script, file, statement], { cwd: '/' })
}
