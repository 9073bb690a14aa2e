import { describe, expect, test } from 'vitest'
import { sightingsOf } from '../../src/login/learn/sightings.ts'
import { steadyValue } from '../../src/login/learn/steady-value.ts'
import { seen } from './observed.ts'

const api = 'https://api.shop.test'
const judged = (header: string, values: readonly string[]): unknown =>
  steadyValue(
    sightingsOf(
      values.map((value, at) => seen('GET', `${api}/${String(at)}`, { [header]: value }, { at: 1.7e12 })),
    ),
  )

describe('a header that stands nowhere in the state', () => {
  test.each([
    ['X-Build', ['b-2026.11', 'b-2026.11']],
    ['X-Session', ['s-1-abcdef']],
    ['Authorization', ['Basic YWxpY2U6c2VjcmV0']],
    ['X-Requested-With', ['XMLHttpRequest']],
    ['X-Access', ['old', 'old', 'new', 'new']],
    ['Authorization', ['Bearer old', 'Bearer old', 'Bearer new']],
  ])('is carried where it stays the same, or was renewed: %s %j', (header, values) => {
    expect(judged(header, values)).toEqual({ value: values.at(-1) })
  })

  test.each([
    ['X-Request-Id', ['same', 'same'], 'made for each request'],
    ['traceparent', ['00-a-b-01', '00-a-b-01'], 'made for each request'],
    ['X-Correlation-ID', ['c-1', 'c-1'], 'made for each request'],
    ['X-Signature', ['abc', 'abc'], 'made for each request'],
    ['X-Sent', ['1700000000123', '1700000000123'], 'made for each request'],
    [
      'Authorization',
      ['AWS4-HMAC-SHA256 Credential=x', 'AWS4-HMAC-SHA256 Credential=x'],
      'made for each request',
    ],
    ['Authorization', ['DPoP x', 'DPoP x'], 'made for each request'],
    ['X-Build', ['b-2026.11'], 'seen once only'],
    ['X-Ticket', ['1', '2', '3'], 'changes without a sign of when'],
    ['X-Auth-Nonce', ['n1-abcdef', 'n2-abcdef'], 'changes without a sign of when'],
    ['X-Lane', ['a', 'b', 'a', 'b'], 'changes without a sign of when'],
  ])('is not carried, and said why, where it is not: %s %j', (header, values, why) => {
    expect(judged(header, values)).toBe(why)
  })
})
