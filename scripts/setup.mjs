import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { prepareBrowser } from './setup/browser.mjs'
import { prepareBuild } from './setup/build.mjs'
import { runChecks } from './setup/check.mjs'
import { prepareDependencies } from './setup/dependencies.mjs'
import { engineProblem } from './setup/engine.mjs'
import { prepareRedis, prepareStrace } from './setup/programs.mjs'
import { SetupProblem, root, runAloud } from './setup/steps.mjs'
import { runTests } from './setup/test.mjs'

/**
 * From a fresh clone to a running command with what a bare Node has: `npm start`, `npm test`, `npm run check`,
 * `npm run bench`. Each step is done only when it is needed; when nothing is, nothing is printed.
 */
const [command = '', ...rest] = process.argv.slice(2)

/** @returns {Promise<NodeJS.ProcessEnv>} the environment of everything that opens a browser */
async function prepareToBrowse() {
  await prepareDependencies()
  const browser = await prepareBrowser()
  await prepareBuild()
  return { ...process.env, SESSIONBRIDGE_BROWSER: browser }
}

/** @param {string} path in dist @param {readonly string[]} [flags] of node */
async function runBuilt(path, flags = []) {
  const env = await prepareToBrowse()
  const script = join(root, 'dist', path)
  if (!existsSync(script))
    throw new SetupProblem(`There is no ${path.replace(/\.js$/, '.ts')} in this clone.`)
  return runAloud(process.execPath, [...flags, script, ...rest], env)
}

/** @type {Record<string, () => Promise<number>>} */
const commands = {
  start: () => runBuilt('examples/demo/main.js'),
  test: async () => {
    const env = await prepareToBrowse()
    const redis = await prepareRedis()
    await prepareStrace()
    return runTests(rest, redis === undefined ? env : { ...env, SESSIONBRIDGE_REDIS_SERVER: redis })
  },
  check: async () => {
    await prepareDependencies()
    return runChecks()
  },
  bench: () => runBuilt('test/bench/main.js', ['--expose-gc']),
  /** Also before `npm pack` and `npm publish`: what is packed is what the sources say. */
  build: async () => {
    await prepareDependencies()
    await prepareBuild()
    return 0
  },
  /** All set-up and nothing else, for those who want the waiting behind them. */
  prepare: async () => {
    await prepareToBrowse()
    await prepareRedis()
    await prepareStrace()
    return 0
  },
}

async function main() {
  const problem = engineProblem(process.versions.node)
  if (problem !== undefined) throw new SetupProblem(problem)
  const run = commands[command]
  if (run === undefined) {
    throw new SetupProblem(`Say what to do: node scripts/setup.mjs ${Object.keys(commands).join(' | ')}`)
  }
  return run()
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof SetupProblem)) throw error
  process.stderr.write(`\n${error.message}\n`)
  process.exitCode = 1
}
