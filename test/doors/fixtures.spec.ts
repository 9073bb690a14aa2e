import { expect, test as base } from '@playwright/test'
import { sessionFixtures } from '../../fixtures/index.ts'
import { createVault, defineRecipe, fileStore } from '../../src/index.ts'

const site = process.env['SHOP'] ?? ''
const vault = createVault({
  store: fileStore(process.env['SESSIONBRIDGE_STORE'] ?? ''),
  key: process.env['SESSIONBRIDGE_KEY'],
})
const shop = defineRecipe({
  name: 'shop',
  url: `${site}/login`,
  async login(page, { secret }) {
    await page.getByLabel('Email').fill(await secret('email'))
    await page.getByLabel('Password').fill(await secret('password'))
    await page.getByRole('button', { name: 'Sign in' }).click()
  },
})
const test = base.extend(sessionFixtures(vault))
test.use({ baseURL: site })

test.describe('with a recipe', () => {
  test.use({ recipe: shop, account: 'alice' })

  test('page is signed in', async ({ page }) => {
    await page.goto('/account')
    expect(new URL(page.url()).pathname).toBe('/account')
  })

  test('http is signed in and takes relative URLs', async ({ http }) => {
    expect((await http('/api/orders').json<unknown[]>()).length).toBeGreaterThan(0)
    expect((await http.get('/api/orders')).statusCode).toBe(200)
  })

  test('page and http show the same', async ({ page, http }) => {
    const orders = await http('/api/orders').json<unknown[]>()
    await page.goto('/orders')
    await expect(page.getByRole('row')).toHaveCount(orders.length)
  })

  test('what the page changes is in the session when the next test opens it', async ({
    context,
    session,
  }) => {
    const page = await context.newPage()
    await page.goto('/account')
    await page.evaluate(() => {
      localStorage.setItem('note', 'kept')
    })
    expect(session.name).toBe('shop/alice')
  })

  test.describe('and with options of Playwright', () => {
    test.use({ viewport: { width: 444, height: 333 }, locale: 'de-CH', userAgent: 'Mine/1.0' })

    test('they keep their meaning', async ({ page }) => {
      await page.goto('/account')
      const seen = await page.evaluate(() => [innerWidth, navigator.language, navigator.userAgent])
      expect(seen).toEqual([444, 'de-CH', 'Mine/1.0'])
    })
  })
})

test.describe('a test that signs out', () => {
  test.use({ recipe: shop, account: 'bob' })
  test.describe.configure({ mode: 'serial' })

  test('ends the session on the server', async ({ page }) => {
    await page.goto('/account')
    await page.getByRole('link', { name: 'Sign out' }).click()
    await expect(page.getByRole('heading')).toHaveText('Signed out')
    expect(await page.evaluate(async () => (await fetch('/api/orders')).status)).toBe(401)
  })

  test('makes the next one sign in again', async ({ page, http }) => {
    await page.goto('/account')
    expect(new URL(page.url()).pathname).toBe('/account')
    expect((await http('/api/orders')).statusCode).toBe(200)
  })
})

test.describe('without a recipe', () => {
  test('page and http are those of a stranger', async ({ page, http }) => {
    await page.goto('/account')
    await page.waitForURL('**/login')
    expect((await http('/api/orders', { throwHttpErrors: false })).statusCode).toBe(401)
  })

  test.fail('asking for the session is an error', async ({ session }) => {
    await session.save()
  })
})
