import { describe, expect, test } from 'vitest'
import { formatState, listFormats, type SessionState } from '../../../src/index.ts'
import { withKept } from '../../../src/state/kept-values.ts'

const secret = 'token-that-a-page-held-in-memory'
const open: SessionState = {
  cookies: [],
  origins: [{ origin: 'https://shop.test', localStorage: [{ name: 'theme', value: 'dark' }] }],
}
const state = withKept(open, new Map([['Authorization', secret]]))
const others = listFormats().filter(({ name }) => name !== 'sessionbridge')

describe('a value that is kept for a header rule', () => {
  test('stands in our own format', () => {
    expect(formatState(state, { to: 'sessionbridge' }).text).toContain(secret)
  })

  test.each(others.map(({ name }) => name))('is not written as %s, and the report says so', (to) => {
    const { text, report } = formatState(state, { to, url: 'https://shop.test/' })
    expect(text).not.toContain(secret)
    expect(text).toBe(formatState(open, { to, url: 'https://shop.test/' }).text)
    expect(report).toContainEqual({
      kind: 'localStorage',
      name: 'Authorization',
      where: 'https://kept.sessionbridge.invalid',
      reason: 'unsupported',
      rule: expect.stringContaining('header rules') as string,
    })
  })
})
