import { randomBytes } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from './free-port.ts'
import { installed } from './installed.ts'
import { startProgram } from './program.ts'

// The newest line of node-red that takes Node 20.
const version = '4.1.8'

/** How long a token of its editor lives, seconds. */
const sessionExpiryTime = 900

/** A running node-red whose editor and admin API want a login. */
export interface NodeRed extends AsyncDisposable {
  readonly url: string
  readonly user: { readonly username: string; readonly password: string }
  /** Its clock goes on by as much as a token lives, and a second. */
  passTokenLife(): Promise<void>
}

export async function startNodeRed(say: (text: string) => void = () => undefined): Promise<NodeRed> {
  const home = await installed({ packages: { 'node-red': version }, say })
  const folder = await mkdtemp(join(tmpdir(), 'sessionbridge-node-red-'))
  const user = { username: 'alice', password: randomBytes(12).toString('base64url') }
  const url = `http://127.0.0.1:${String(await freePort())}/`
  await writeFile(join(folder, 'settings.cjs'), settings(user.username, hashOf(home, user.password)), {
    mode: 0o600,
  })

  const program = await startProgram({
    script: join(home, 'node_modules/node-red/red.js'),
    args: ['--userDir', folder, '--settings', join(folder, 'settings.cjs'), '--port', new URL(url).port],
    folder,
    isUp: ({ stdout }) => running(stdout),
  })
  return {
    url,
    user,
    passTokenLife: () => program.passTime((sessionExpiryTime + 1) * 1000),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  }
}

async function running(output: NodeJS.ReadableStream | null): Promise<void> {
  if (output === null) throw new Error('node-red has no output')
  for await (const line of createInterface(output)) if (line.includes('Server now running')) return
}

/** By its own bcrypt. The fewest rounds: nobody is to be kept out of here. */
function hashOf(home: string, password: string): string {
  const load = createRequire(import.meta.url)
  const bcrypt = load(join(home, 'node_modules/bcryptjs')) as {
    readonly hashSync: (text: string, rounds: number) => string
  }
  return bcrypt.hashSync(password, 4)
}

function settings(username: string, password: string): string {
  return `module.exports = {
  uiHost: '127.0.0.1',
  flowFile: 'flows.json',
  credentialSecret: false,
  telemetry: { enabled: false },
  adminAuth: {
    type: 'credentials',
    sessionExpiryTime: ${String(sessionExpiryTime)},
    users: [{ username: ${JSON.stringify(username)}, password: ${JSON.stringify(password)}, permissions: '*' }],
  },
  editorTheme: { tours: false, palette: { catalogues: [] } },
}
`
}
