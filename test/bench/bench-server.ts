import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `plain-server.ts` in a process of its own. */
export async function startPlainServer(): Promise<{ server: ChildProcess; origin: string }> {
  const { server, line } = await start('plain-server')
  return { server, origin: `http://127.0.0.1:${line}` }
}

/** `tls-server.ts` in a process of its own, and what its certificate is verified with. */
export async function startTlsServer(): Promise<{ server: ChildProcess; origin: string; ca: string }> {
  const { server, line } = await start('tls-server')
  const { port, ca } = JSON.parse(line) as { port: number; ca: string }
  return { server, origin: `https://127.0.0.1:${String(port)}`, ca }
}

async function start(name: string): Promise<{ server: ChildProcess; line: string }> {
  const script = fileURLToPath(new URL(`./${name}${extname(import.meta.filename)}`, import.meta.url))
  const server = spawn(process.execPath, [...process.execArgv, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  return { server, line: String(line).trim() }
}
