import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

import { aptCommand, aptInstall, isFile, mayUseApt, onPath } from './programs.mjs'
import { SetupProblem, readJson, root, runQuietly, step } from './steps.mjs'

const playwrightCli = join(root, 'node_modules/playwright/cli.js')

/** Remembers the browser that was found to start, so that the next run need not look and start it again. */
const memory = join(root, 'node_modules/.cache/sessionbridge/browser.json')

/** Where Playwright keeps its own Chromium, whether it is there or not. */
function playwrightsOwn() {
  try {
    /** @type {unknown} */
    const loaded = createRequire(import.meta.url)('playwright')
    return /** @type {typeof import('playwright')} */ (loaded).chromium.executablePath()
  } catch {
    return ''
  }
}

/** Chromium and Chrome where systems put them. */
function systemBrowsers() {
  const named = onPath(['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'])
  const { PROGRAMFILES, 'PROGRAMFILES(X86)': programFiles32, LOCALAPPDATA, HOME = '' } = process.env
  const usual = {
    darwin: ['/Applications', join(HOME, 'Applications')].flatMap((folder) => [
      `${folder}/Google Chrome.app/Contents/MacOS/Google Chrome`,
      `${folder}/Chromium.app/Contents/MacOS/Chromium`,
    ]),
    win32: [PROGRAMFILES, programFiles32, LOCALAPPDATA]
      .filter((folder) => folder !== undefined)
      .flatMap((folder) => [
        join(folder, 'Google/Chrome/Application/chrome.exe'),
        join(folder, 'Chromium/Application/chrome.exe'),
      ]),
  }
  const places = process.platform === 'darwin' || process.platform === 'win32' ? usual[process.platform] : []
  return [named, ...places].filter((path) => path !== undefined).filter(isFile)
}

/**
 * Whether it starts at all: a downloaded browser without its system libraries is a file, not a browser.
 *
 * @param {string} path
 */
async function starts(path) {
  if (!isFile(path)) return false
  // On Windows --version opens a window instead of answering.
  if (process.platform === 'win32') return true
  const { code } = await runQuietly(path, ['--version'], { limit: 20_000 })
  return code === 0
}

/** @param {readonly string[]} paths */
async function firstThatStarts(paths) {
  for (const path of paths) if (await starts(path)) return path
  return undefined
}

/** A browser that is here now and starts. @returns {Promise<string | undefined>} */
export async function findBrowser() {
  return recall() ?? remember(await firstThatStarts([playwrightsOwn(), ...systemBrowsers()]))
}

/** @param {string} path */
const stamp = (path) => {
  const { mtimeMs, size } = statSync(path)
  return `${String(mtimeMs)} ${String(size)}`
}

function recall() {
  const remembered = /** @type {{ path: string, seen: string } | undefined} */ (readJson(memory))
  if (remembered === undefined || !isFile(remembered.path)) return undefined
  return stamp(remembered.path) === remembered.seen ? remembered.path : undefined
}

/** @param {string | undefined} path */
function remember(path) {
  if (path === undefined) return undefined
  mkdirSync(join(memory, '..'), { recursive: true })
  writeFileSync(memory, JSON.stringify({ path, seen: stamp(path) }))
  return path
}

async function download() {
  return step('Downloading a browser (npx playwright install chromium)', async () => {
    const { code, timedOut } = await runQuietly(
      process.execPath,
      [playwrightCli, 'install', 'chromium', '--no-shell'],
      // Without a way out of this network the download server is only silent.
      { silence: 60_000, env: { ...process.env, PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: '10000' } },
    )
    if (code === 0) return { value: true }
    return { word: timedOut ? 'no answer' : 'not possible here', value: false }
  })
}

/** A browser that Playwright has downloaded may still lack the system's libraries. */
async function installLibraries() {
  return step("Installing the browser's system libraries (playwright install-deps)", async () => {
    const { code } = await runQuietly(process.execPath, [playwrightCli, 'install-deps', 'chromium'])
    return { word: code === 0 ? 'done' : 'did not work', value: code === 0 }
  })
}

/**
 * Finds a browser, or gets one: the user's own choice, Playwright's, the system's, a download, Debian's package.
 *
 * @returns {Promise<string>} its executable
 */
export async function prepareBrowser() {
  const chosen = process.env.SESSIONBRIDGE_BROWSER
  if (chosen !== undefined && chosen !== '') {
    if (isFile(chosen)) return chosen
    throw new SetupProblem(
      `SESSIONBRIDGE_BROWSER says ${chosen}, but there is no such file. Correct it, or unset it to let us look.`,
    )
  }
  const here = await findBrowser()
  if (here !== undefined) return here

  if (await download()) {
    const own = playwrightsOwn()
    if (!(await starts(own)) && mayUseApt()) await installLibraries()
  }
  const downloaded = await findBrowser()
  if (downloaded !== undefined) return downloaded

  const packaged = mayUseApt() && (await aptInstall('chromium')) ? await findBrowser() : undefined
  if (packaged !== undefined) return packaged

  throw new SetupProblem(
    `No Chromium or Chrome was found, and none could be installed from here. Run:\n\n    ${browserCommand()}\n\n` +
      'and start again; or set SESSIONBRIDGE_BROWSER to the executable of a Chromium or Chrome.',
  )
}

function browserCommand() {
  if (existsSync(playwrightsOwn())) return 'sudo npx playwright install-deps chromium'
  if (process.platform === 'linux' && existsSync('/etc/debian_version')) {
    return aptCommand('chromium')
  }
  return 'npx playwright install chromium'
}
