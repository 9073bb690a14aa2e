import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import ts from 'typescript'

const project = join(import.meta.dirname, '../..')

/**
 * Writes the stores and the workers as plain JavaScript to a folder of its own, laid out as the project is, so that a
 * worker process starts in 60 ms instead of the second that a TypeScript loader takes: the kill test needs hundreds.
 */
export function compileStores(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'sessionbridge-stores-'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const stores = readdirSync(join(project, 'src/store'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join('src/store', file))
  const workers = [
    'store-worker.ts',
    'saving-worker.ts',
    'payload.ts',
    'sealed-name.ts',
    'faulty-disk.ts',
  ].map((file) => join('test/conformance', file))
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules')) // for drivers such as ioredis
  for (const file of ['src/errors.ts', 'src/error-codes.ts', ...stores, ...workers]) {
    const target = join(folder, file.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, toJavaScript(readFileSync(join(project, file), 'utf8')))
  }
  return {
    folder,
    remove() {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function toJavaScript(source: string): string {
  const compilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2023,
    rewriteRelativeImportExtensions: true,
    verbatimModuleSyntax: true,
  }
  return ts.transpileModule(source, { compilerOptions }).outputText
}
