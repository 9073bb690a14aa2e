import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guardFolder, guardProcess } from './guard.ts'
import { freePort } from '../site/free-port.ts'
import { command } from './wire.ts'

/** A Redis of the tests' own: a real server on a port of the loopback, in a folder that goes with it. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  readonly pid: number
  readonly isAlive: boolean
  /** Sends a command on a connection of its own. */
  ask(...words: string[]): Promise<unknown>
  freeze(): void
  thaw(): void
  /** With SIGKILL. */
  kill(): Promise<void>
  /** After `kill`, on the same port; empty, unless it was told to SAVE. */
  restart(): Promise<void>
  /** Kills it and removes its folder. */
  stop(): Promise<void>
}

const program = process.env.SESSIONBRIDGE_REDIS_SERVER ?? 'redis-server'
const READY = /Ready to accept connections/
const TAKEN = /Address already in use|Could not create server TCP listening socket/

export interface ServerOptions {
  /** As on the command line: `['--maxmemory', '3mb']`. */
  readonly settings?: readonly string[]
  /** For the commands that the tests themselves send. */
  readonly password?: string
}

export async function startRedis({ settings = [], password }: ServerOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sessionbridge-redis-'))
  guardFolder(folder)
  let port = 0
  let child: ChildProcess | undefined
  while (child === undefined) {
    port = await freePort()
    child = await launch(argumentsFor(folder, port, settings), READY)
  }
  let running = child
  const server: RedisServer = {
    port,
    url: `redis://127.0.0.1:${String(port)}`,
    get pid() {
      return running.pid ?? 0
    },
    get isAlive() {
      return isAlive(running)
    },
    ask: (...words) => command(port, words, password),
    freeze: () => running.kill('SIGSTOP'),
    thaw: () => running.kill('SIGCONT'),
    kill: () => ended(running),
    async restart() {
      const again = await launch(argumentsFor(folder, port, settings), READY)
      if (again === undefined) throw new Error(`port ${String(port)} was taken meanwhile`)
      running = again
    },
    async stop() {
      await ended(running)
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return server
}

/** Starts the program and waits for the word; undefined when somebody else has taken the port since it was found free. */
export async function launch(args: readonly string[], ready: RegExp): Promise<ChildProcess | undefined> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  guardProcess(child)
  let said = ''
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      const how = 'Debian: apt-get install redis-server'
      reject(new Error(`the tests need the program ${program} (${how})`, { cause: error }))
    })
    child.once('exit', () => {
      if (TAKEN.test(said)) resolve(undefined)
      else reject(new Error(`redis-server did not start:\n${said}`))
    })
    const listen = (chunk: Buffer): void => {
      if (said.length < 100_000) said += chunk.toString()
      if (ready.test(said)) resolve(child)
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
  })
}

function argumentsFor(folder: string, port: number, settings: readonly string[]): string[] {
  const basics = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '']
  return [...basics, '--appendonly', 'no', '--repl-diskless-sync-delay', '0', ...settings]
}

export async function ended(child: ChildProcess): Promise<void> {
  if (!isAlive(child)) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

const isAlive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null
