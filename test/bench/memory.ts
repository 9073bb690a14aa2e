import { createVault, generateKey, memoryStore, type Session } from '../../src/index.ts'
import { startPlainServer } from './bench-server.ts'
import { plainCookies, plainIdentity } from './plain-session.ts'
import { writeLoad, type Write } from './rounds.ts'

/**
 * What an open session holds in memory: a thousand with twenty cookies each, opened from a vault; then each has asked for a
 * page. By the heap and by what the process takes from the machine, after garbage collection (`node --expose-gc`).
 */
const sessions = 1_000
const cookies = 20
const atOnce = 20
const [base] = plainCookies

export interface MemoryFigures {
  /** Kilobytes of heap per session. */
  readonly opened: number
  readonly used: number
}

interface Taken {
  readonly heap: number
  readonly rss: number
}

export async function benchMemory(write: Write = console.log): Promise<MemoryFigures> {
  writeLoad(write)
  const { server, origin } = await startPlainServer()
  const vault = createVault({ store: memoryStore(), key: generateKey() })
  const recipe = { name: 'bench', url: origin }
  try {
    const account = (n: number): string => `a${String(n)}`
    const jar = Array.from({ length: cookies }, (_, n) => ({ ...base, name: `cookie${String(n)}` }))
    for (let n = 0; n <= sessions; n++)
      await vault.put(`bench/${account(n)}`, {
        state: { cookies: jar as typeof plainCookies, origins: [] },
        identity: plainIdentity,
      })
    const open = (n: number): Promise<Session> => vault.open(recipe, { account: account(n), login: 'never' })
    const use = async (session: Session): Promise<unknown> => (await session.fetch(`${origin}/a`)).text()
    const first = await open(sessions) // code, tables and parsers that are loaded once for all
    for (let n = 0; n < 10; n++) await use(first)

    const before = await taken()
    const all: Session[] = []
    for (let n = 0; n < sessions; n++) all.push(await open(n))
    const opened = since(before, await taken())
    report(write, 'open', opened)
    const waiting = [...all]
    const worker = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await use(next)
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
    const used = since(before, await taken())
    report(write, 'open, and one request sent (with its connection)', used)
    for (const session of [first, ...all]) await session.close()
    all.length = 0
    report(write, 'left behind when all are closed', since(before, await taken()))
    return { opened: opened.heap, used: used.heap }
  } finally {
    server.kill()
  }
}

async function taken(): Promise<Taken> {
  for (let n = 0; n < 5; n++) {
    await new Promise((resolve) => setImmediate(resolve)) // what ends with its task is let go of then
    globalThis.gc?.()
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}

/** Kilobytes per session. */
function since(before: Taken, now: Taken): Taken {
  return {
    heap: (now.heap - before.heap) / 1_024 / sessions,
    rss: (now.rss - before.rss) / 1_024 / sessions,
  }
}

function report(write: Write, title: string, { heap, rss }: Taken): void {
  write(
    `  ${title.padEnd(50)} ${heap.toFixed(1).padStart(7)} kB of heap, ${rss.toFixed(1).padStart(7)} kB of the process`,
  )
}

if (process.argv[1] === import.meta.filename) await benchMemory()
