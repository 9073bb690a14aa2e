import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, sep } from 'node:path'

import { bundle } from './bundle.mjs'
import { SetupProblem, root, runQuietly, step, tail } from './steps.mjs'

/** What tsconfig.build.json compiles. */
const sourceFolders = ['src', 'fixtures', 'scripts', 'examples', 'test/site', 'test/bench', 'test/session']
const configuration = [
  'scripts/setup/bundle.mjs',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
]
const dist = join(root, 'dist')
const marker = '.built-from'

/** @param {string} folder @param {string} ending @returns {string[]} paths from the root, with slashes, sorted */
function filesUnder(folder, ending) {
  const whole = join(root, folder)
  if (!existsSync(whole)) return []
  return readdirSync(whole, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => `${folder}/${path.split(sep).join('/')}`)
    .sort()
}

const sources = () => sourceFolders.flatMap((folder) => filesUnder(folder, '.ts'))

/** By content, not by date: a checkout or a copy changes dates and nothing else. @param {readonly string[]} paths */
function fingerprint(paths) {
  const hash = createHash('sha256')
  for (const path of [...configuration, ...paths]) {
    hash.update(`\0${path}\0`)
    hash.update(readFileSync(join(root, path)))
  }
  return hash.digest('hex')
}

/** Whether dist was compiled from exactly these sources. */
function isBuilt() {
  const made = join(dist, marker)
  return existsSync(made) && readFileSync(made, 'utf8') === fingerprint(sources())
}

/**
 * Compiles to dist and bundles, if it has to be. All is made in a folder beside it and put there whole: what two builds
 * at once would mix, and what was compiled from a source that is gone, would still be importable, and be packed.
 *
 * @returns {Promise<import('./steps.mjs').Outcome>}
 */
export async function build() {
  if (isBuilt()) return { code: 0, output: '', timedOut: false }
  const wanted = fingerprint(sources())
  const draft = join(root, `.dist-${String(process.pid)}`)
  rmSync(draft, { recursive: true, force: true })
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const outcome = await runQuietly(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', draft])
    if (outcome.code === 0) {
      await bundle(draft)
      writeFileSync(join(draft, marker), wanted)
      putInPlace(draft)
    }
    return outcome
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** @param {string} draft */
function putInPlace(draft) {
  const old = `${draft}-old`
  try {
    if (existsSync(dist)) renameSync(dist, old)
    renameSync(draft, dist)
  } catch (error) {
    if (!isBuilt()) throw error // somebody else was faster, which is as good
  } finally {
    rmSync(old, { recursive: true, force: true })
  }
}

/** The same as a step of set-up: silent when there is nothing to do, fatal when it fails. */
export async function prepareBuild() {
  if (isBuilt()) return
  await step('Compiling', async () => {
    const { code, output } = await build()
    if (code !== 0) throw new SetupProblem(`The sources do not compile:\n${tail(output)}`)
    return { value: undefined }
  })
}
