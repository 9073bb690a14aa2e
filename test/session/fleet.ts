import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { FleetJob, FleetMessage, FleetOrder } from './job.ts'

/** Compiled by the build, as the benches are: a process then starts as fast as a user's. */
export const compiledWorkers = join(import.meta.dirname, '../../dist/test/session')

export interface FleetReport {
  readonly epochs: readonly number[]
  readonly errors: readonly string[]
}

export interface FleetProcess {
  readonly child: ChildProcess
  /** Resolves with the first message that fits; those that came before count, each once. */
  hear(fits: (message: FleetMessage) => boolean): Promise<FleetMessage>
  tell(order: FleetOrder): void
  /** Resolves when every worker of it has been answered a request that it began after this call. */
  answered(round: number): Promise<FleetReport>
  stop(): Promise<FleetReport>
  kill(): Promise<void>
}

/** Starts one process of a fleet. `clockOff`: as on a machine whose clock is wrong by so many ms. */
export function startFleetProcess(
  job: FleetJob,
  env: NodeJS.ProcessEnv,
  { clockOff = 0 }: { readonly clockOff?: number } = {},
): FleetProcess {
  const child = spawn(
    process.execPath,
    [...clockArguments(clockOff), join(compiledWorkers, 'fleet-worker.js')],
    { env: { ...env, FLEET_JOB: JSON.stringify(job) }, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  )
  const heard: FleetMessage[] = []
  const listeners = new Set<() => void>()
  let gone = false
  child.on('message', (message: FleetMessage) => {
    heard.push(message)
    for (const listener of [...listeners]) listener()
  })
  child.once('exit', () => {
    gone = true
    for (const listener of [...listeners]) listener()
  })
  const hear = (fits: (message: FleetMessage) => boolean): Promise<FleetMessage> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const index = heard.findIndex(fits)
        const message = heard[index]
        if (message === undefined && !gone) return
        listeners.delete(look)
        if (message === undefined) {
          reject(new Error(`the process ended; it said ${JSON.stringify(heard)}`))
          return
        }
        heard.splice(index, 1)
        resolve(message)
      }
      listeners.add(look)
      look()
    })
  const report = ({ epochs = [], errors = [] }: FleetMessage): FleetReport => ({ epochs, errors })
  return {
    child,
    hear,
    tell: (order) => child.send(order),
    async answered(round) {
      child.send({ round })
      return report(await hear((message) => message.round === round))
    },
    async stop() {
      child.send({ stop: true })
      return report(await hear((message) => message.stopped === true))
    },
    async kill() {
      if (gone) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

function clockArguments(off: number): string[] {
  if (off === 0) return []
  const code = `const real = Date.now; Date.now = () => real() + ${String(off)};
    globalThis.Date = class extends Date { constructor(...a) { super(...(a.length ? a : [Date.now()])) } }`
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`]
}
