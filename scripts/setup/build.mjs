import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

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
const marker = join(dist, '.built-from')

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

/** What was compiled from a source that is gone would still be importable, and be packed. @param {readonly string[]} paths */
function removeOrphans(paths) {
  const made = new Set(paths.map((path) => path.slice(0, -'.ts'.length)))
  for (const path of filesUnder('dist', '')) {
    const name = relative('dist', path).split(sep).join('/')
    const source = /^(.*?)(?:\.d\.ts|\.js\.map|\.js)$/.exec(name)?.[1]
    if (source !== undefined && !made.has(source)) rmSync(join(root, path))
  }
}

/** Whether dist was compiled from exactly these sources. */
const isBuilt = () => existsSync(marker) && readFileSync(marker, 'utf8') === fingerprint(sources())

/** Compiles to dist and bundles, if it has to be. @returns {Promise<import('./steps.mjs').Outcome>} */
export async function build() {
  if (isBuilt()) return { code: 0, output: '', timedOut: false }
  const paths = sources()
  const wanted = fingerprint(paths)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const outcome = await runQuietly(process.execPath, [tsc, '-p', 'tsconfig.build.json'])
  if (outcome.code === 0) {
    removeOrphans(paths)
    await bundle()
    mkdirSync(dist, { recursive: true })
    writeFileSync(marker, wanted)
  }
  return outcome
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
