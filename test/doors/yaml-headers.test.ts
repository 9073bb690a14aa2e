import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadRecipe } from '../../scripts/recipe/load.ts'
import { defineRecipe } from '../../src/index.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sessionbridge-yaml-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function fromYaml(headers: string): Promise<unknown> {
  const path = join(folder, 'shop.yaml')
  await writeFile(path, `name: shop\nurl: https://shop.test/login\ndomains: [api.test]\nheaders:\n${headers}`)
  return (await loadRecipe(path, undefined)).recipe
}

test('a recipe in YAML declares headers as one in TypeScript does', async () => {
  const recipe = await fromYaml(`  - header: Authorization
    prefix: 'Bearer '
    origins: [https://api.test]
    source: { from: indexedDB, database: app, store: tokens, key: current, path: [access] }
  - header: _csrf
    in: body
    paths: [/orders/]
    source: { from: page, url: /orders, at: { in: input, name: _csrf } }
`)
  expect(recipe).toEqual(
    defineRecipe({
      name: 'shop',
      url: 'https://shop.test/login',
      domains: ['api.test'],
      headers: [
        {
          header: 'Authorization',
          prefix: 'Bearer ',
          origins: ['https://api.test'],
          source: { from: 'indexedDB', database: 'app', store: 'tokens', key: 'current', path: ['access'] },
        },
        {
          header: '_csrf',
          in: 'body',
          paths: ['/orders/'],
          source: { from: 'page', url: '/orders', at: { in: 'input', name: '_csrf' } },
        },
      ],
    }),
  )
})

test.each([
  ['  - bearer\n', /headers/],
  ['  - { header: X-Key, source: { from: nowhere } }\n', /headers\[0\]/],
  ['  - { header: X-Key, origins: [https://evil.test], source: { from: observed } }\n', /origins/],
])('one that declares nonsense is refused, and says where: %s', async (headers, where) => {
  await expect(fromYaml(headers)).rejects.toThrow(where)
})
