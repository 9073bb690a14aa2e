import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestFolderOf, folderOf, nameOf } from '../../src/store/session-name.ts'

const anyName = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0x20, max: 0x7e })), {
    minLength: 1,
    maxLength: 200,
    size: 'max',
  })
  .map((units) => String.fromCharCode(...units))

test('Every name is spelled so that it reads back, or is too long and gets a digest', () => {
  let spelled = 0
  let digested = 0
  fc.assert(
    fc.property(anyName, (name) => {
      const folder = folderOf(name)
      if (folder === undefined) {
        digested++
        expect(nameOf(digestFolderOf(name))).toBeUndefined()
      } else {
        spelled++
        expect(nameOf(folder)).toBe(name)
      }
      expect(folder ?? digestFolderOf(name)).toMatch(/^[a-z0-9_%~+-](?:[a-z0-9_.%~+-]{0,178}[a-z0-9_%~+-])?$/)
    }),
    { numRuns: 2_000 },
  )
  expect(spelled).toBeGreaterThan(100)
  expect(digested).toBeGreaterThan(100)
})

test('Names that a disk would fold into one are spelled apart', () => {
  const twins = [
    'shop/a',
    'SHOP/A',
    'Shop/a',
    'é',
    'e\u0301',
    'É',
    'ß',
    'SS',
    'ss',
    '\u212a',
    'k',
    'K',
    '\ud800',
    '\udc00',
  ]
  const folders = twins.map((name) => folderOf(name) ?? '')
  const folded = folders.map((folder) => folder.normalize('NFC').toLowerCase())
  expect(new Set(folded).size).toBe(twins.length)
  const long = twins.map((name) => digestFolderOf(`${name}${'/'.repeat(190)}`).toLowerCase())
  expect(new Set(long).size).toBe(twins.length)
})

test('Usual names stay readable', () => {
  expect(folderOf('shop/alice')).toBe('shop~alice')
  expect(folderOf('shop.example/alice@mail.example')).toBe('shop.example~alice%40mail.example')
  expect(folderOf('..')).toBe('%2e%2e')
})

test('A folder that spells nothing, or not in the one right way, is no name', () => {
  for (const folder of ['', 'A', 'a b', '%4g', '%61', '%u0061', '.a', 'a.', 'a+b', '%', '..'])
    expect(nameOf(folder), folder).toBeUndefined()
})
