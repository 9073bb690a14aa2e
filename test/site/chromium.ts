import { existsSync } from 'node:fs'
import type { Browser } from 'playwright'
import type { ShopAddress } from './address.ts'

const quietArgs = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-quic',
]

const systemBrowsers = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
]

export interface ChromiumOptions {
  readonly args?: readonly string[]
  /** Default true. */
  readonly headless?: boolean
}

/** Real Chromium that knows the shop's host names and trusts its certificates, and reaches nothing else. */
export async function launchChromium(shop: ShopAddress, options: ChromiumOptions = {}): Promise<Browser> {
  const { chromium } = await import('playwright')
  return chromium.launch({
    executablePath: await chromiumPath(),
    headless: options.headless ?? true,
    chromiumSandbox: false,
    args: [...quietArgs, ...shop.browserArgs, ...(options.args ?? [])],
  })
}

/** `SESSIONBRIDGE_BROWSER`, else Playwright's own Chromium where it is installed, else the system's. */
export async function chromiumPath(): Promise<string> {
  const { chromium } = await import('playwright')
  const named = process.env.SESSIONBRIDGE_BROWSER
  const found = [...(named ? [named] : []), chromium.executablePath(), ...systemBrowsers].find(existsSync)
  if (found === undefined) throw new Error('No Chromium found; set SESSIONBRIDGE_BROWSER to an executable')
  return found
}
