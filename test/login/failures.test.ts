import { existsSync } from 'node:fs'
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LoginFailedError, SecretMissingError, SecretOriginError } from '../../src/errors.ts'
import type { Recipe } from '../../src/login/recipe.ts'
import { runLogin, type LoginOptions } from '../../src/login/run-login.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { atShop, passwordRecipe, ssoRecipe } from './recipes.ts'

let shop: Shop
let browser: Browser
let screenshots: string

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
  screenshots = await mkdtemp(join(tmpdir(), 'login-test-'))
})

afterAll(async () => {
  await browser.close()
  await shop.close()
  await rm(screenshots, { recursive: true })
})

/** Runs a login that must fail, in a borrowed browser, which must be left open and without contexts of ours. */
async function failing(
  recipe: Recipe,
  more: Partial<LoginOptions> = {},
): Promise<{ error: Error; took: number }> {
  const begun = performance.now()
  const outcome = await runLogin(
    recipe,
    await atShop(shop, { browser: { browser }, screenshots, ...more }),
  ).catch((error: unknown) => error)
  const took = performance.now() - begun
  if (!(outcome instanceof Error)) throw new Error('the login did not fail')
  expect(browser.isConnected()).toBe(true)
  expect(browser.contexts()).toEqual([])
  const printed =
    inspect(outcome, { depth: 20, showHidden: true }) + JSON.stringify(outcome) + String(outcome.stack)
  expect(printed).not.toContain(shop.canary)
  return { error: outcome, took }
}

const wrong = (): Partial<LoginOptions> => ({
  secrets: { email: shop.accounts.alice.email, password: `${shop.canary}-wrong` },
})

/** Whoever waited for the end of this time would wait beyond the end of the test. */
const patient: Partial<Recipe> = { timeout: 600_000 }

describe('a wrong password', () => {
  test('ends in seconds as a typed error with a private picture of the page', async () => {
    const { error } = await failing(passwordRecipe(shop, patient), wrong())
    expect(error).toBeInstanceOf(LoginFailedError)
    expect(error).toMatchObject({
      failure: 'rejected',
      session: 'shop/alice',
      url: shop.url('shop.test', '/login'),
    })
    const screenshot = (error instanceof LoginFailedError && error.screenshot) || 'none'
    expect((await stat(screenshot)).mode & 0o777).toBe(0o600)
    expect((await readFile(screenshot)).subarray(1, 4).toString()).toBe('PNG')
    expect(error.message).toContain(screenshot)
  })

  test('is seen in an ordinary form that comes back with 200', async () => {
    const { error } = await failing(ssoRecipe(shop, patient), wrong())
    expect(error).toMatchObject({ failure: 'rejected', url: shop.url('id.test', '/sign-in') })
  })

  test.each(['waits', 'throws'] as const)(
    'is seen while the recipe %s for its own sign of success',
    async (how) => {
      const recipe = passwordRecipe(shop, {
        ...patient,
        async login(page, tools) {
          const answered = page.waitForResponse('**/api/login')
          await passwordRecipe(shop).login?.(page, tools)
          await (await answered).finished()
          await page.getByRole('alert').waitFor()
          await page.waitForTimeout(1_500) // as long as it takes until the site's no counts
          if (how === 'throws') throw new Error('no sign of success')
          await page.getByTestId('status').waitFor({ timeout: 600_000 })
        },
      })
      const { error } = await failing(recipe, wrong())
      expect(error).toMatchObject({ failure: 'rejected' })
    },
  )
})

