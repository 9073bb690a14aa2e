import { describe, expect, test } from 'vitest'
import { findUnportable, isProof } from '../../src/login/learn/unportable.ts'
import { learnHeaderRules } from '../../src/login/learn/learn-headers.ts'
import { browserOnlyOrigins, type Report } from '../../src/state/report.ts'
import { seen, stateOf } from './observed.ts'

const api = 'https://api.test/orders'
const proof = (n: number): string =>
  `eyJ0eXAiOiJkcG9wK2p3dCJ9.${String(n).repeat(30)}.${String(n).repeat(86)}`
const key: Report = [
  {
    kind: 'indexedDB',
    name: 'keys/k',
    where: 'https://shop.test',
    reason: 'unsupported',
    rule: '1 …: CryptoKey',
  },
]

const found = (requests: Parameters<typeof findUnportable>[0], captured: Report = []): string[] =>
  findUnportable(requests, captured).map(({ kind, name, where, reason }) =>
    [kind, name, where, reason].join(' '),
  )

describe('what carries a session and cannot leave the browser', () => {
  test.each([
    ['DPoP', { DPoP: proof(1), Authorization: 'DPoP token-of-the-user' }],
    ['Signature', { Signature: 'sig1=:abc=:' }],
    ['Signature-Input', { 'Signature-Input': 'sig1=("@method" "@path");created=1' }],
    ['Authorization', { Authorization: 'Signature keyId="k",signature="abc="' }],
    ['Authorization', { Authorization: 'AWS4-HMAC-SHA256 Credential=A/b/c, Signature=d' }],
  ])('is seen by the form of %s', (name, headers) => {
    expect(found([seen('GET', api, headers)])).toEqual([`header ${name} https://api.test needs-browser`])
  })

  test.each([
    ['a proof at a token endpoint carries nobody', { DPoP: proof(1) }, {}],
    ['a bearer is carried', { Authorization: `Bearer ${proof(1)}` }, {}],
    ['a redirect from elsewhere', { DPoP: proof(1), Authorization: 'DPoP t' }, { crossedOrigins: true }],
    ['a header called DPoP that is none', { DPoP: 'yes', Authorization: 'DPoP t' }, {}],
  ])('is not seen in what it is not: %s', (_, headers, facts) => {
    expect(found([seen('POST', api, headers, facts)])).toEqual([])
  })

  test('is a long value that is another one each time, while the page holds a key that cannot be read out', () => {
    const signed = [1, 2, 3].map((n) =>
      seen('GET', api, { 'X-Sig': String(n).repeat(64), 'X-Count': String(n) }),
    )
    expect(found(signed, key)).toEqual(['header X-Sig https://api.test needs-browser'])
    expect(found(signed)).toEqual([])
    expect(found(signed.slice(1), key)).toEqual([])
    const same = [1, 2, 3].map(() => seen('GET', api, { 'X-Sig': 'a'.repeat(64) }))
    expect(found(same, key)).toEqual([])
  })

  test('teaches no rule, and is not told twice; the token beside it is known for the page', () => {
    const requests = [1, 2, 3].map((n) =>
      seen('GET', api, { DPoP: proof(n), Authorization: 'DPoP token-of-the-user-0815' }),
    )
    const state = stateOf([], {
      'https://shop.test': { session: { user: '{"at":"token-of-the-user-0815"}' } },
    })
    const { rules, unexplained } = learnHeaderRules(requests, state)
    expect(rules).toMatchObject([{ header: 'Authorization', prefix: 'DPoP ', source: { path: ['at'] } }])
    expect(unexplained).toEqual([])
    expect(isProof('dpop', proof(1))).toBe(true)
  })

  test('names the origins that only the browser can ask', () => {
    const report = findUnportable([seen('GET', api, { DPoP: proof(1), Authorization: 'DPoP t' })], [])
    expect(browserOnlyOrigins([...key, ...report])).toEqual(new Set(['https://api.test']))
    expect(browserOnlyOrigins(key)).toBeUndefined()
  })
})
