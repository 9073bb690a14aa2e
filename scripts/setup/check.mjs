import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { build } from './build.mjs'
import { runNpm } from './dependencies.mjs'
import { leave } from './results.mjs'
import { root, runQuietly } from './steps.mjs'

/** @typedef {import('./steps.mjs').Outcome} Outcome */

/** What is printed here is read in logs too. */
const plain = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' }

/** @param {string} path the program's file under node_modules @param {readonly string[]} args */
const tool = (path, args) =>
  runQuietly(process.execPath, [join(root, 'node_modules', path), ...args], { env: plain })

/** What a stranger who installs the package gets: packed once, then looked at twice. @param {string} folder */
const tarball = (folder) =>
  join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? 'none.tgz')

/** @type {readonly [string, (folder: string) => Promise<Outcome>][]} */
const checks = [
  ['format (prettier)', () => tool('prettier/bin/prettier.cjs', ['--check', '--log-level=warn', '.'])],
  ['types (tsc)', () => tool('typescript/bin/tsc', ['-p', '.'])],
  ['lint (eslint)', () => tool('eslint/bin/eslint.js', ['.', '--max-warnings=0'])],
  [
    'architecture (imports against the table)',
    () => tool('vitest/vitest.mjs', ['run', 'test/architecture.test.ts', '--reporter=dot']),
  ],
  ['compile (tsc)', build],
  ['pack (npm pack)', (folder) => runNpm(['pack', '--ignore-scripts', `--pack-destination=${folder}`])],
  ['package (publint)', (folder) => tool('publint/src/cli.js', ['run', tarball(folder), '--strict'])],
  [
    'types of the package (attw)',
    (folder) => tool('@arethetypeswrong/cli/dist/index.js', [tarball(folder), '--profile', 'esm-only']),
  ],
]

/**
 * Runs every check to its end, also after a failure: one run tells all there is to put right.
 *
 * @returns {Promise<number>} the exit code
 */
export async function runChecks() {
  const folder = mkdtempSync(join(tmpdir(), 'sessionbridge-check-'))
  let failed = 0
  try {
    for (const [title, check] of checks) {
      const begun = performance.now()
      const { code, output } = await check(folder)
      const seconds = `${((performance.now() - begun) / 1000).toFixed(1)} s`
      process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'}  ${title} (${seconds})\n`)
      if (code !== 0) {
        failed++
        process.stdout.write(`${output.trimEnd().replaceAll(/^/gm, '        ')}\n`)
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const passed = checks.length - failed
  leave('check', { passed, failed, skipped: 0 })
  process.stdout.write(`\nnpm run check: ${String(passed)} passed, ${String(failed)} failed\n`)
  return failed === 0 ? 0 : 1
}
