import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchChromium } from './chromium.ts'
import { type Shop, startShop } from './shop.ts'
import { cookieNames, fillSignIn, signInByPage, statusOf, withContext } from './visitor.ts'

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

describe('the two-host login', () => {
  test('leaves a session cookie on both hosts, and asks no second time', async () => {
    await withContext(browser, async (context) => {
      const logins = shop.counters.logins
      const page = await signInByPage(shop, context, { url: shop.url('shop.test', '/sso') })
      expect(await cookieNames(context)).toEqual(
        expect.arrayContaining(['id.test idsid', 'shop.test sid', 'shop.test csrf']),
      )
      expect(await cookieNames(context)).not.toContain('shop.test sso_state')

      shop.revoke('alice')
      await page.goto(shop.url('shop.test', '/sso'))
      await page.getByText('ready', { exact: true }).waitFor()
      expect(shop.counters.logins).toBe(logins + 1)
    })
  })

  test('answers a wrong password on the page of the identity provider', async () => {
    await withContext(browser, async (context) => {
      const page = await context.newPage()
      await page.goto(shop.url('shop.test', '/sso'))
      await fillSignIn(shop, page, { password: 'not the password' })
      await page.getByRole('alert').waitFor()
      expect(new URL(page.url()).hostname).toBe('id.test')
    })
  })
})

describe('the end of a session', () => {
  test('comes by signing out: cookies and storage are gone', async () => {
    await withContext(browser, async (context) => {
      const page = await signInByPage(shop, context)
      await page.getByRole('link', { name: 'Sign out' }).click()
      await page.getByText('Sign in again').waitFor()
      expect(await page.evaluate(() => localStorage.getItem('auth'))).toBeNull()
      const names = await cookieNames(context)
      for (const name of ['sid', 'csrf', 'rot']) expect(names).not.toContain(`shop.test ${name}`)
    })
  })

  test('comes by the server: 401 from the APIs, and pages lead to the login', async () => {
    await withContext(browser, async (context) => {
      const page = await signInByPage(shop, context)
      shop.revoke('bob')
      expect(await statusOf(page, '/api/orders?page=1')).toBe(200)
      shop.revoke('alice')
      expect(await statusOf(page, '/api/orders?page=1')).toBe(401)
      await page.goto(shop.url('shop.test', '/orders/3'))
      expect(new URL(page.url()).pathname).toBe('/login')
    })
  })

  test('is not the end of a token: the page gets a new one by its cookie', async () => {
    await withContext(browser, async (context) => {
      shop.setTokenLife(0)
      const renewed = shop.counters.tokensRenewed
      const page = await context.newPage()
      await page.goto(shop.url('shop.test', '/login'))
      const refused = page.waitForResponse(
        (response) => response.url().endsWith('/me') && response.status() === 401,
      )
      await fillSignIn(shop, page)
      await refused
      shop.setTokenLife(3_600_000)
      await page.goto(shop.url('shop.test', '/account'))
      await page.getByText('ready', { exact: true }).waitFor()
      expect(shop.counters.tokensRenewed).toBeGreaterThan(renewed)
    })
  })

  test('comes with an outdated rotating cookie where rotation is strict', async () => {
    await withContext(browser, async (context) => {
      const page = await signInByPage(shop, context)
      const kept = await context.cookies()
      shop.setRotation({ every: 1, strict: true })
      try {
        expect(await statusOf(page, '/api/orders?page=1')).toBe(200)
        expect(await statusOf(page, '/api/orders?page=2')).toBe(200)
        await context.addCookies(kept.filter(({ name }) => name === 'rot'))
        expect(await statusOf(page, '/api/orders?page=3')).toBe(401)
      } finally {
        shop.setRotation({ every: 25, strict: false })
      }
    })
  })
})
