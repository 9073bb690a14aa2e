import { join } from 'node:path'

import { root } from './steps.mjs'

/** What a package of ours is entered by; each keeps its path in dist. */
const entries = ['src/index', 'fixtures/index', 'scripts/sessionbridge', 'scripts/login-capture']

/**
 * Puts the compiled modules behind each entry into a few files: Node takes about half a millisecond to find and link
 * each module, and a hundred and fifty of them cost as much as Node's own start (docs/decisions/0004-bundle.md). What is
 * imported at first use stays a file of its own; packages stay outside; nothing is renamed or minified, so that
 * stack traces can be read, and functions that run in pages are sent as they were written.
 */
export async function bundle() {
  const { rolldown } = await import('rolldown')
  const made = await rolldown({
    cwd: root,
    input: Object.fromEntries(entries.map((entry) => [entry, join(root, 'dist', `${entry}.js`)])),
    external: (id) => !id.startsWith('.') && !id.startsWith(root),
    platform: 'node',
    logLevel: 'silent',
  })
  try {
    await made.write({
      dir: join(root, 'dist'),
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name]-[hash].js',
      minify: false,
    })
  } finally {
    await made.close()
  }
}
