import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { BrowserMissingError } from '../errors.ts'

export interface FoundBrowser {
  readonly executablePath: string
  readonly from: 'SESSIONBRIDGE_BROWSER' | 'playwright' | 'system'
}

const commands = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge']

/**
 * The browser that logins run in: `SESSIONBRIDGE_BROWSER`, then Playwright's own Chromium, then the system's. Throws
 * `BrowserMissingError` with the places looked at; a `SESSIONBRIDGE_BROWSER` that leads nowhere is never passed over.
 */
export async function findBrowser(): Promise<FoundBrowser> {
  const chosen = process.env['SESSIONBRIDGE_BROWSER']
  if (chosen !== undefined && chosen !== '') {
    if (await isExecutable(chosen)) return { executablePath: chosen, from: 'SESSIONBRIDGE_BROWSER' }
    throw new BrowserMissingError([`SESSIONBRIDGE_BROWSER (no executable at ${chosen})`])
  }
  const { chromium } = await import('playwright')
  const own = chromium.executablePath()
  if (own !== '' && (await isExecutable(own))) return { executablePath: own, from: 'playwright' }
  const system = systemPlaces()
  for (const executablePath of system) {
    if (await isExecutable(executablePath)) return { executablePath, from: 'system' }
  }
  throw new BrowserMissingError([
    'SESSIONBRIDGE_BROWSER (not set)',
    `Playwright's own (${own === '' ? 'none for this platform' : own})`,
    `${commands.join(', ')} ${process.platform === 'linux' ? 'on the PATH' : 'in the usual places'}`,
  ])
}

function systemPlaces(): string[] {
  if (process.platform === 'darwin') {
    return ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
      (app) => `/Applications/${app}.app/Contents/MacOS/${app}`,
    )
  }
  if (process.platform === 'win32') {
    const roots = ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap(
      (name) => process.env[name] ?? [],
    )
    const programs = ['Google\\Chrome\\Application\\chrome.exe', 'Microsoft\\Edge\\Application\\msedge.exe']
    return programs.flatMap((program) => roots.map((root) => join(root, program)))
  }
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return commands.flatMap((command) => folders.map((folder) => join(folder, command)))
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
