import type { IncomingMessage } from 'node:http'
import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVault, generateKey, memoryStore, type Logger, type Vault } from '../../src/index.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { passwordRecipe } from './recipes.ts'

let shop: Shop
let browser: Browser
let warnings: Record<string, unknown>[]

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
})

afterAll(async () => {
  await browser.close()
  await shop.close()
})

/** A site whose session cookie has the name `carrier`, and that has trackers of the usual names besides. */
function site(path: string, carrier: string): void {
  const has = (req: IncomingMessage, pair: string): boolean => req.headers.cookie?.includes(pair) === true
  const signedIn = (req: IncomingMessage): boolean => has(req, `${carrier}=${shop.canary}`)
  shop.on('shop.test', path, (req, res) => {
    res.setHeader('content-type', 'text/html').end(
      `<!doctype html>${
        signedIn(req)
          ? `<p>Welcome</p><script>
            document.cookie = '_fbp=fb.1.1; Path=/'
            localStorage.setItem('ajs_anonymous_id', 'x')
            fetch('${path}/me')
          </script>`
          : `<label>Email <input></label><label>Password <input type=password></label><button>Sign in</button><script>
            document.querySelector('button').onclick = async () => {
              await fetch('${path}/submit', { method: 'POST' })
              location.reload()
            }</script>`
      }`,
    )
  })
  shop.on('shop.test', `${path}/submit`, (_, res) => {
    res.setHeader('set-cookie', `${carrier}=${shop.canary}; Path=/; Secure; HttpOnly`).end()
  })
  shop.on('shop.test', `${path}/me`, (req, res) => {
    res.writeHead(signedIn(req) ? 200 : 401, { 'content-type': 'application/json' }).end('{}')
  })
}

function vaultAt(): Vault {
  const ignore = (): void => undefined
  const logger: Logger = {
    debug: ignore,
    info: ignore,
    warn: (facts, message) => {
      warnings.push({ ...facts, message })
    },
  }
  warnings = []
  return createVault({
    store: memoryStore(),
    key: generateKey(),
    browser: { browser },
    http: { lookup: shop.lookup, ca: shop.ca },
    secrets: { ...shop.accounts.alice },
    logger,
  })
}

const dropped = (report: readonly { name: string; reason: string }[]): string[] =>
  report.map(({ name, reason }) => `${name} ${reason}`).sort()

describe('a site whose session cookie is named like a tracker', () => {
  test('is signed in all the same: the cut is undone, reported and remembered', async () => {
    site('/masked', '_ga')
    const vault = vaultAt()
    const recipe = passwordRecipe(shop, { url: shop.url('shop.test', '/masked') })
    {
      await using session = await vault.open(recipe)
      expect(await session.check()).toBe('alive')
      expect(session.state.cookies.map(({ name }) => name).sort()).toEqual(['_fbp', '_ga'])
      expect(dropped(session.dropped)).toEqual(['_fbp put-back', '_ga put-back', 'ajs_anonymous_id put-back'])
      expect(session.dropped.find(({ name }) => name === '_ga')?.rule).toContain('Google Analytics')
      expect(warnings).toMatchObject([
        { message: expect.stringContaining('put back') as string, session: 'shop/default' },
      ])
      expect(JSON.stringify(warnings)).toContain('"_ga"')
      expect(JSON.stringify([warnings, session.dropped])).not.toContain(shop.canary)
    }
    // A visit passes the gate again: what was put back once is not cut there.
    await using again = await vault.open(recipe, { login: 'never' })
    expect(dropped(again.dropped)).toContain('_ga put-back')
    await again.browse(async (page) => {
      await page.goto(shop.url('shop.test', '/masked'))
      await page.getByText('Welcome').waitFor()
    })
    expect(await again.check()).toBe('alive')
    // And the smallest state is that cookie alone.
    expect((await again.minimize()).state.cookies.map(({ name }) => name)).toEqual(['_ga'])
  })

  test('is told from one that only has trackers: there the cut stays', async () => {
    site('/plain', 'sid')
    const recipe = passwordRecipe(shop, { url: shop.url('shop.test', '/plain') })
    await using session = await vaultAt().open(recipe)
    expect(session.state.cookies.map(({ name }) => name)).toEqual(['sid'])
    expect(dropped(session.dropped)).toEqual(['_fbp tracker', 'ajs_anonymous_id tracker'])
    expect(warnings).toEqual([])
  })

  test('is protected from the first by a name in the recipe, and then nothing has to be undone', async () => {
    site('/named', '_ga_session')
    const recipe = passwordRecipe(shop, { url: shop.url('shop.test', '/named'), protect: ['_ga_sess*'] })
    await using session = await vaultAt().open(recipe)
    expect(session.state.cookies.map(({ name }) => name)).toEqual(['_ga_session'])
    expect(dropped(session.dropped)).toEqual(['_fbp tracker', 'ajs_anonymous_id tracker'])
    expect(warnings).toEqual([])
  })

  test('and one that lives by a cookie of a site where no page has stood: that comes back too', async () => {
    site('/outside', 'sid')
    const probe = shop.url('api.elsewhere.test', '/me')
    shop.on('api.elsewhere.test', '/me', (req, res) => {
      const isIn = req.headers.cookie === `outside=${shop.canary}`
      res.writeHead(isIn ? 200 : 401, { 'content-type': 'application/json' }).end('{}')
    })
    const inside = passwordRecipe(shop, { url: shop.url('shop.test', '/outside'), probe })
    await using session = await vaultAt().open({
      ...inside,
      async login(page, tools) {
        const cookie = { name: 'outside', value: shop.canary, domain: 'api.elsewhere.test', path: '/' }
        await tools.context.addCookies([{ ...cookie, secure: true, sameSite: 'None' }])
        await inside.login?.(page, tools)
      },
    })
    expect(await session.check()).toBe('alive')
    const back = session.dropped.find(({ name }) => name === 'outside')
    expect(back).toMatchObject({ reason: 'put-back', where: 'api.elsewhere.test/' })
    expect(back?.rule).toContain('no page of the login stood on elsewhere.test, only on shop.test')
    expect(JSON.stringify([warnings, session.dropped])).not.toContain(shop.canary)
  })
})
