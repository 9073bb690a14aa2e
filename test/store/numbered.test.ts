import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listNumbers, prune, takeNumber } from '../../src/store/file/numbered.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sessionbridge-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function hold(...names: string[]): void {
  for (const name of names) writeFileSync(join(folder, name), name)
}

test('A free number is taken, a taken one is not', () => {
  hold('a.tmp', 'b.tmp')
  expect(takeNumber(folder, 'a.tmp', 1, '.sealed')).toBe(true)
  expect(takeNumber(folder, 'b.tmp', 1, '.sealed')).toBe(false)
  expect(readdirSync(folder)).toEqual(['1.sealed'])
})

test('A writer that was frozen until its number was pruned does not win', async () => {
  hold('4.sealed', '5.sealed', 'frozen.tmp')
  expect(takeNumber(folder, 'frozen.tmp', 3, '.sealed')).toBe(false)
  expect(listNumbers(folder, '.sealed').numbers[0]).toBe(5)
  await prune(folder, '.sealed', listNumbers(folder, '.sealed'))
  expect(readdirSync(folder).sort()).toEqual(['4.sealed', '5.sealed'])
})

test('A writer whose folder or temporary file went away meanwhile does not win', () => {
  hold('4.sealed')
  expect(takeNumber(folder, 'swept.tmp', 5, '.sealed')).toBe(false)
  expect(takeNumber(join(folder, 'gone'), 'any.tmp', 1, '.sealed')).toBe(false)
})

test('Numbers are ordered as numbers', () => {
  hold('9.sealed', '10.sealed', '100.sealed', '2.sealed')
  expect(listNumbers(folder, '.sealed').numbers).toEqual([100, 10, 9, 2])
  expect(listNumbers(join(folder, 'gone'), '.sealed').numbers).toEqual([])
})
