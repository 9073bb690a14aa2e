import { basename } from 'node:path'
import ts from 'typescript'

import type { Import, Tree } from './imports.ts'
import { importsOf, parse } from './imports.ts'
import {
  engines,
  forbiddenNames,
  heavy,
  heavyExceptions,
  longestFile,
  rooms,
  tables,
  undeclared,
} from './table.ts'

/** A rule says what is wrong, one sentence per place; an empty list means that it holds. */
export type Rule = (tree: Tree) => readonly string[]

type Room = (typeof rooms)[number]

const roomOf = (file: string): Room | undefined =>
  rooms
    .filter((room) => file.startsWith(room.path))
    .sort((a, b) => b.path.length - a.path.length)
    .at(0)

const isOurs = (file: string): boolean => file.startsWith('src/') || isDoor(file)
const isDoor = (file: string): boolean => file.startsWith('fixtures/') || file.startsWith('scripts/')
const place = (one: Import): string => `${one.file}:${String(one.line)}`

export const importsFollowTheTable: Rule = (tree) =>
  importsOf(tree).flatMap((one) => {
    if (!(typeof one.target === 'object' && 'file' in one.target)) return []
    const from = roomOf(one.file)
    const to = roomOf(one.target.file)
    if (from === undefined) return [`${one.file} is in no room of the table`]
    if (to === undefined)
      return [`${place(one)} imports ${one.target.file}, which is in no room of the table`]
    const may: readonly string[] = from.may
    if (from === to || may.includes(to.name)) return []
    return [`${place(one)}: ${from.name} may not import ${to.name} (${one.target.file})`]
  })

export const importsExist: Rule = (tree) =>
  importsOf(tree).flatMap((one) =>
    typeof one.target === 'object' && 'file' in one.target && !tree.has(one.target.file)
      ? [`${place(one)} imports ${one.target.file}, which is not there (write the ending .ts)`]
      : [],
  )

export const enginesLoadAtFirstUse: Rule = (tree) =>
  importsOf(tree).flatMap((one) =>
    isOurs(one.file) && one.kind === 'value' && isPackage(one, engines)
      ? [
          `${place(one)} loads ${nameOf(one)} with the file: import its types, and the engine where first used`,
        ]
      : [],
  )

export const frontDoorIsLight: Rule = (tree) => {
  const imports = importsOf(tree)
  const reached = reachedAtRunTime('src/index.ts', imports)
  return imports.flatMap((one) => {
    if (!reached.has(one.file) || one.kind !== 'value' || !isPackage(one, heavy)) return []
    const excepted = heavyExceptions.some(
      ({ file, packageName }) => file === one.file && packageName === nameOf(one),
    )
    return excepted ? [] : [`${place(one)}: import 'sessionbridge' would load ${nameOf(one)}`]
  })
}

/** Two owners of a lazily required package are two places to look when it changes. */
export const requireHasOneOwner: Rule = (tree) => {
  const owners = new Map<string, Set<string>>()
  for (const one of importsOf(tree)) {
    if (one.kind !== 'lazy' || !isOurs(one.file) || !usesCreateRequire(tree, one.file)) continue
    if (!isPackage(one, heavy)) continue
    owners.set(nameOf(one), (owners.get(nameOf(one)) ?? new Set()).add(one.file))
  }
  return [...owners].flatMap(([name, files]) =>
    files.size > 1 ? [`${name} is required by ${[...files].join(' and ')}: one file owns it`] : [],
  )
}

export const foldersHaveNoCycle: Rule = (tree) => {
  const edges = new Map<string, Set<string>>()
  for (const one of importsOf(tree)) {
    if (!(typeof one.target === 'object' && 'file' in one.target)) continue
    const [from, to] = [folderOf(one.file), folderOf(one.target.file)]
    if (from !== to) edges.set(from, (edges.get(from) ?? new Set()).add(to))
  }
  return [...edges.keys()].flatMap((start) => {
    const way = wayBack(start, edges)
    return way === undefined ? [] : [`folders import each other: ${way.join(' → ')}`]
  })
}

/** @param packageJson  what package.json declares: only that is there when a stranger installs us */
export const packagesAreDeclared =
  (declared: { readonly run: readonly string[]; readonly development: readonly string[] }): Rule =>
  (tree) =>
    importsOf(tree).flatMap((one) => {
      if (!(typeof one.target === 'object' && 'packageName' in one.target)) return []
      const name = nameOf(one)
      const shipped = isOurs(one.file) && !one.file.endsWith('.mjs')
      const there = [...declared.run, ...(shipped && one.kind !== 'type' ? [] : declared.development)]
      return there.includes(name) || name in undeclared
        ? []
        : [`${place(one)} imports ${name}, which package.json does not declare for it`]
    })

export const namesSayWhatIsInside: Rule = (tree) =>
  [...tree.keys()].flatMap((file) =>
    file.split('/').flatMap((part) => {
      const name = part.replace(/(\.[a-z]+)+$/, '')
      if (forbiddenNames.includes(name)) return [`${file}: ${name} says nothing about what is inside`]
      return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) ? [] : [`${file}: ${part} is not kebab-case`]
    }),
  )

export const filesAreShort: Rule = (tree) =>
  [...tree].flatMap(([file, text]) => {
    const lines = text.trimEnd().split('\n').length
    return lines > longestFile && !(file in tables)
      ? [`${file} has ${String(lines)} lines, more than ${String(longestFile)}`]
      : []
  })

export const exportsAreNamed: Rule = (tree) =>
  [...tree].flatMap(([file, text]) => {
    if (!isOurs(file)) return []
    return parse(file, text).statements.flatMap((statement) => {
      if (ts.isExportDeclaration(statement) && !isNamed(statement))
        return [`${file} exports * from elsewhere`]
      if (ts.isExportAssignment(statement) || hasDefault(statement)) return [`${file} has a default export`]
      return []
    })
  })

const isNamed = ({ exportClause }: ts.ExportDeclaration): boolean =>
  exportClause !== undefined &&
  ts.isNamedExports(exportClause) &&
  exportClause.elements.every(({ name }) => name.text !== 'default')

const hasDefault = (statement: ts.Statement): boolean =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)

const nameOf = ({ target }: Import): string =>
  typeof target === 'object' && 'packageName' in target ? target.packageName : ''

const isPackage = (one: Import, names: readonly string[]): boolean => names.includes(nameOf(one))

const usesCreateRequire = (tree: Tree, file: string): boolean =>
  tree.get(file)?.includes('createRequire') === true

function reachedAtRunTime(entry: string, imports: readonly Import[]): ReadonlySet<string> {
  const reached = new Set([entry])
  for (const file of reached) {
    for (const one of imports) {
      if (one.file !== file || one.kind !== 'value') continue
      if (typeof one.target === 'object' && 'file' in one.target) reached.add(one.target.file)
    }
  }
  return reached
}

/** `src/http` of src/http/client.ts; a file directly under src or a door is a folder of its own. */
function folderOf(file: string): string {
  const parts = file.split('/')
  if (parts[0] !== 'src') return parts[0] ?? file
  return parts.length > 2 ? `src/${parts[1] ?? ''}` : `src/${basename(file)}`
}

/** The shortest way from a folder back to itself. */
function wayBack(start: string, edges: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const ways = [[start]]
  const seen = new Set<string>()
  for (const way of ways) {
    for (const next of edges.get(way.at(-1) ?? start) ?? []) {
      if (next === start) return [...way, next]
      if (seen.has(next)) continue
      seen.add(next)
      ways.push([...way, next])
    }
  }
  return undefined
}
