import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

import type { Tree } from './architecture/imports.ts'
import { importsOf, readTree } from './architecture/imports.ts'
import type { Rule } from './architecture/rules.ts'
import * as rules from './architecture/rules.ts'
import { heavyExceptions } from './architecture/table.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const house = readTree(root, ['src', 'fixtures', 'scripts', 'examples', 'test/site'])

const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as Record<
  'dependencies' | 'peerDependencies' | 'devDependencies',
  Record<string, string>
>
const packagesAreDeclared = rules.packagesAreDeclared({
  run: [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)],
  development: Object.keys(manifest.devDependencies),
})

const tree = (files: Record<string, string>): Tree => new Map(Object.entries(files))

/** Each rule with made-up houses that break it (what is said must match) and one that is near and breaks nothing. */
const laws: readonly { law: string; rule: Rule; breaks: readonly [Tree, RegExp][]; holds: Tree }[] = [
  {
    law: 'imports follow the table',
    rule: rules.importsFollowTheTable,
    breaks: [
      [tree({ 'src/state/a.ts': "import type { B } from '../http/b.ts'" }), /state may not import http/],
      [tree({ 'src/http/a.ts': "import '../bridge/context/apply.ts'" }), /http may not import bridge/],
      [tree({ 'src/store/a.ts': "export { b } from '../state/state.ts'" }), /store may not import state/],
      [tree({ 'src/policy/a.ts': "await import('../session/vault.ts')" }), /policy may not import session/],
      [tree({ 'src/observe/redact.ts': "import '../errors.ts'" }), /redact may not import errors/],
      [tree({ 'fixtures/index.ts': "import '../src/session/vault.ts'" }), /fixtures may not import session/],
      [tree({ 'src/state/a.ts': "type B = import('../login/b.ts').B" }), /state may not import login/],
      [tree({ 'src/state/a.ts': "import '../../test/laws/b.ts'" }), /in no room/],
      [tree({ 'src/extra/a.ts': "import '../errors.ts'" }), /src\/extra\/a.ts is in no room/],
    ],
    holds: tree({
      'src/http/a.ts': "import '../bridge/jar/jar.ts'; import './b.ts'",
      'examples/a.ts': "import 'sessionbridge'; import './site/shop.ts'",
    }),
  },
  {
    law: 'what is imported exists, by its full name',
    rule: rules.importsExist,
    breaks: [
      [
        tree({ 'src/state/a.ts': "import './b.js'", 'src/state/b.ts': '' }),
        /state\/b.js, which is not there/,
      ],
    ],
    holds: tree({ 'src/state/a.ts': "import './b.ts'", 'src/state/b.ts': '' }),
  },
  {
    law: 'engines are loaded where first used',
    rule: rules.enginesLoadAtFirstUse,
    breaks: [
      [tree({ 'src/login/a.ts': "import { chromium } from 'playwright'" }), /loads playwright/],
      [tree({ 'src/http/a.ts': "import { type Got } from 'got-scraping'" }), /loads got-scraping/],
      [tree({ 'fixtures/index.ts': "export { test } from '@playwright/test'" }), /loads @playwright\/test/],
      [tree({ 'src/store/a.ts': "import 'ioredis/built/cluster'" }), /loads ioredis/],
    ],
    holds: tree({
      'src/login/a.ts':
        "import type { Page } from 'playwright'\nconst { chromium } = await import('playwright')",
    }),
  },
  {
    law: 'the front door loads no heavy package',
    rule: rules.frontDoorIsLight,
    breaks: [
      [
        tree({
          'src/index.ts': "export { a } from './http/a.ts'",
          'src/http/a.ts': "import '../policy/b.ts'",
          'src/policy/b.ts': "\nimport { parse } from 'tldts'",
        }),
        /src\/policy\/b.ts:2: import 'sessionbridge' would load tldts/,
      ],
    ],
    holds: tree({
      'src/index.ts': "export type { A } from './http/a.ts'; const b = () => import('./http/b.ts')",
      'src/http/a.ts': "import 'undici'",
      'src/http/b.ts': "import 'undici'",
    }),
  },
  {
    law: 'a required package has one owner',
    rule: rules.requireHasOneOwner,
    breaks: [
      [
        tree({
          'src/policy/a.ts': "createRequire(import.meta.url)('tldts')",
          'src/bridge/b.ts': "const require = createRequire(import.meta.url); require('tldts')",
        }),
        /tldts is required by src\/policy\/a.ts and src\/bridge\/b.ts/,
      ],
    ],
    holds: tree({
      'src/policy/a.ts': "createRequire(import.meta.url)('tldts')",
      'src/http/b.ts': "import('tldts')",
    }),
  },
  {
    law: 'folders do not import each other in a circle',
    rule: rules.foldersHaveNoCycle,
    breaks: [
      [
        tree({
          'src/state/a.ts': "import type { B } from '../policy/b.ts'",
          'src/policy/b.ts': "import '../errors.ts'",
          'src/errors.ts': "import './state/a.ts'",
        }),
        /src\/state → src\/policy → src\/errors.ts → src\/state/,
      ],
    ],
    holds: tree({ 'src/state/a.ts': "import '../errors.ts'", 'src/policy/b.ts': "import '../state/a.ts'" }),
  },
  {
    law: 'every imported package is declared',
    rule: packagesAreDeclared,
    breaks: [
      [tree({ 'src/http/a.ts': "import type { A } from 'left-pad'" }), /imports left-pad/],
      [tree({ 'src/http/a.ts': "import { build } from 'vitest'" }), /imports vitest/],
    ],
    holds: tree({
      'src/http/a.ts': "import 'node:http'; import type { I } from 'impit'; import('got-scraping')",
      'test/site/a.ts': "import '@peculiar/x509'",
    }),
  },
  {
    law: 'names of files and folders are kebab-case and say what is inside',
    rule: rules.namesSayWhatIsInside,
    breaks: [
      [tree({ 'src/utils/a.ts': '' }), /utils says nothing/],
      [tree({ 'src/http/types.ts': '' }), /types says nothing/],
      [tree({ 'src/http/setCookie.ts': '' }), /setCookie.ts is not kebab-case/],
      [tree({ 'src/http/set_cookie.ts': '' }), /set_cookie.ts is not kebab-case/],
    ],
    holds: tree({ 'src/http/set-cookie.ts': '', 'examples/shop.recipe.ts': '' }),
  },
  {
    law: 'a file is one concept and not longer than that',
    rule: rules.filesAreShort,
    breaks: [[tree({ 'src/http/a.ts': 'a\n'.repeat(301) }), /301 lines/]],
    holds: tree({ 'src/http/a.ts': 'a\n'.repeat(300) }),
  },
  {
    law: 'exports have names',
    rule: rules.exportsAreNamed,
    breaks: [
      [tree({ 'src/a.ts': "export * from './b.ts'" }), /exports \*/],
      [tree({ 'src/a.ts': "export * as b from './b.ts'" }), /exports \*/],
      [tree({ 'src/a.ts': 'export default 1' }), /default export/],
      [tree({ 'src/a.ts': 'export default function a() {}' }), /default export/],
      [tree({ 'src/a.ts': "export { a as default } from './b.ts'" }), /exports \*|default export/],
    ],
    holds: tree({
      'src/a.ts': "export { a } from './b.ts'\nexport type { B } from './b.ts'\nexport const c = 1",
    }),
  },
]

