import { join } from 'node:path'

import { root } from './steps.mjs'

/** What a package of ours is entered by; each keeps its path in dist. */
const entries = ['src/index', 'fixtures/index', 'scripts/sessionbridge', 'scripts/login-capture']

/**
 * Puts the compiled modules behind each entry into a few files: Node takes about half a millisecond to find and link
 * each module, and a hundred and fifty of them cost as much as Node's own start (docs/decisions/0004-bundle.md). What
 * the library needs at once is one file, however it is shared; what is imported at first use stays a file of its own;
 * packages stay outside; nothing is renamed or minified, so that stack traces can be read, and functions that run in
 * pages are sent as they were written.
 *
 * @param {string} folder with the compiled modules, and for the bundle
 */
export async function bundle(folder) {
  const { rolldown } = await import('rolldown')
  const compiled = (/** @type {string} */ entry) => join(folder, `${entry}.js`)
  const core = staticallyBehind(compiled('src/index'))
  const made = await rolldown({
    cwd: root,
    input: Object.fromEntries(entries.map((entry) => [entry, compiled(entry)])),
    external: (id) => !id.startsWith('.') && !id.startsWith(root),
    platform: 'node',
    logLevel: 'silent',
    plugins: [core.plugin, { name: 'builtins-at-hand', renderChunk: builtinsAtHand }],
  })
  try {
    await made.write({
      dir: folder,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name]-[hash].js',
      codeSplitting: { groups: [{ name: 'core', test: core.has }] },
      minify: false,
    })
  } finally {
    await made.close()
  }
}

/**
 * The modules that importing `entry` loads. Known when all are parsed, which is before chunks are made.
 *
 * @param {string} entry
 */
function staticallyBehind(entry) {
  /** @type {Map<string, readonly string[]>} */
  const imports = new Map()
  /** @type {Set<string> | undefined} */
  let found
  const visit = (/** @type {string} */ id) => {
    if (found?.has(id) === true) return
    found?.add(id)
    imports.get(id)?.forEach(visit)
  }
  const plugin = {
    name: 'statically-behind',
    moduleParsed(/** @type {{ id: string, importedIds: readonly string[] }} */ { id, importedIds }) {
      imports.set(id, importedIds)
    },
  }
  const has = (/** @type {string} */ id) => {
    if (found === undefined) {
      found = new Set()
      visit(entry)
    }
    return found.has(id)
  }
  return { plugin, has }
}

/**
 * Named imports of Node's own modules become a look into them. An `import` makes a module object of all their exports
 * and for that reads each, among them those that Node would load at first use (web crypto, file streams, MIME types,
 * argument parsing): 4 to 7 ms of processor time that nobody needs.
 *
 * @param {string} code as rolldown writes it: imports first, one a line
 */
function builtinsAtHand(code) {
  const head = /^(?:import [^\n]*;\n)*/.exec(code)?.[0] ?? ''
  const looks = head.replace(
    /^import \{([^}]*)\} from "(node:[\w/]+)";$/gm,
    (_, /** @type {string} */ names, /** @type {string} */ id) =>
      `const {${names.replaceAll(' as ', ': ')}} = process.getBuiltinModule("${id}");`,
  )
  return { code: looks + code.slice(head.length) }
}
