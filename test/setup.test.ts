import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'

import { isInstalled } from '../scripts/setup/dependencies.mjs'
import { engineProblem } from '../scripts/setup/engine.mjs'
import { countPlaywright, countVitest } from '../scripts/setup/results.mjs'
import { runQuietly } from '../scripts/setup/steps.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sessionbridge-setup-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const report = (content: unknown): string => {
  const path = join(folder, 'report.json')
  writeFileSync(path, JSON.stringify(content))
  return path
}

describe('the engine check', () => {
  test('takes the versions that package.json takes, and no others', () => {
    const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      engines: { node: string }
    }
    expect(engines.node).toBe('^20.19.0 || >=22.12.0')
    for (const good of ['20.19.0', '20.20.2', '22.12.0', '22.22.1', '23.0.0', '24.1.0', '30.0.0']) {
      expect(engineProblem(good), good).toBeUndefined()
    }
    for (const bad of ['14.21.3', '18.20.8', '20.18.9', '21.7.3', '22.11.0']) {
      expect(engineProblem(bad), bad).toContain(`this is Node ${bad}`)
    }
  })
})

describe('dependencies', () => {
  const wanted = {
    '': { version: '1.0.0' },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/b-darwin': { version: '1.0.0', integrity: 'sha512-b', optional: true },
  }
  test('are installed when all but the binaries of other platforms are there', () => {
    expect(isInstalled(wanted, { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } })).toBe(true)
  })
  test('are not when one is missing, is another version, or nothing is known', () => {
    expect(isInstalled(wanted, {})).toBe(false)
    expect(isInstalled(wanted, undefined)).toBe(false)
    expect(isInstalled(wanted, { 'node_modules/a': { version: '1.0.1', integrity: 'sha512-c' } })).toBe(false)
    expect(isInstalled(wanted, { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-c' } })).toBe(false)
  })
})

describe('a count', () => {
  test('is what the runner reports', () => {
    const vitest = report({ numPassedTests: 7, numFailedTests: 2, numPendingTests: 1, numTodoTests: 0 })
    expect(countVitest(vitest, 1)).toEqual({ passed: 7, failed: 2, skipped: 1 })
    const playwright = report({ stats: { expected: 3, unexpected: 1, flaky: 1, skipped: 2 } })
    expect(countPlaywright(playwright, 1)).toEqual({ passed: 3, failed: 2, skipped: 2 })
  })
  test('has a failure when a file did not load, the runner ended badly, or nothing ran', () => {
    const unloaded = report({ numPassedTests: 7, testResults: [{ status: 'failed', assertionResults: [] }] })
    expect(countVitest(unloaded, 1)).toMatchObject({ passed: 7, failed: 1 })
    expect(countVitest(report({ numPassedTests: 7 }), 1)).toMatchObject({ passed: 7, failed: 1 })
    expect(countVitest(report({ numPassedTests: 0 }), 0)).toMatchObject({ passed: 0, failed: 1 })
    expect(countPlaywright(join(folder, 'never-written.json'), 0)).toMatchObject({ passed: 0, failed: 1 })
  })
})

describe('a program that hangs', () => {
  // A child of a child that would live for ever, as a download's helper process does.
  const hang = `
    const { pid } = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    console.log(String(pid))`
  const isAlive = (pid: number): boolean => {
    try {
      process.kill(pid, 0)
      if (process.platform !== 'linux') return true
      // Killed, but not yet fetched by its parent, counts as dead.
      return !/\) Z /.test(readFileSync(`/proc/${String(pid)}/stat`, 'utf8'))
    } catch {
      return false
    }
  }

  // So long that it has said whom it has started.
  test.each([{ limit: 8_000 }, { silence: 8_000 }])('is ended with its children: %o', async (options) => {
    const { code, timedOut, output } = await runQuietly(process.execPath, ['-e', hang], options)
    expect({ code, timedOut }).toEqual({ code: 1, timedOut: true })
    expect(Number(output)).toBeGreaterThan(1)
    // The signal is sent when the call returns; when the kernel has carried it out is up to the kernel.
    await expect.poll(() => isAlive(Number(output)), { timeout: 60_000 }).toBe(false)
  })

  test('is not taken for one that makes progress', async () => {
    const busy = `let n = 0; const t = setInterval(() => { console.log(n + '%'); if (++n > 10) clearInterval(t) }, 900)`
    const { code, timedOut } = await runQuietly(process.execPath, ['-e', busy], { silence: 8_000 })
    expect({ code, timedOut }).toEqual({ code: 0, timedOut: false })
  })
})

describe('the set-up script', () => {
  const run = (
    args: readonly string[],
    env: Record<string, string> = {},
  ): { status: number | null; text: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/setup.mjs', ...args], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, ...env },
    })
    return { status, text: stdout + stderr }
  }

  test('says in one sentence that the chosen browser is not there', () => {
    const { status, text } = run(['prepare'], { SESSIONBRIDGE_BROWSER: '/nowhere/chrome' })
    expect(status).toBe(1)
    expect(text).toContain('SESSIONBRIDGE_BROWSER says /nowhere/chrome, but there is no such file.')
    expect(text).not.toContain('    at ')
  })

  test('says what can be said to it', () => {
    const { status, text } = run(['dance'])
    expect(status).toBe(1)
    expect(text).toContain('start | test | check | bench')
  })
})