describe.each(laws)('$law', ({ rule, breaks, holds }) => {
  test('in this house', () => {
    expect(rule(house)).toEqual([])
  })

  test('and a house that breaks it is caught', () => {
    for (const [broken, complaint] of breaks) {
      expect(rule(broken).join('\n'), [...broken.values()].join('\n')).toMatch(complaint)
    }
    expect(rule(holds)).toEqual([])
  })
})

test('the rules have looked at a real house', () => {
  const imports = importsOf(house)
  expect(house.size).toBeGreaterThan(30)
  expect(imports.filter(({ kind }) => kind === 'value').length).toBeGreaterThan(50)
  expect(imports.filter(({ kind }) => kind === 'type').length).toBeGreaterThan(20)
  expect(imports.filter(({ kind }) => kind === 'lazy').length).toBeGreaterThan(0)
})

test('every exception to the light front door is still needed and says why', () => {
  const imports = importsOf(house)
  for (const { file, packageName, reason } of heavyExceptions) {
    expect(reason).not.toBe('')
    const used = imports.some(
      ({ target, ...one }) =>
        one.file === file &&
        typeof target === 'object' &&
        'packageName' in target &&
        target.packageName === packageName,
    )
    expect(used, `${file} no longer imports ${packageName}`).toBe(true)
  }
})