describe('secrets', () => {
  test('are in no error, whatever the recipe does with them', async () => {
    for (const login of [
      async (page, { secret }) => {
        await page.getByLabel('Password').evaluate((field) => {
          field.setAttribute('disabled', '')
        })
        await page.getByLabel('Password').fill(await secret('password'), { timeout: 300 })
      },
      async (page, { secret }) => {
        const password = await secret('password')
        await page.evaluate((value) => {
          document.body.innerHTML = `<input disabled value="${value}${value}${value}">`
        }, password)
        await page.locator('input').click({ timeout: 300 })
      },
      async (_, { secret }) => {
        throw new Error('mine', {
          cause: new AggregateError([await secret('password')], await secret('password')),
        })
      },
      async (_, { secret }) => {
        throw Object.assign(new SecretMissingError('x', [await secret('password')]), { hint: 1 })
      },
      async (page, { secret }) => {
        await page.goto(
          `${shop.url('shop.test', '/login')}?p=${encodeURIComponent(await secret('password'))}`,
        )
        await page.goto(`https://nowhere.example/?p=${await secret('password')}`)
      },
    ] satisfies Recipe['login'][]) {
      const { error } = await failing(passwordRecipe(shop, { login }))
      expect(error).toMatchObject({
        code: expect.stringMatching(/^(login-failed|secret-missing)$/) as string,
      })
    }
  })

  test('are typed into allowed origins only, even when a redirect comes in between', async () => {
    const received: string[] = []
    shop.on('phish.test', '/login', (req, res) => {
      received.push(req.url ?? '')
      res.setHeader('content-type', 'text/html').end('<label>Password <input type=password></label>')
    })
    const to = encodeURIComponent(shop.url('phish.test', '/login'))
    for (const path of [`/redirect?to=${to}`, '/sly']) {
      shop.on('shop.test', '/sly', (_, res) => {
        res
          .setHeader('content-type', 'text/html')
          .end(`<script>location = '${shop.url('phish.test', '/login')}'</script>`)
      })
      const recipe = passwordRecipe(shop, {
        url: shop.url('shop.test', path),
        async login(page, { secret }) {
          await page.getByLabel('Password').waitFor()
          await page.getByLabel('Password').fill(await secret('password'))
        },
      })
      const { error } = await failing(recipe)
      expect(error).toBeInstanceOf(SecretOriginError)
      expect(error).toMatchObject({ secret: 'password', origin: new URL(shop.url('phish.test')).origin })
    }
    expect(received.length).toBe(2)
  })

  test('are asked for by name; a missing one says where it was looked for', async () => {
    const { error } = await failing(passwordRecipe(shop), { secrets: { email: 'x@shop.test' } })
    expect(error).toMatchObject({ code: 'secret-missing', secret: 'password' })
  })

  test.runIf(existsSync('/proc/self/environ'))(
    'are not in the environment or arguments of the browser',
    async () => {
      process.env['SESSIONBRIDGE_SHOP_EMAIL'] = shop.accounts.alice.email
      process.env['SESSIONBRIDGE_SHOP_PASSWORD'] = shop.accounts.alice.password
      try {
        let seen = ''
        const recipe = passwordRecipe(shop, {
          async login(page, tools) {
            await passwordRecipe(shop).login?.(page, tools)
            seen = await browserProcesses()
          },
        })
        const options = await atShop(shop, { secrets: undefined })
        await runLogin(recipe, options)
        expect(seen).toContain('--type=renderer')
        expect(seen).not.toContain(shop.canary)
        // Negative control: a browser launched without care inherits everything.
        const careless = await launchChromium(shop)
        expect(await browserProcesses()).toContain(shop.canary)
        await careless.close()
      } finally {
        Reflect.deleteProperty(process.env, 'SESSIONBRIDGE_SHOP_EMAIL')
        Reflect.deleteProperty(process.env, 'SESSIONBRIDGE_SHOP_PASSWORD')
      }
    },
  )
})

describe('a login that does not come to its end', () => {
  const idle: Partial<Recipe> = { login: () => Promise.resolve(), timeout: 12_000 }

  test('a server that never answers', async () => {
    shop.on('shop.test', '/silent', () => undefined)
    const { error, took } = await failing(
      passwordRecipe(shop, { url: shop.url('shop.test', '/silent?token=canary'), timeout: 1_500 }),
    )
    expect(error).toMatchObject({ failure: 'timed-out' })
    expect(took).toBeLessThan(25_000) // Playwright's own patience is 30 s
  })

  test('a page whose script hangs', async () => {
    const { error, took } = await failing(
      passwordRecipe(shop, {
        url: shop.url('shop.test', '/stuck?ms=600000'),
        timeout: 1_500,
        async login(page) {
          await page.getByRole('button').click({ noWaitAfter: true })
        },
      }),
    )
    expect(error).toMatchObject({ code: 'login-failed' })
    expect(took).toBeLessThan(25_000)
  })

  test('a recipe that stops before anyone is signed in', async () => {
    const { error } = await failing(passwordRecipe(shop, idle))
    expect(error).toMatchObject({ failure: 'not-completed' })
  })

  test('a verify that never comes true, or throws, or waits', async () => {
    for (const verify of [
      () => Promise.resolve(false),
      () => Promise.reject(new Error('no')),
      () => new Promise<boolean>(() => undefined),
    ]) {
      const { error } = await failing(passwordRecipe(shop, { ...idle, verify }))
      expect(error).toMatchObject({ failure: 'not-verified' })
    }
  })

  test('the caller calls it off', async () => {
    const reason = new Error('called off')
    const off = new AbortController()
    const recipe = passwordRecipe(shop, {
      login: () => {
        off.abort(reason)
        return new Promise(() => undefined)
      },
    })
    const { error } = await failing(recipe, { signal: off.signal })
    expect(error).toBe(reason)
  })
})

/** Environments and arguments of all processes below this one. */
async function browserProcesses(): Promise<string> {
  const parents = new Map<number, number>()
  for (const entry of await readdir('/proc')) {
    const status = /^\d+$/.test(entry) ? await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '') : ''
    const parent = /^\d+ \(.*\) \S (\d+)/s.exec(status)?.[1]
    if (parent !== undefined) parents.set(Number(entry), Number(parent))
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === process.pid || isBelow(parents.get(pid)))
  const pids = [...parents.keys()].filter((pid) => pid !== process.pid && isBelow(pid))
  const texts = pids.flatMap((pid) =>
    ['environ', 'cmdline'].map((file) => readFile(`/proc/${String(pid)}/${file}`, 'utf8').catch(() => '')),
  )
  return (await Promise.all(texts)).join('\n')
}
