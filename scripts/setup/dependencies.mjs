import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { SetupProblem, readJson, root, runQuietly, step, tail } from './steps.mjs'

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean, link?: boolean }} Locked */

/** @param {string} path */
function packagesOf(path) {
  const lockfile = /** @type {{ packages?: Record<string, Locked> } | undefined} */ (readJson(path))
  return lockfile?.packages
}

/**
 * Whether what is installed is what the lockfile says. npm writes the list of what it installed only at the end,
 * so an interrupted installation, one without the tools for development, and one of an older lockfile all differ.
 *
 * @param {Record<string, Locked> | undefined} wanted
 * @param {Record<string, Locked> | undefined} installed
 */
export function isInstalled(wanted, installed) {
  if (wanted === undefined || installed === undefined) return false
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true
    const found = installed[path]
    // Binaries for other platforms are locked and rightly absent.
    if (found === undefined) return entry.optional === true || entry.devOptional === true
    return found.version === entry.version && found.integrity === entry.integrity
  })
}

/** npm as a program and its first arguments: the npm that runs us, else the one beside node, else the one on PATH. */
function npm() {
  const beside = dirname(process.execPath)
  const candidates = [
    process.env.npm_execpath,
    join(beside, '../lib/node_modules/npm/bin/npm-cli.js'),
    join(beside, 'node_modules/npm/bin/npm-cli.js'),
  ]
  const script = candidates.find((path) => path?.endsWith('npm-cli.js') === true && existsSync(path))
  return script === undefined ? ['npm'] : [process.execPath, script]
}

/** @param {readonly string[]} args @param {Parameters<typeof runQuietly>[2]} [options] */
export function runNpm(args, options) {
  const [command = 'npm', ...first] = npm()
  // Warnings about the user's own npm settings are none of the user's business here.
  return runQuietly(command, [...first, ...args, '--loglevel=error', '--no-update-notifier'], options)
}

/** Installs what the lockfile says, unless it is there already. */
export async function prepareDependencies() {
  const wanted = packagesOf(join(root, 'package-lock.json'))
  if (isInstalled(wanted, packagesOf(join(root, 'node_modules/.package-lock.json')))) return
  await step('Installing dependencies from package-lock.json', async () => {
    // --include=dev: NODE_ENV=production would leave out the compiler.
    const { code, output } = await runNpm(['ci', '--include=dev', '--no-audit', '--no-fund'])
    if (code !== 0) {
      throw new SetupProblem(
        `"npm ci" did not work. Is the package registry reachable? It said:\n${tail(output, 12)}`,
      )
    }
    return { value: undefined }
  })
}
