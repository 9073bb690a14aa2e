import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { readJson } from './steps.mjs'

/** @typedef {{ passed: number, failed: number, skipped: number }} Count */

/**
 * Counts a report of vitest. A file that could not even be loaded counts as one failure, and so does a run that ended
 * badly although all its tests were fine (an unhandled rejection after the last test, a crash of the runner).
 *
 * @param {string} path @param {number} code the runner's exit code
 * @returns {Count}
 */
export function countVitest(path, code) {
  const report = read(path)
  const files = /** @type {{ status: string, assertionResults: unknown[] }[]} */ (report?.testResults ?? [])
  const unloaded = files.filter((file) => file.status === 'failed' && file.assertionResults.length === 0)
  return honest(code, {
    passed: Number(report?.numPassedTests ?? 0),
    failed: Number(report?.numFailedTests ?? 0) + unloaded.length,
    skipped: Number(report?.numPendingTests ?? 0) + Number(report?.numTodoTests ?? 0),
  })
}

/** Counts a report of Playwright's test runner. @param {string} path @param {number} code @returns {Count} */
export function countPlaywright(path, code) {
  const stats = /** @type {Record<string, number> | undefined} */ (read(path)?.stats)
  return honest(code, {
    passed: stats?.expected ?? 0,
    failed: (stats?.unexpected ?? 0) + (stats?.flaky ?? 0),
    skipped: stats?.skipped ?? 0,
  })
}

/** @param {readonly Count[]} counts @returns {Count} */
export function sum(counts) {
  const add = (/** @type {keyof Count} */ part) => counts.reduce((total, count) => total + count[part], 0)
  return { passed: add('passed'), failed: add('failed'), skipped: add('skipped') }
}

/** Leaves the count where .ci/run adds it up. @param {string} command @param {Count} count */
export function leave(command, count) {
  const folder = process.env.SESSIONBRIDGE_RESULTS
  if (folder !== undefined) writeFileSync(join(folder, `${command}.json`), JSON.stringify(count))
}

/** A run that failed, or in which nothing ran, is never a count without a failure. @param {number} code @param {Count} count */
function honest(code, count) {
  const wrong = count.failed === 0 && (code !== 0 || count.passed === 0)
  return wrong ? { ...count, failed: 1 } : count
}

/** @param {string} path */
function read(path) {
  return /** @type {Record<string, unknown> | undefined} */ (readJson(path))
}
