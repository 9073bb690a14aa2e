import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** Starts a saving worker, lets it save for a random time, kills it with SIGKILL; again and again. */
export interface KillRound {
  /** What the worker said was acknowledged, in order. */
  readonly acknowledged: readonly string[]
}

interface Worker {
  readonly ready: Promise<void>
  run(saves: number, ms: number): Promise<KillRound>
  kill(): Promise<void>
}

/** A worker is killed a random time, 0 to 10 ms, after a random number of saves, 0 to 3; so on a slow machine, too. */
export async function killRounds(
  facts: {
    folder: string
    directory: string
    way: 'store' | 'naive' | 'first'
    rounds: number
    signal: AbortSignal
  },
  inspect: (round: KillRound) => Promise<void>,
): Promise<void> {
  const start = (): Worker => startWorker(facts.folder, facts.directory, facts.way)
  // the next one starts up while its predecessor runs: only so do 300 rounds fit into half a minute
  let next = start()
  try {
    for (let round = 0; round < facts.rounds; round++) {
      facts.signal.throwIfAborted() // the test is out of time: do not go on in the background
      const worker = next
      await worker.ready
      next = start()
      await inspect(await worker.run(Math.floor(Math.random() * 4), Math.random() * 10))
    }
  } finally {
    await next.kill()
  }
}

function startWorker(folder: string, directory: string, way: string): Worker {
  const child = spawn(process.execPath, [join(folder, 'test/conformance/saving-worker.js'), directory, way], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const gone = new Promise<void>((resolve) =>
    child.once('close', () => {
      resolve()
    }),
  )
  let said = ''
  let lines = 0
  let enough: { readonly lines: number; resolve(): void } | undefined
  const ready = new Promise<void>((resolve, reject) => {
    child.once('close', () => {
      reject(new Error('the worker ended by itself'))
    })
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      said += text
      lines = said.split('\n').length - 1
      if (lines > 0) resolve()
      if (enough !== undefined && lines >= enough.lines) enough.resolve()
    })
  })
  ready.catch(() => undefined) // whoever awaits it hears it
  const saved = (count: number): Promise<void> =>
    new Promise((resolve) => {
      enough = { lines: 1 + count, resolve }
      if (lines > count) resolve()
    })
  return {
    ready,
    async run(saves, ms) {
      child.stdin.write('\n')
      await Promise.race([saved(saves), gone])
      await new Promise((resolve) => setTimeout(resolve, ms))
      child.kill('SIGKILL')
      await gone
      return { acknowledged: said.split('\n').slice(1, -1) }
    },
    kill() {
      child.kill('SIGKILL')
      return gone
    },
  }
}
