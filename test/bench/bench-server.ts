import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `plain-server.ts` in a process of its own. */
export async function startPlainServer(): Promise<{ server: ChildProcess; origin: string }> {
  const script = fileURLToPath(new URL(`./plain-server${extname(import.meta.filename)}`, import.meta.url))
  const server = spawn(process.execPath, [...process.execArgv, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  return { server, origin: `http://127.0.0.1:${String(line).trim()}` }
}
