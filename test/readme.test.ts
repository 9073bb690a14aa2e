import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/```ts\n\/\/ (examples\/\S+)\n([\s\S]*?)```/g)]

describe('README', () => {
  test('shows at least three examples', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(3)
    expect([...readme.matchAll(/```ts\n/g)]).toHaveLength(blocks.length)
  })

  test.each(blocks.map(([, path = '', code = '']) => [path, code]))('shows %s as it is', (path, code) => {
    expect(code).toBe(readFileSync(join(root, path), 'utf8'))
  })

  test('links only to what exists', () => {
    const targets = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, target = '']) => target)
    expect(targets.length).toBeGreaterThan(5)
    expect(targets.filter((target) => !existsSync(join(root, target)))).toEqual([])
  })
})
