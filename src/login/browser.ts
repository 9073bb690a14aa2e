import type { Browser, LaunchOptions } from 'playwright'
import { BrowserMissingError } from '../errors.ts'
import { silentLogger, type Logger } from '../observe/events.ts'
import { findBrowser } from './find-browser.ts'
import { Scrubber } from './scrub.ts'

export interface BrowserOptions {
  /** A browser of yours: used and left open. The other options then have no meaning. */
  readonly browser?: Browser
  /** Default: `SESSIONBRIDGE_BROWSER`, then Playwright's own Chromium, then the system's. */
  readonly executablePath?: string
  /** Default true; false where a person signs in. */
  readonly headless?: boolean
  /** Further arguments for the browser. They are visible to other users of the machine: no secrets. */
  readonly args?: readonly string[]
}

export interface OpenedBrowser {
  readonly browser: Browser
  /** Closes what was launched here; leaves a borrowed browser open. */
  close(): Promise<void>
}

/** Launches a browser, or borrows the one given. Throws `BrowserMissingError` when there is none or it does not start. */
export async function openBrowser(
  options: BrowserOptions = {},
  logger: Logger = silentLogger,
): Promise<OpenedBrowser> {
  if (options.browser !== undefined) return { browser: options.browser, close: () => Promise.resolve() }
  const executablePath = options.executablePath ?? (await findBrowser()).executablePath
  const browser = await launch(
    {
      executablePath,
      headless: options.headless ?? true,
      args: [...(options.args ?? [])],
      env: browserEnvironment(process.env),
      // Root cannot have Chromium's sandbox. For everyone else Playwright's default is none, which would run the
      // login page's code with all rights of the user.
      chromiumSandbox: process.getuid?.() !== 0,
      // Signals belong to the application.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    },
    logger,
  )
  return { browser, close: () => browser.close() }
}

async function launch(options: LaunchOptions, logger: Logger): Promise<Browser> {
  const { chromium } = await import('playwright')
  try {
    return await chromium.launch(options)
  } catch (error) {
    const reason = new Scrubber().error(error)
    if (options.chromiumSandbox === true && /sandbox/i.test(reason.message)) {
      // Many containers and newer Ubuntu hosts forbid the user namespaces that it needs.
      logger.warn(
        { browser: options.executablePath },
        'this machine does not allow a browser sandbox: going on without',
      )
      return launch({ ...options, chromiumSandbox: false }, logger)
    }
    throw new BrowserMissingError([`${options.executablePath ?? 'the browser'} (did not start)`], {
      cause: reason,
    })
  }
}

// What a browser needs of its surroundings. The rest (keys, passwords, cloud credentials) is readable by whatever
// breaks into the browser, and in /proc/<pid>/environ by every process of the user.
const needed = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'TMP', 'TEMP'],
  ...[
    'DISPLAY',
    'WAYLAND_DISPLAY',
    'XAUTHORITY',
    'DBUS_SESSION_BUS_ADDRESS',
    'FONTCONFIG_PATH',
    'FONTCONFIG_FILE',
  ],
  ...['SYSTEMROOT', 'WINDIR', 'COMSPEC', 'PATHEXT', 'APPDATA', 'LOCALAPPDATA', 'USERPROFILE', 'PROGRAMDATA'],
  ...[
    'PROGRAMFILES',
    'PROGRAMFILES(X86)',
    'HOMEDRIVE',
    'HOMEPATH',
    'NUMBER_OF_PROCESSORS',
    'PROCESSOR_ARCHITECTURE',
  ],
])

export function browserEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const clean: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    const upper = name.toUpperCase()
    if (value !== undefined && (needed.has(upper) || upper.startsWith('XDG_') || upper.startsWith('LC_'))) {
      clean[name] = value
    }
  }
  return clean
}
