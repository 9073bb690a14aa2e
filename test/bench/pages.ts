import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import {
  createVault,
  defineRecipe,
  fileStore,
  generateKey,
  type Recipe,
  type Vault,
} from '../../src/index.ts'
import { shopAt, type ShopAddress, type ShopFront } from '../site/address.ts'
import { chromiumPath } from '../site/chromium.ts'

/** Pages that the browser opens in a round; its time is scaled up, since a thousand would take minutes. */
const browserPages = 40
const pages = 1_000
const rounds = 3
const atOnce = 16

export interface PageFigures {
  /** How many times faster than the browser. */
  readonly http: number
  readonly fetch: number
}

/**
 * 1,000 pages that need the login: opening the stored session included, in a process that has run before. The browser
 * goes through the same pages signed in, one after the other, as a scraper with a page does.
 */
export async function benchPages(write: (line: string) => void = console.log): Promise<PageFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'sessionbridge-bench-'))
  const { server, shop } = await startShopProcess()
  try {
    const vault = createVault({
      store: fileStore(folder),
      key: generateKey(),
      http: { lookup: shop.lookup, ca: shop.ca },
      browser: { executablePath: await chromiumPath(), args: [...shop.browserArgs] },
      secrets: { ...shop.accounts.alice },
    })
    const recipe = shopRecipe(shop)
    await (await vault.open(recipe, { account: 'alice' })).close()
    const contenders = contendersOf(vault, recipe, shop)
    const times = new Map(contenders.map(({ name }) => [name, [] as number[]]))
    for (let round = 0; round < rounds; round++) {
      for (const { name, run } of contenders) times.get(name)?.push(await run())
    }
    const browser = median(times.get('browser page.goto') ?? [])
    for (const [name, taken] of times) {
      const ratio = (browser / median(taken)).toFixed(1)
      write(
        `  ${name.padEnd(40)} ${median(taken).toFixed(0).padStart(7)} ms ${ratio.padStart(7)} times the browser`,
      )
    }
    const ratioOf = (name: string): number => browser / median(times.get(name) ?? [])
    return {
      http: ratioOf(`session.http, ${String(atOnce)} at once`),
      fetch: ratioOf(`session.fetch, ${String(atOnce)} at once`),
    }
  } finally {
    server.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Contender {
  readonly name: string
  /** Milliseconds for all the pages. */
  readonly run: () => Promise<number>
}

function contendersOf(vault: Vault, recipe: Recipe, shop: ShopFront): Contender[] {
  const urlOf = (page: number): string => shop.url('shop.test', `/orders/${String(page)}`)
  const overHttp = (client: 'http' | 'fetch', width: number): Contender => ({
    name: `session.${client}, ${width === 1 ? 'one by one' : `${String(width)} at once`}`,
    async run() {
      const start = performance.now()
      await using session = await vault.open(recipe, { account: 'alice', login: 'never' })
      let next = 1
      const worker = async (): Promise<void> => {
        while (next <= pages) {
          const url = urlOf(next++)
          const html =
            client === 'http' ? await session.http(url).text() : await (await session.fetch(url)).text()
          if (!html.includes('data-order=')) throw new Error('not a page of orders')
        }
      }
      await Promise.all(Array.from({ length: width }, worker))
      return performance.now() - start
    },
  })
  return [
    {
      name: 'browser page.goto',
      async run() {
        await using session = await vault.open(recipe, { account: 'alice', login: 'never' })
        return await session.browse(async (page) => {
          await page.goto(urlOf(1))
          const start = performance.now()
          for (let n = 1; n <= browserPages; n++) await page.goto(urlOf(n))
          return ((performance.now() - start) * pages) / browserPages
        })
      },
    },
    overHttp('http', 1),
    overHttp('http', atOnce),
    overHttp('fetch', 1),
    overHttp('fetch', atOnce),
  ]
}

async function startShopProcess(): Promise<{ server: ChildProcess; shop: ShopFront }> {
  const script = fileURLToPath(new URL(`../site/serve${extname(import.meta.filename)}`, import.meta.url))
  const server = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: server.stdout })) {
    return { server, shop: shopAt(JSON.parse(line) as ShopAddress) }
  }
  throw new Error('the shop did not start')
}

function shopRecipe(shop: ShopFront): Recipe {
  return defineRecipe({
    name: 'shop',
    url: shop.url('shop.test', '/login'),
    async login(page, { secret }) {
      await page.getByLabel('Email').fill(await secret('email'))
      await page.getByLabel('Password').fill(await secret('password'))
      await page.getByRole('button', { name: 'Sign in' }).click()
    },
  })
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
