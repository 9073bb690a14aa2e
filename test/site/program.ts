import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Somebody else's server, run as it is. */
export interface Program extends AsyncDisposable {
  /** Its clock goes on by so many ms: nobody has to wait for the end of a token. */
  passTime(ms: number): Promise<void>
}

export interface ProgramFacts {
  readonly script: string
  readonly args: readonly string[]
  /** Where it runs; goes with it. */
  readonly folder: string
  /** Resolves when it listens. */
  readonly isUp: (child: ChildProcess) => Promise<unknown>
}

/** Starts a Node program that knows nothing of tests; nothing of our environment but `PATH` and `HOME` comes to it. */
export async function startProgram({ script, args, folder, isUp }: ProgramFacts): Promise<Program> {
  await writeFile(join(folder, 'clock.cjs'), clockScript)
  const { PATH, HOME } = process.env
  const child = fork(script, args, {
    cwd: folder,
    env: { PATH, HOME },
    execArgv: ['--require', join(folder, 'clock.cjs')],
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  })
  const ended = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const gone = ended.then(() => Promise.reject(new Error(`${script} ended before it listened`)))
    await Promise.race([isUp(child), gone])
  } catch (error) {
    await stop()
    throw error
  }
  child.stdout?.resume() // what it says later must not fill the pipe
  return { passTime: (ms) => passTime(child, ms), [Symbol.asyncDispose]: stop }
}

const clockScript = `const now = Date.now
let passed = 0
Date.now = () => now() + passed
process.on('message', ({ passTime }) => {
  if (passTime === undefined) return
  passed += passTime
  process.send({ passedTime: passTime })
})
`

/** Resolves when the clock of the program has gone on. */
async function passTime(program: ChildProcess, ms: number): Promise<void> {
  const messages = once(program, 'message')
  program.send({ passTime: ms })
  await messages
}
