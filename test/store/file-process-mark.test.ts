import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { isDead, newMark } from '../../src/store/file/process-mark.ts'

const [place = '', who = '', random = ''] = newMark().split('-')

test('A mark names this process, is never the same twice, and is that of a living one', () => {
  expect(newMark()).not.toBe(newMark())
  expect(who).toBe(`${String(process.pid)}.${who.split('.')[1] ?? ''}`)
  expect(isDead(newMark())).toBe(false)
})

test('Another process that has the pid later is told by its start', () => {
  expect(isDead(`${place}-${String(process.pid)}.1-${random}`)).toBe(true)
  expect(isDead(`${place}-${String(process.pid)}-${random}`)).toBe(false) // where starts are not to be had
})

test('A process that has ended is dead, here and not from elsewhere', async () => {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'close')
  const ended = `${String(child.pid)}.1-${random}`
  expect(isDead(`${place}-${ended}`)).toBe(true)
  expect(isDead(`0123456789ab-${ended}`)).toBe(false) // another boot or pid namespace: nobody can tell
  expect(isDead(`x-${ended}`)).toBe(false)
})

test('What is no mark tells nothing', () => {
  for (const text of [
    '',
    'x',
    place,
    `${place}-`,
    `${place}-0.1-a`,
    `${place}--1-a`,
    `${place}-1e3-a`,
    '1.sealed',
  ])
    expect(isDead(text), text).toBe(false)
})
