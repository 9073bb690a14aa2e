import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** The demo as `npm start` runs it: built, in a process of its own, its output read through a pipe. */
let output: string
let status: unknown
let temporary: string
let leftBehind: string[]

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'demo-test-'))
  const demo = spawn(process.execPath, ['dist/examples/demo/main.js'], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, errors, exit] = await Promise.all([text(demo.stdout), text(demo.stderr), once(demo, 'exit')])
  output = out + errors
  status = exit[0]
  leftBehind = await readdir(temporary)
}, 300_000)

afterAll(() => rm(temporary, { recursive: true, force: true }))

describe('the demo', () => {
  test('ends well', () => {
    expect(status, output).toBe(0)
  })

  test('says what was kept, what was dropped and why, and which headers were learned', () => {
    expect(output).toMatch(/kept +\d+ cookies: .*\bsid\b/)
    expect(output).toMatch(
      /dropped +\d+ tracker \(set by analytics or advertising, not by the login\): .*_ga/,
    )
    expect(output).toMatch(/Authorization: Bearer … ← localStorage auth\.token/i)
    expect(output).toMatch(/X-CSRF-Token: … ← cookie csrf/i)
    expect(output).toMatch(/snapshot +\d+ bytes/)
  })

  test('calls the API by bearer token and CSRF header without writing one', () => {
    expect(output).toMatch(/GET 200 +api\.shop\.test\/orders/)
    expect(output).toMatch(/POST 200 +shop\.test\/api\/cart/)
  })

  test('goes on after a SIGKILL without a login', () => {
    expect(output).toMatch(/SIGKILL +after page \d+ of 500/)
    expect(output).toContain('resumed without login')
    expect(output).toContain('counted 1 login,')
  })

  test('shows both speeds', () => {
    expect(output).toMatch(/session\.http +500 of the same pages by got-scraping: [\d.]+ pages per second/)
    expect(output).toMatch(/browser +20 signed-in pages by page\.goto: [\d.]+ pages per second/)
  })

  test('prints plain text into a pipe, and no secret', () => {
    expect(output).not.toMatch(/[\r\u001b]/)
    expect(output).not.toMatch(/canary[0-9a-f]{10}|sbk1_/)
  })

  test('leaves no file of its own behind', () => {
    expect(leftBehind.filter((name) => name.startsWith('sessionbridge'))).toEqual([])
  })
})
