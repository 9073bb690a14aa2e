import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { countPlaywright, countVitest, leave, sum } from './results.mjs'
import { root, runAloud } from './steps.mjs'

const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const playwright = join(root, 'node_modules/@playwright/test/cli.js')

/** @param {string} path */
const isDoorSpec = (path) => path.includes('doors') && !path.endsWith('.test.ts')

function hasDoorSpecs() {
  return readdirSync(join(root, 'test/doors'), { recursive: true, encoding: 'utf8' }).some((path) =>
    path.endsWith('.spec.ts'),
  )
}

/**
 * Runs vitest, then the Playwright specs of the doors, and says how it went in one last line.
 *
 * @param {readonly string[]} filters parts of paths; none: everything
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the exit code
 */
export async function runTests(filters, env) {
  const begun = performance.now()
  const reports = mkdtempSync(join(tmpdir(), 'sessionbridge-test-'))
  try {
    const counts = []
    const unit = filters.filter((filter) => !isDoorSpec(filter))
    if (filters.length === 0 || unit.length > 0) {
      const report = join(reports, 'vitest.json')
      const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
      const code = await runAloud(process.execPath, [vitest, 'run', ...unit, ...reporters], env)
      counts.push(countVitest(report, code))
    }
    const doors = filters.filter(isDoorSpec)
    if (doors.length > 0 || (filters.length === 0 && hasDoorSpecs())) {
      const report = join(reports, 'playwright.json')
      const code = await runAloud(process.execPath, [playwright, 'test', ...doors], {
        ...env,
        SESSIONBRIDGE_DOOR_REPORT: report,
      })
      counts.push(countPlaywright(report, code))
    }
    const total = sum(counts)
    leave('test', total)
    const seconds = ((performance.now() - begun) / 1000).toFixed(0)
    const skipped = total.skipped === 0 ? '' : `, ${String(total.skipped)} skipped`
    process.stdout.write(
      `\nnpm test: ${String(total.passed)} passed, ${String(total.failed)} failed${skipped} (${seconds} s)\n`,
    )
    return total.failed === 0 ? 0 : 1
  } finally {
    rmSync(reports, { recursive: true, force: true })
  }
}
