import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromiumPath } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { compiledScripts, runNode, type Ended, type RunOptions } from './terminal.ts'

/** The compiled command, a shop, and an empty home folder to run it in. */
export interface CommandLine extends AsyncDisposable {
  readonly shop: Shop
  /** A folder of this test's own. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  /** Options with which the command finds the shop: `--resolve`, `--cacert`. */
  readonly network: readonly string[]
  /** The same, and what the browser needs to trust the shop. */
  readonly browser: readonly string[]
  /** All that the command has printed up to now, except where secrets were asked for. */
  readonly printed: readonly string[]
  run(
    args: readonly string[],
    options?: Partial<RunOptions> & { readonly secretResult?: boolean },
  ): Promise<Ended>
  write(name: string, text: string, mode?: number): Promise<string>
}

export async function openCommandLine(script = 'sessionbridge.js'): Promise<CommandLine> {
  const [shop, scripts, folder] = await Promise.all([
    startShop(),
    compiledScripts(),
    mkdtemp(join(tmpdir(), 'sessionbridge-command-')),
  ])
  const write = async (name: string, text: string, mode = 0o600): Promise<string> => {
    await writeFile(join(folder, name), text, { mode })
    return join(folder, name)
  }
  const ca = await write('ca.pem', shop.ca)
  const network = ['--resolve', '*.test:127.0.0.1', '--cacert', ca]
  const printed: string[] = []
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    TMPDIR: folder,
    SESSIONBRIDGE_BROWSER: await chromiumPath(),
    ...secretsOf(shop),
  }
  return {
    shop,
    folder,
    env,
    network,
    browser: [...network, ...shop.browserArgs.flatMap((arg) => ['--browser-arg', arg])],
    printed,
    write,
    async run(args, options = {}) {
      const ended = await runNode([join(scripts, script), ...args], {
        cwd: folder,
        ...options,
        env: { ...env, ...options.env },
      })
      printed.push(ended.stderr, ...(options.secretResult === true ? [] : [ended.stdout]))
      return ended
    },
    async [Symbol.asyncDispose]() {
      await shop.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Environment variables in which a recipe named `shop` finds its secrets. */
export function secretsOf(shop: Pick<Shop, 'accounts'>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(shop.accounts).flatMap(([name, { email, password }]) => [
      [`SESSIONBRIDGE_SHOP_${name.toUpperCase()}_EMAIL`, email],
      [`SESSIONBRIDGE_SHOP_${name.toUpperCase()}_PASSWORD`, password],
    ]),
  )
}

export function yamlRecipe(url: string): string {
  return `name: shop
url: ${url}
login:
  - fill: { label: Email, secret: email }
  - fill: { label: Password, secret: password }
  - click: { button: Sign in }
`
}

export function tsRecipe(url: string): string {
  return `import { defineRecipe } from 'sessionbridge'
const site: string = ${JSON.stringify(url)}
export default defineRecipe({
  name: 'shop',
  url: site,
  async login(page, { secret }): Promise<void> {
    await page.getByLabel('Email').fill(await secret('email'))
    await page.getByLabel('Password').fill(await secret('password'))
    await page.getByRole('button', { name: 'Sign in' }).click()
  },
})
`
}

export function jsRecipe(url: string): string {
  return `export const shop = {
  name: 'shop',
  url: ${JSON.stringify(url)},
  login: async (page, { secret }) => {
    await page.getByLabel('Email').fill(await secret('email'))
    await page.getByLabel('Password').fill(await secret('password'))
    await page.keyboard.press('Enter')
  },
}
`
}
