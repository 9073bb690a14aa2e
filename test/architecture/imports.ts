import { readFileSync, readdirSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix, sep } from 'node:path'
import ts from 'typescript'

/** Source files by path from the root, with slashes. A plain map, so that a test can make up a house of its own. */
export type Tree = ReadonlyMap<string, string>

export interface Import {
  readonly file: string
  readonly line: number
  /**
   * `type`: gone at run time. `value`: loaded with the file. `lazy`: `await import()` or a `require` made by
   * `createRequire`, loaded when the line runs.
   */
  readonly kind: 'type' | 'value' | 'lazy'
  /** Our own file by its path from the root, a package's name, or a part of Node. */
  readonly target: { readonly file: string } | { readonly packageName: string } | 'node'
}

export function readTree(root: string, folders: readonly string[]): Tree {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(ts|mts|mjs|js)$/.test(path))
      .map((path) => `${folder}/${path.split(sep).join('/')}`),
  )
  return new Map(paths.sort().map((path) => [path, readFileSync(join(root, path), 'utf8')]))
}

export const parse = (path: string, text: string): ts.SourceFile =>
  ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)

/** Every rule asks for the same imports of the same tree. */
const known = new WeakMap<Tree, readonly Import[]>()

export function importsOf(tree: Tree): readonly Import[] {
  const imports = known.get(tree) ?? [...tree].flatMap(([file, text]) => importsOfFile(file, text))
  known.set(tree, imports)
  return imports
}

function importsOfFile(file: string, text: string): readonly Import[] {
  const source = parse(file, text)
  const requires = namesOfRequire(text)
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, kind: Import['kind']): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return
    const line = source.getLineAndCharacterOfPosition(specifier.getStart()).line + 1
    found.push({ file, line, kind, target: resolve(file, specifier.text) })
  }
  const look = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node) ? 'type' : 'value')
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly ? 'type' : 'value')
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, 'type')
    else if (ts.isCallExpression(node) && isLoading(node, requires)) add(node.arguments[0], 'lazy')
    ts.forEachChild(node, look)
  }
  look(source)
  return found
}

/** Only `import type`: under verbatimModuleSyntax `import { type A }` still loads the module. */
function isTypeOnly(node: ts.ImportDeclaration): boolean {
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
}

/** What `createRequire(…)` is called in this file. */
const namesOfRequire = (text: string): readonly string[] =>
  [...text.matchAll(/(\w+) = createRequire\(/g)].flatMap(([, name]) => name ?? [])

/** `import(…)`, `createRequire(…)(…)`, and calls of a require that was made so. */
function isLoading(node: ts.CallExpression, requires: readonly string[]): boolean {
  const callee = node.expression
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true
  if (ts.isIdentifier(callee)) return requires.includes(callee.text)
  return ts.isCallExpression(callee) && callee.expression.getText() === 'createRequire'
}

function resolve(file: string, specifier: string): Import['target'] {
  if (isBuiltin(specifier)) return 'node'
  if (specifier.startsWith('.')) return { file: posix.join(posix.dirname(file), specifier) }
  // The package by its own name, as examples write it.
  if (specifier === 'sessionbridge') return { file: 'src/index.ts' }
  if (specifier === 'sessionbridge/fixtures') return { file: 'fixtures/index.ts' }
  const parts = specifier.split('/')
  return { packageName: parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/') }
}
