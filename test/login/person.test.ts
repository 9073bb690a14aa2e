import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findBrowser } from '../../src/login/find-browser.ts'
import { openBrowser } from '../../src/login/browser.ts'
import { defineRecipe } from '../../src/login/recipe.ts'
import { runLogin } from '../../src/login/run-login.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { atShop } from './recipes.ts'

let shop: Shop
let browser: Browser

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
})

afterAll(async () => {
  await browser.close()
  await shop.close()
})

describe('a person signs in', () => {
  const recipe = (): ReturnType<typeof defineRecipe> =>
    defineRecipe({ name: 'shop', url: shop.url('shop.test', '/login') })

  test('is waited for until the login is proven, mistakes included', async () => {
    const options = await atShop(shop, { browser: { browser }, interactive: true })
    const opened = new Promise<Browser['contexts']>((resolve) => {
      browser.once('context', () => {
        resolve(() => browser.contexts())
      })
    })
    const login = runLogin(recipe(), options)
    const [context] = (await opened)()
    const page = context?.pages()[0] ?? (await context?.waitForEvent('page'))
    if (page === undefined) throw new Error('no page was opened')
    await page.getByLabel('Email').fill(shop.accounts.alice.email)
    await page.getByLabel('Password').fill('a slip of the finger')
    await page.getByRole('button').click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Password').fill(shop.accounts.alice.password)
    await page.getByRole('button').click()
    const harvest = await login
    expect(harvest.probe).toMatchObject({ alive: { status: 200 }, dead: { status: 401 } })
    expect(harvest.headerRules.length).toBe(3)
    expect(shop.counters.logins).toBe(1)
  })

  test('a closed window ends it', async () => {
    const options = await atShop(shop, { browser: { browser }, interactive: true })
    browser.once('context', (context) => {
      context.once('page', (page) => {
        page.once('load', () => void page.close())
      })
    })
    await expect(runLogin(recipe(), options)).rejects.toMatchObject({ code: 'needs-person' })
  })

  test('is not waited for where nobody can come', async () => {
    await expect(runLogin(recipe(), await atShop(shop))).rejects.toMatchObject({ code: 'needs-person' })
  })
})

describe('finding a browser', () => {
  test('a chosen one that is not there is not passed over', async () => {
    process.env['SESSIONBRIDGE_BROWSER'] = '/nonexistent/chromium'
    try {
      await expect(findBrowser()).rejects.toMatchObject({
        code: 'browser-missing',
        looked: ['SESSIONBRIDGE_BROWSER (no executable at /nonexistent/chromium)'],
      })
    } finally {
      Reflect.deleteProperty(process.env, 'SESSIONBRIDGE_BROWSER')
    }
  })

  test('one that does not start is told as missing', async () => {
    await expect(openBrowser({ executablePath: process.execPath })).rejects.toMatchObject({
      code: 'browser-missing',
    })
  })

  test('what is there is found and says from where', async () => {
    const found = await findBrowser()
    expect(['playwright', 'system', 'SESSIONBRIDGE_BROWSER']).toContain(found.from)
  })
})
