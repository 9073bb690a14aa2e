import { expect, test } from 'vitest'
import { backOff, longestWait, retryAfter } from '../../src/http/trouble/retry-after.ts'

const now = Date.UTC(2026, 10, 20, 12, 0, 0)
const date = (offset: number): string => new Date(now + offset).toUTCString()

const cases: [what: string, value: string | undefined, wait: number | undefined][] = [
  ['nothing', undefined, undefined],
  ['an empty value', '', undefined],
  ['seconds', '2', 2_000],
  ['no seconds', '0', 0],
  ['a fraction', '1.5', 1_500],
  ['spaces around', ' 3 ', 3_000],
  ['a date', date(5_000), 5_000],
  ['a date of this moment', date(0), 0],
  ['a date of old', date(-5_000), undefined],
  ['a negative number', '-5', undefined],
  ['words', 'later', undefined],
  ['a number with a unit', '5s', undefined],
  ['hexadecimal', '0x10', undefined],
  ['an exponent', '1e9', undefined],
  ['infinity', 'Infinity', undefined],
  ['a year', '2030', longestWait],
  ['a huge number', '99999999999999999999', longestWait],
  ['a far date', 'Fri, 31 Dec 9999 23:59:59 GMT', longestWait],
  ['an ISO date', '2030-01-01T00:00:00Z', undefined],
  ['a broken date', 'Fri, 99 Foo 2026 12:00:99 GMT', undefined],
]

test.each(cases)('%s', (_what, value, wait) => {
  expect(retryAfter({ 'retry-after': value }, now)).toBe(wait)
})

test('a date is held against the date of the answer, whose clock may be another', () => {
  const headers = { 'retry-after': date(3_600_000 + 4_000), date: date(3_600_000) }
  expect(retryAfter(headers, now)).toBe(4_000)
})

test('the first of several values counts', () => {
  expect(retryAfter({ 'retry-after': ['4', '9'] }, now)).toBe(4_000)
})

test('back-off is anything between nothing and a limit that doubles, up to ten seconds', () => {
  const limits = [0, 1, 2, 3, 4, 5, 6, 50].map((failures) => backOff(failures, undefined, () => 1))
  expect(limits).toEqual([300, 600, 1_200, 2_400, 4_800, 9_600, 10_000, 10_000])
  expect(backOff(3, 300, () => 0)).toBe(0)
})
