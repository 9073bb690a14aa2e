import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/site/free-port.ts'
import { installed } from '../../test/site/installed.ts'
import { startProgram } from '../../test/site/program.ts'

// The newest line of verdaccio that takes Node 20 (6.9 wants 22).
const version = '6.8.0'

/** A running registry with one user and one package that only signed-in users may see. */
export interface Registry extends AsyncDisposable {
  readonly url: string
  readonly user: { readonly username: string; readonly password: string }
  readonly packageName: string
  /** Its clock goes on by as much as a token of its page lives, and a second. */
  passTokenLife(): Promise<void>
}

export async function startRegistry(say: (text: string) => void): Promise<Registry> {
  const home = await installed({
    packages: { verdaccio: version },
    // One of its parts asks for node-fetch by a dist-tag ("cjs"), which registry mirrors tend to lack.
    overrides: { 'node-fetch': '2.7.0' },
    say,
  })
  const folder = await mkdtemp(join(tmpdir(), 'sessionbridge-verdaccio-'))
  const user = { username: 'alice', password: randomBytes(12).toString('base64url') }
  await writeFile(join(folder, 'config.yaml'), configuration)
  await writeFile(
    join(folder, 'htpasswd'),
    `${user.username}:{SHA}${sha1(user.password).toString('base64')}\n`,
    { mode: 0o600 },
  )

  const url = `http://127.0.0.1:${String(await freePort())}/`
  const program = await startProgram({
    script: join(home, 'node_modules/verdaccio/bin/verdaccio'),
    args: ['--config', join(folder, 'config.yaml'), '--listen', url],
    folder,
    isUp: (child) => once(child, 'message'), // it tells its parent process
  })
  const stop = async (): Promise<void> => {
    await program[Symbol.asyncDispose]()
  }
  try {
    const packageName = await publish(url, user)
    const passTokenLife = (): Promise<void> => program.passTime((tokenLife + 1) * 1000)
    return { url, user, packageName, passTokenLife, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Seconds. */
const tokenLife = 3600

const configuration = `storage: ./storage
auth:
  htpasswd:
    file: ./htpasswd
    max_users: -1
security:
  web:
    sign: { expiresIn: ${String(tokenLife)}s }
packages:
  '**':
    access: $authenticated
    publish: $authenticated
log: { type: stdout, format: pretty, level: fatal }
`

/** Publishes a package as npm does it, with name and password. */
async function publish(url: string, user: Registry['user']): Promise<string> {
  const name = 'hello-from-sessionbridge'
  const file = `${name}-1.0.0.tgz`
  const content = Buffer.from('nobody unpacks this')
  const about = { name, version: '1.0.0', description: 'seen by signed-in users only' }
  const dist = { tarball: `${url}${name}/-/${file}`, shasum: sha1(content).toString('hex') }
  const answer = await fetch(url + name, {
    method: 'PUT',
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`,
    },
    body: JSON.stringify({
      ...about,
      'dist-tags': { latest: about.version },
      versions: { [about.version]: { ...about, dist } },
      _attachments: {
        [file]: {
          content_type: 'application/octet-stream',
          data: content.toString('base64'),
          length: content.length,
        },
      },
    }),
  })
  if (!answer.ok) throw new Error(`verdaccio did not take the package: ${String(answer.status)}`)
  return name
}

function sha1(content: string | Buffer): Buffer {
  return createHash('sha1').update(content).digest()
}
