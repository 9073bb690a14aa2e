import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { StoreConflictError } from '../../src/errors.ts'

/** How another process makes the store under test: `module` is a path inside the compiled stores. */
export interface ElsewhereSpec {
  readonly folder: string
  readonly module: string
  readonly maker: string
  readonly args: readonly unknown[]
}

/** Sets the clock that JavaScript sees, as on a machine whose clock is wrong. */
function clockOffBy(ms: number): string[] {
  const code = `const real = Date.now; Date.now = () => real() + ${String(ms)};
    globalThis.Date = class extends Date { constructor(...a) { super(...(a.length ? a : [Date.now()])) } }`
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`]
}

/** To be loaded with `--import` from the compiled stores. */
export function faultyDisk(folder: string): string {
  return pathToFileURL(join(folder, 'test/conformance/faulty-disk.js')).href
}

export interface OtherProcess {
  readonly pid: number
  /** Calls into its store; see store-worker.ts. */
  call<T>(call: string, ...args: unknown[]): Promise<T>
  /** Called each time that it waits for the others (`change` in store-worker.ts), until `goOn`. */
  onMeeting: () => void
  goOn(): void
  freeze(): void
  thaw(): void
  /** With SIGKILL. Resolves when the process is gone. */
  kill(): Promise<void>
}

interface Answer {
  readonly id?: number
  readonly ready?: boolean
  readonly meeting?: boolean
  readonly result?: unknown
  readonly error?: { readonly code?: string; readonly message: string }
}

export interface Handicap {
  /** Milliseconds that its clock is off. */
  readonly clockOff?: number
  /** Longest file that its disk takes, in units of 512 bytes: the byte after that fails, as on a full disk. */
  readonly fileLimit?: number
  /** What is wrong with its disk, in the words of faulty-disk.ts. */
  readonly faults?: string
}

export async function startElsewhere(spec: ElsewhereSpec, handicap: Handicap = {}): Promise<OtherProcess> {
  const { clockOff = 0, fileLimit, faults } = handicap
  const limit = fileLimit === undefined ? '' : `ulimit -f ${String(fileLimit)}; `
  const command = [
    process.execPath,
    ...(clockOff === 0 ? [] : clockOffBy(clockOff)),
    ...(faults === undefined ? [] : ['--import', `${faultyDisk(spec.folder)}?${faults}`]),
    join(spec.folder, 'test/conformance/store-worker.js'),
    join(spec.folder, spec.module),
    spec.maker,
    JSON.stringify(spec.args),
  ]
  const child = spawn('/bin/sh', ['-c', `${limit}exec "$0" "$@"`, ...command], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, (answer: Answer) => void>()
  let next = 0
  const started: OtherProcess = {
    pid: child.pid ?? 0,
    call<T>(call: string, ...args: unknown[]) {
      const id = next++
      return new Promise<T>((resolve, reject) => {
        waiting.set(id, ({ result, error }) => {
          waiting.delete(id)
          if (error === undefined) resolve(result as T)
          else if (error.code === 'store-conflict') reject(new StoreConflictError('', undefined, undefined))
          else reject(new Error(`${error.code ?? ''} ${error.message}`))
        })
        child.send({ id, call, args })
      })
    },
    onMeeting: () => undefined,
    goOn: () => child.send({ goOn: true }),
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    kill() {
      child.kill('SIGKILL')
      return gone
    },
  }
  const gone = new Promise<void>((resolve) =>
    child.once('exit', () => {
      resolve()
    }),
  )
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => {
      reject(new Error(`the worker ended with ${String(code)}`))
    })
    child.on('message', (answer: Answer) => {
      if (answer.ready === true) resolve()
      else if (answer.meeting === true) started.onMeeting()
      else if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
    })
  })
  return started
}
