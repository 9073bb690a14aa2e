import type { BrowserContextOptions } from 'playwright'
import { createVault, fileStore } from '../../src/index.ts'
import { chromiumPath } from '../site/chromium.ts'

/**
 * The process that `pages.ts` measures from its start to its end: opens the stored session and reads pages that need it.
 * Arguments: client, store folder, number of pages, how many at once, and the origin of the server; the key comes from the
 * environment. Prints the milliseconds that the pages took without all that was before them.
 */
const [client = '', folder = '', pages = '', width = '', origin = ''] = process.argv.slice(2)
const vault = createVault({
  store: fileStore(folder),
  key: process.env['SESSIONBRIDGE_KEY'] ?? '',
  ...(client === 'goto' && { browser: { executablePath: await chromiumPath() } }),
})
const urls = Array.from({ length: Number(pages) }, (_, n) => `${origin}/orders/${String(n + 1)}`)
const session = await vault.open({ name: 'bench', url: origin }, { account: 'alice', login: 'never' })

switch (client) {
  case 'http':
    print(await readAll((url) => session.http(url).text()))
    break
  case 'fetch':
    print(await readAll(async (url) => (await session.fetch(url)).text()))
    break
  case 'context.request':
    print(await byContextRequest())
    break
  case 'request.newContext':
    print(await byRequestContext())
    break
  case 'goto':
    print(
      await session.browse(async (page) => {
        await page.goto(urls[0] ?? '')
        return readAll(async (url) => {
          await page.goto(url)
          return page.content()
        })
      }),
    )
}
await session.close()
process.exit(0)

async function readAll(read: (url: string) => Promise<string>): Promise<number> {
  const begun = performance.now()
  let next = 0
  const worker = async (): Promise<void> => {
    for (let url = urls[next++]; url !== undefined; url = urls[next++])
      if (!(await read(url)).includes('data-order=')) throw new Error('not a page of orders')
  }
  await Promise.all(Array.from({ length: Number(width) }, worker))
  return performance.now() - begun
}

/** Playwright's own client with the session's cookies, which is what a script without this library would use. */
async function byContextRequest(): Promise<number> {
  const { chromium } = await import('playwright')
  const browser = await chromium.launch({ executablePath: await chromiumPath(), chromiumSandbox: false })
  const context = await browser.newContext({ storageState: storageState() })
  const taken = await readAll(async (url) => (await context.request.get(url)).text())
  await browser.close()
  return taken
}

/** The same client without a browser: it cannot tell what a browser would send, but is there sooner. */
async function byRequestContext(): Promise<number> {
  const { request } = await import('playwright')
  const context = await request.newContext({ storageState: storageState() })
  const taken = await readAll(async (url) => (await context.get(url)).text())
  await context.dispose()
  return taken
}

function storageState(): Extract<BrowserContextOptions['storageState'], object> {
  return { cookies: session.state.cookies.map((cookie) => ({ sameSite: 'Lax', ...cookie })), origins: [] }
}

function print(ms: number): void {
  process.stdout.write(`${ms.toFixed(1)}\n`)
}
