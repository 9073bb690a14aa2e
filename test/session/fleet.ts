import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** What a process of a fleet is told; see fleet-worker.mjs. */
export interface FleetJob {
  readonly shop: string
  readonly key: string
  /** Address of the browser server that all share. */
  readonly browser: string
  readonly secrets: { readonly email: string; readonly password: string }
  readonly directory?: string
  readonly redis?: string | readonly string[]
  readonly prefix?: string
  readonly workers: number
  /** Stops at the beginning of each login until it is told to go on. */
  readonly stops?: boolean
  /** Opens the session so many times at once, and says when the first and the last had it. */
  readonly openings?: number
  readonly leaseFor?: number
  readonly policy?: object
}

export interface FleetReport {
  readonly epochs: readonly number[]
  readonly errors: readonly string[]
}

interface Message extends Partial<FleetReport> {
  readonly ready?: boolean
  readonly at?: string
  readonly round?: number
  readonly stopped?: boolean
  readonly failed?: string
  readonly failure?: string
  /** Unix ms. */
  readonly first?: number
  readonly last?: number
}

export interface FleetProcess {
  readonly child: ChildProcess
  /** Resolves with the first message that fits; those that came before count, each once. */
  hear(fits: (message: Message) => boolean): Promise<Message>
  tell(message: object): void
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
    [...clockArguments(clockOff), join(import.meta.dirname, 'fleet-worker.mjs')],
    { env: { ...env, FLEET_JOB: JSON.stringify(job) }, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  )
  const heard: Message[] = []
  const listeners = new Set<() => void>()
  let gone = false
  child.on('message', (message: Message) => {
    heard.push(message)
    for (const listener of [...listeners]) listener()
  })
  child.once('exit', () => {
    gone = true
    for (const listener of [...listeners]) listener()
  })
  const hear = (fits: (message: Message) => boolean): Promise<Message> =>
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
  const report = ({ epochs = [], errors = [] }: Message): FleetReport => ({ epochs, errors })
  return {
    child,
    hear,
    tell: (message) => child.send(message),
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
