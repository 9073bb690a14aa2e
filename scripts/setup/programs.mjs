import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import { SetupProblem, root, runQuietly, step, tail } from './steps.mjs'

/** The full path of the first of these programs that is on PATH. @param {readonly string[]} names */
export function onPath(names) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isFile)
}

/** @param {string} path */
export function isFile(path) {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

/** Debian and its children, and we may install: the only case in which this script changes the system. */
export function mayUseApt() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && onPath(['apt-get']) !== undefined
}

// A machine that has just started may still be updating itself.
const waiting = ['-o', 'DPkg::Lock::Timeout=60']

let listsAreFresh = false

/**
 * Installs one Debian package. Says whether it worked.
 *
 * @param {string} name
 * @returns {Promise<boolean>}
 */
export async function aptInstall(name) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return step(`Installing Debian's ${name} (apt-get install ${name})`, async () => {
    if (!listsAreFresh) await runQuietly('apt-get', [...waiting, 'update', '-qq'], { limit: 120_000, env })
    listsAreFresh = true
    const { code, output } = await runQuietly(
      'apt-get',
      [...waiting, 'install', '-y', '-qq', '--no-install-recommends', name],
      {
        limit: 300_000,
        env,
      },
    )
    return { word: code === 0 ? 'done' : `did not work:\n${tail(output, 5)}\n`, value: code === 0 }
  })
}

/** Whether any test names this program. Nobody has to install one for nothing. @param {string} program */
function testsNeed(program) {
  const folder = join(root, 'test')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .some((path) => readFileSync(join(folder, path), 'utf8').includes(program))
}

/**
 * The Redis that tests start for themselves; undefined when no test does.
 *
 * @returns {Promise<string | undefined>}
 */
export async function prepareRedis() {
  if (!testsNeed('redis-server')) return undefined
  const here = process.env.SESSIONBRIDGE_REDIS_SERVER ?? onPath(['redis-server'])
  if (here !== undefined) return here
  const installed = mayUseApt() && (await aptInstall('redis-server')) ? onPath(['redis-server']) : undefined
  if (installed !== undefined) return installed
  throw new SetupProblem(
    `The tests start a Redis of their own, and there is no redis-server here. Run:\n\n    ${redisCommand()}\n\nand then "npm test" again.`,
  )
}

/** Shows a test the order of system calls. Where it cannot be had, that test says so and is skipped. */
export async function prepareStrace() {
  if (testsNeed('strace') && onPath(['strace']) === undefined && mayUseApt()) await aptInstall('strace')
}

/** @param {string} packageName the command that installs it by hand on Debian and its children */
export const aptCommand = (packageName) => {
  const sudo = process.getuid?.() === 0 ? '' : 'sudo '
  return `${sudo}apt-get update && ${sudo}apt-get install -y ${packageName}`
}

function redisCommand() {
  if (process.platform === 'darwin') return 'brew install redis'
  if (existsSync('/etc/debian_version')) return aptCommand('redis-server')
  if (existsSync('/etc/fedora-release')) return 'sudo dnf install -y redis'
  return 'install the program redis-server (on Windows: run the tests inside WSL)'
}
