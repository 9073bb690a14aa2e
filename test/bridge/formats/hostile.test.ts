import { describe, expect, test } from 'vitest'
import { listFormats } from '../../../src/bridge/formats/format-state.ts'
import { parseState } from '../../../src/bridge/parse-state.ts'
import { StateInvalidError } from '../../../src/errors.ts'
import { canary, hostileFiles } from './hostile-files.ts'

const url = 'https://shop.test/'

describe.each(listFormats().map(({ name }) => name))('%s', (from) => {
  const files = hostileFiles[from]

  test('is held against at least five hostile files', () => {
    expect(files.length).toBeGreaterThanOrEqual(5)
    expect(files.some(({ text }) => text.includes(canary))).toBe(true)
  })

  test.each(files)(
    'says of each place what is wrong and no value: $what',
    ({ text, places, cookies, expires }) => {
      if (places === undefined) {
        const refused = failure(() => parseState(text, { from, url }))
        expect(refused).toBeInstanceOf(StateInvalidError)
        expect(
          `${String(refused)} ${JSON.stringify(refused)} ${String((refused as Error).cause)}`,
        ).not.toContain(canary)
        return
      }
      const { state, report } = parseState(text, { from, url })
      expect(report.map(({ where }) => where)).toEqual(places)
      expect(JSON.stringify(report)).not.toContain(canary)
      expect(state.cookies).toHaveLength(cookies ?? 0)
      if (expires !== undefined) expect(state.cookies[0]?.expires).toBe(expires)
      expect(({} as Record<string, unknown>).polluted).toBeUndefined()
      for (const cookie of state.cookies.slice(0, 5))
        expect(Object.getPrototypeOf(cookie)).toBe(Object.prototype)
    },
  )

  test('refuses 100 MB before it looks at them', () => {
    const [{ text } = { text: '' }] = files
    const large = text + ' '.repeat(100 * 1024 * 1024)
    const began = process.cpuUsage()
    const refused = failure(() => parseState(large, { from, url }))
    expect(refused).toBeInstanceOf(StateInvalidError)
    expect(String(refused)).toContain('larger than 67108864 bytes')
    const { user, system } = process.cpuUsage(began)
    expect(user + system).toBeLessThan(1_000_000)
  })

  test('makes nothing of another kind of file, without a word of it', () => {
    for (const other of [
      canary,
      `{"${canary}":1}`,
      `["${canary}"]`,
      `<html>${canary}</html>`,
      '',
      '{}',
      '[]',
      'null',
    ]) {
      let said: unknown
      try {
        said = parseState(other, { from, url: `https://shop.test/?${canary}` }).report
      } catch (error) {
        expect(error).toBeInstanceOf(StateInvalidError)
        said = String(error)
      }
      expect(JSON.stringify(said)).not.toContain(canary)
    }
  })
})

test('a file in which everything is wrong gets a report that can be held', () => {
  const { report } = parseState(`{"cookies":[${'1,'.repeat(1_000_000)}1],"origins":[]}`)
  expect(report).toHaveLength(100_001)
  expect(report.at(-1)).toMatchObject({ reason: 'too-many', rule: '900001 more things are wrong with it' })
  const lines = parseState(`# HTTP Cookie File\n${'x\n'.repeat(300_000)}`).report
  expect(lines).toHaveLength(100_001)
})

test('what takes long in a regular expression takes no time here', () => {
  const texts = [
    '\n'.repeat(2_000_000),
    `${' '.repeat(2_000_000)}x`,
    `a${' '.repeat(1_000_000)}=b`,
    '/'.repeat(2_000_000),
    'curl '.repeat(300_000),
    `shop.test${' '.repeat(1_000_000)}TRUE`,
    'a '.repeat(1_000_000),
    `wget ${"'".repeat(1_000_001)}`,
  ]
  for (const text of texts) {
    // Processor time: what backtracks takes hours of it here, and a busy machine takes none.
    const began = process.cpuUsage()
    failure(() => parseState(text, { url }))
    const { user, system } = process.cpuUsage(began)
    expect(user + system).toBeLessThan(10_000_000)
  }
})

function failure(attempt: () => unknown): unknown {
  try {
    attempt()
  } catch (error) {
    return error
  }
  return undefined
}
