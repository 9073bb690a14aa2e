import { describe, expect, test } from 'vitest'
import { defineRecipe, type DeclaredHeader } from '../../src/index.ts'
import { declaredRules } from '../../src/login/learn/declared-headers.ts'

const url = 'https://shop.test/login'
const define = (header: object, more: object = {}): ReturnType<typeof defineRecipe> =>
  defineRecipe({ name: 'shop', url, headers: [header as DeclaredHeader], ...more })

describe('a declared header', () => {
  test('is completed: its origin, its methods, where its source stands', () => {
    const recipe = define({ header: 'X-Key', source: { from: 'localStorage', key: 'app:*', path: ['key'] } })
    expect(declaredRules(recipe)).toEqual([
      {
        ...{ header: 'X-Key', origins: ['https://shop.test'], methods: 'all', prefix: '' },
        source: {
          ...{
            from: 'localStorage',
            origin: 'https://shop.test',
            key: 'app:*',
            path: ['key'],
            dynamic: true,
          },
        },
      },
    ])
    const field = define({
      header: '_csrf',
      in: 'body',
      source: { from: 'page', url: '/form?x=1', at: { in: 'input', name: 'c' } },
    })
    expect(declaredRules(field)).toMatchObject([
      {
        in: 'body',
        methods: 'unsafe',
        source: { url: 'https://shop.test/form', at: { in: 'input', name: 'c' } },
      },
    ])
  })

  test("goes to the recipe's own site and domains only", () => {
    const abroad = { header: 'X-Key', origins: ['https://api.test'], source: { from: 'observed' } }
    expect(() => define(abroad)).toThrow(/"headers\[0\].origins" must be of https:\/\/shop.test/)
    expect(declaredRules(define(abroad, { domains: ['api.test'] }))).toHaveLength(1)
  })

  const source = { from: 'observed' }
  test.each([
    ['.header', { header: 'no header', source }],
    ['.header', { source }],
    ['.in', { header: 'a', in: 'query', source }],
    ['.methods', { header: 'a', methods: 'safe', source }],
    ['.prefix', { header: 'a', prefix: 'x\n', source }],
    ['.paths', { header: 'a', paths: ['api'], source }],
    ['.origins', { header: 'a', origins: ['shop'], source }],
    ['.encoding', { header: 'a', encoding: 'base64', source }],
    ['.value', { header: 'a', value: 'secret', source }],
    ['.source', { header: 'a' }],
    ['.source', { header: 'a', source: { from: 'nowhere' } }],
    ['.source', { header: 'a', source: { from: 'cookie' } }],
    ['.source', { header: 'a', source: { from: 'indexedDB', database: 'd' } }],
    ['.source', { header: 'a', source: { from: 'page', url: '/' } }],
    ['.source', { header: 'a', source: { from: 'answer', url: 'ftp://shop.test/', at: { json: [] } } }],
  ])('is refused with the field that is wrong: %s', (field, header) => {
    expect(() => define(header)).toThrow(`"headers[0]${field}"`)
    expect(() => define(header)).toThrow(TypeError)
  })
})
