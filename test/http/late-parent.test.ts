import { describe, expect, test } from 'vitest'
import { linkLate } from '../../src/http/late-parent.ts'

class Parent {
  get colour(): string {
    return 'red'
  }
}

/** A child of `Parent` that says how often its parent was loaded. */
function family(): { child: object; loads: () => number } {
  class Child {
    get own(): string {
      return 'mine'
    }
  }
  let loads = 0
  linkLate(Child.prototype, () => {
    loads++
    return Parent.prototype
  })
  return { child: new Child(), loads: () => loads }
}

describe('a parent that is linked late', () => {
  test('is not loaded by what everybody does with a result', async () => {
    const { child, loads } = family()
    expect(Reflect.get(child, 'own')).toBe('mine')
    expect('own' in child).toBe(true)
    expect(await Promise.resolve(child)).toBe(child)
    expect(await (async (): Promise<object> => Promise.resolve(child))()).toBe(child)
    expect(Object.keys(child)).toEqual([])
    expect(loads()).toBe(0)
  })

  test.each<[string, (child: object) => unknown, unknown]>([
    ['instanceof', (child) => child instanceof Parent, true],
    ['isPrototypeOf', (child) => Object.prototype.isPrototypeOf.call(Parent.prototype, child), true],
    ['a name of the parent', (child): unknown => Reflect.get(child, 'colour'), 'red'],
    ['a name that nobody has', (child): unknown => Reflect.get(child, 'nothing'), undefined],
    ['asking for a name', (child) => 'colour' in child, true],
    ['what all objects have', (child) => typeof child.toString, 'function'],
  ])('is found by %s, and loaded once', (_by, look, expected) => {
    const { child, loads } = family()
    expect(look(child)).toBe(expected)
    expect(loads()).toBe(1)
    expect(look(child)).toBe(expected)
    expect(child instanceof Parent).toBe(true)
    expect(loads()).toBe(1)
    const prototype: unknown = Object.getPrototypeOf(child)
    expect(Object.getPrototypeOf(prototype)).toBe(Parent.prototype)
  })

  test('lets its children have names of their own', () => {
    const { child } = family()
    expect(Reflect.set(child, 'note', 1)).toBe(true)
    expect(Object.keys(child)).toEqual(['note'])
    expect(Reflect.set(child, 'colour', 'blue')).toBe(false) // the parent has a getter only
  })
})
