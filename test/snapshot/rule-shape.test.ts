import { describe, expect, test } from 'vitest'
import { openSnapshot, sealSnapshot } from '../../src/snapshot/seal.ts'
import { generateKey, parseKeys } from '../../src/snapshot/keys.ts'
import { faultOfSource } from '../../src/snapshot/rule-shape.ts'
import { sourceInWords, type HeaderRule, type RuleSource } from '../../src/state/header-rule.ts'
import { emptyState } from '../../src/state/state.ts'

const origin = 'https://shop.test'
const kept = 'x-key https://shop.test'

const sources: [RuleSource, string][] = [
  [{ from: 'cookie', name: 'csrf', domain: 'shop.test' }, 'cookie csrf'],
  [{ from: 'cookie', name: 'CSRF-*', dynamic: true }, 'cookie CSRF-*'],
  [{ from: 'localStorage', origin, key: 'auth', path: ['token'] }, 'localStorage auth.token'],
  [{ from: 'sessionStorage', origin, key: 'tab', path: [], dynamic: true }, 'sessionStorage tab'],
  [
    { from: 'indexedDB', origin, database: 'app', store: 'tokens', key: '"current"', path: ['access'] },
    'indexedDB app/tokens."current".access',
  ],
  [
    { from: 'page', url: `${origin}/app`, at: { in: 'meta', name: 'csrf' }, kept },
    'meta csrf of page https://shop.test/app',
  ],
  [
    { from: 'page', url: `${origin}/app`, at: { in: 'script', name: 'nonce', variable: 'settings' }, kept },
    'script nonce of page https://shop.test/app',
  ],
  [
    { from: 'answer', url: `${origin}/token`, method: 'GET', at: { json: ['a', 'b'] }, kept, again: true },
    'JSON a.b of the answer to GET https://shop.test/token',
  ],
  [
    { from: 'answer', url: `${origin}/token`, method: 'POST', at: { header: 'x-new' }, kept, page: origin },
    'header x-new of the answer to POST https://shop.test/token',
  ],
  [{ from: 'observed', kept, page: origin }, 'as last seen on the wire'],
]

const ruleOf = (source: RuleSource): HeaderRule => ({
  ...{ header: 'X-Key', in: 'body', origins: [origin], paths: ['/api/'], methods: 'all', prefix: '', source },
})

describe('a rule in a snapshot', () => {
  test.each(sources)('is sealed, opened and told: %j', async (source, words) => {
    const keys = parseKeys(generateKey())
    const snapshot = {
      ...{ name: 'shop/alice', state: emptyState, headerRules: [ruleOf(source)] },
      ...{ epoch: 1, generation: 1, savedAt: 1 },
    }
    const bytes = await sealSnapshot(snapshot, keys)
    expect((await openSnapshot(bytes, { name: 'shop/alice', keys })).headerRules).toEqual([ruleOf(source)])
    expect(sourceInWords(source)).toBe(words)
  })

  test('with a field missing or wrong, or of a kind that is not known, does not open', () => {
    let wrong = 0
    for (const [source] of sources) {
      const optional = source.from === 'indexedDB' ? ['key'] : ['domain', 'dynamic', 'page', 'again']
      for (const field of Object.keys(source)) {
        if (optional.includes(field)) continue
        const fields: Record<string, unknown> = { ...source }
        expect(faultOfSource({ ...fields, [field]: 7 }, 'source')).toContain('source.')
        const { [field]: _, ...less } = fields
        expect(faultOfSource(less, 'source')).toContain('source.')
        wrong += 2
      }
    }
    expect(wrong).toBeGreaterThan(60)
    for (const nothing of [null, undefined, 'cookie', [], { from: 'thin air' }, { from: '__proto__' }])
      expect(faultOfSource(nothing, 'source')).toBe('source.from')
  })
})
