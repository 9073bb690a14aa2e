import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The root of the clone, wherever the command was started. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Something the user can put right. Its message is the whole explanation; no stack is printed. */
export class SetupProblem extends Error {}

/** @typedef {{ code: number, output: string, timedOut: boolean }} Outcome */

/** Process groups of ours that still run: none may outlive this process. @type {Set<number>} */
const running = new Set()
process.on('exit', () => {
  for (const pid of running) killGroup(pid)
})

/** @param {number} pid */
function killGroup(pid) {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch {
    // Gone already.
  }
}

/**
 * Runs a program quietly and keeps its output for the case that it fails.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ limit?: number, silence?: number, env?: NodeJS.ProcessEnv }} [options]
 *   `limit`: ms in all (default 10 minutes). `silence`: ms without a sign of progress (a percent sign) until it
 *   counts as hung; default none.
 * @returns {Promise<Outcome>}
 */
export function runQuietly(command, args, options = {}) {
  const { limit = 600_000, silence, env = process.env } = options
  return new Promise((resolve) => {
    const grouped = process.platform !== 'win32'
    const child = spawn(command, args, {
      cwd: root,
      env,
      detached: grouped,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    })
    const { pid } = child
    if (pid !== undefined) running.add(pid)
    let output = ''
    let timedOut = false
    const giveUp = () => {
      timedOut = true
      if (pid !== undefined) killGroup(pid)
    }
    const whole = setTimeout(giveUp, limit)
    let quiet = silence === undefined ? undefined : setTimeout(giveUp, silence)
    const hear = (/** @type {Buffer} */ chunk) => {
      const text = chunk.toString()
      output = (output + text).slice(-200_000)
      if (quiet !== undefined && text.includes('%')) {
        clearTimeout(quiet)
        quiet = setTimeout(giveUp, silence)
      }
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    const finish = (/** @type {number} */ code) => {
      clearTimeout(whole)
      clearTimeout(quiet)
      if (pid !== undefined) running.delete(pid)
      resolve({ code, output, timedOut })
    }
    child.on('error', (error) => {
      output += error.message
      finish(127)
    })
    child.on('close', (code) => {
      finish(code ?? 1)
    })
  })
}

/**
 * Runs a program that talks to the user itself, and gives its exit code (128 + signal when it was killed).
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>}
 */
export function runAloud(command, args, env) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: 'inherit' })
    // Ctrl-C reaches the whole terminal group: the child decides how to end, we wait for it.
    const wait = () => undefined
    const pass = () => child.kill('SIGTERM')
    process.on('SIGINT', wait)
    process.on('SIGTERM', pass)
    const finish = (/** @type {number} */ code) => {
      process.off('SIGINT', wait)
      process.off('SIGTERM', pass)
      resolve(code)
    }
    child.on('error', (error) => {
      process.stderr.write(`${command}: ${error.message}\n`)
      finish(127)
    })
    child.on('close', (code, signal) => {
      finish(code ?? (signal === 'SIGINT' ? 130 : 143))
    })
  })
}

/**
 * One line per step: what is done, then how it ended and how long it took. On stderr: stdout belongs to the command
 * that asked for the set-up (`npm pack --json` calls it too).
 *
 * @template T
 * @param {string} title
 * @param {() => Promise<{ word?: string, value: T }>} work
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  const begun = performance.now()
  const seconds = () => `${((performance.now() - begun) / 1000).toFixed(1)} s`
  process.stderr.write(`${title} … `)
  try {
    const { word = 'done', value } = await work()
    process.stderr.write(`${word} (${seconds()})\n`)
    return value
  } catch (error) {
    process.stderr.write(`failed (${seconds()})\n`)
    throw error
  }
}

/** The end of a program's output: enough to see what went wrong. @param {string} output @param {number} [lines] */
export function tail(output, lines = 25) {
  return output.trimEnd().split('\n').slice(-lines).join('\n')
}

/** What a JSON file holds; undefined when there is none or it is broken. @param {string} path @returns {unknown} */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
