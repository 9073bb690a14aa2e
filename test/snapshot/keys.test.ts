import { format, inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { KeyInvalidError } from '../../src/errors.ts'
import { generateKey, parseKeys } from '../../src/snapshot/keys.ts'

describe('a key', () => {
  test('is fresh each time, recognisable, and parses', () => {
    const made = new Set(Array.from({ length: 100 }, generateKey))
    expect(made.size).toBe(100)
    for (const key of made) {
      expect(key).toMatch(/^sbk1_[A-Za-z0-9_-]{43}$/)
      expect(parseKeys(key).ids).toHaveLength(1)
    }
  })

  test('may be one of several, in a list or in one text, in their order', () => {
    const [one, two] = [generateKey(), generateKey()]
    const ids = [...parseKeys(one).ids, ...parseKeys(two).ids]
    for (const given of [[one, two], `${one},${two}`, ` ${one}\n${two}\n`, [`${one}, ${two}`]])
      expect(parseKeys(given).ids).toEqual(ids)
    expect(parseKeys([one, one]).ids).toEqual(parseKeys(one).ids)
  })

  test('that is not usable is refused with a reason and without its text', () => {
    const key = generateKey()
    const wrong = [
      ['', /empty/],
      [[], /empty/],
      ['hunter2hunter2', /begin with sbk1_/],
      [key.slice(5), /begin with sbk1_/],
      [key.slice(0, -1), /47 characters instead of 48/],
      [`${key}A`, /49 characters/],
      [`${key.slice(0, -2)}*A`, /base64url/],
      [[key, 'nope-secret'], /key 2 does not begin/],
    ] as const
    for (const [given, reason] of wrong) {
      const error = thrownBy(() => parseKeys(given))
      expect(error).toBeInstanceOf(KeyInvalidError)
      expect(String(error)).toMatch(reason)
      const printed = inspect(error, { depth: 9 })
      for (const text of [given].flat()) if (text !== '') expect(printed).not.toContain(text.slice(5, 30))
    }
  })

  test('in another spelling of the same bits is refused', () => {
    const key = generateKey()
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet.indexOf(key.slice(-1))
    const twin = key.slice(0, -1) + alphabet.charAt(last ^ 1)
    expect(() => parseKeys(twin)).toThrow(/misspelled/)
  })

  test('does not show when it is printed, joined or serialised', () => {
    const key = generateKey()
    const keys = parseKeys(key)
    const raw = Buffer.from(key.slice(5), 'base64url')
    for (const printed of [
      inspect(keys, { depth: 9, showHidden: true }),
      JSON.stringify(keys),
      format('%s %o', keys, keys),
    ]) {
      expect(printed).not.toContain(key.slice(5))
      expect(printed).not.toContain(raw.toString('hex').slice(0, 16))
    }
    expect(keys.ids[0]).toHaveLength(11)
    expect(raw.toString('base64url')).not.toContain(keys.ids[0])
  })
})

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}
