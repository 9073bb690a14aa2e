import { describe, expect, test } from 'vitest'
import { defineRecipe, type Recipe } from '../../src/login/recipe.ts'

const good: Recipe = { name: 'shop', url: 'https://shop.test/login' }

describe('defineRecipe', () => {
  test('gives a frozen copy', () => {
    const domains = ['id.test']
    const recipe = defineRecipe({
      ...good,
      domains,
      login: () => Promise.resolve(),
      context: { locale: 'de-DE' },
    })
    domains.push('evil.test')
    expect(recipe.domains).toEqual(['id.test'])
    for (const part of [recipe, recipe.domains, recipe.context]) expect(Object.isFrozen(part)).toBe(true)
  })

  test.each([
    ['name', ''],
    ['name', 'a/b'],
    ['name', '../x'],
    ['name', 7],
    ['name', undefined],
    ['url', 'shop.test/login'],
    ['url', 'file:///etc/passwd'],
    ['url', 'https://user:pw@shop.test/'],
    ['url', undefined],
    ['login', 'yes'],
    ['verify', true],
    ['home', '/account'],
    ['probe', 'javascript:1'],
    ['domains', 'id.test'],
    ['domains', ['https://id.test/path']],
    ['domains', ['*.id.test']],
    ['domains', ['id.test:8443']],
    ['protect', [1]],
    ['context', []],
    ['timeout', 0],
    ['timeout', Number.NaN],
    ['timout', 5],
  ])('refuses %s: %j by name', (field, value) => {
    const recipe = { ...good, [field]: value }
    expect(() => defineRecipe(recipe)).toThrow(TypeError)
    expect(() => defineRecipe(recipe)).toThrow(`"${field}"`)
    expect(() => defineRecipe(recipe)).not.toThrow('pw')
  })

  test('refuses what is no object', () => {
    for (const value of [undefined, null, 'shop', []]) {
      expect(() => defineRecipe(value as unknown as Recipe)).toThrow(TypeError)
    }
  })
})
