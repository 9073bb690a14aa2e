import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchChromium } from './chromium.ts'
import { type Shop, startShop } from './shop.ts'
import { cookieNames, fillSignIn, htmlOf, signInByPage, statusOf, withContext } from './visitor.ts'

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

const sessionCookies = ['__Host-device', 'chips', 'csrf', 'rot', 'sid', 'twin'].map(
  (name) => `shop.test ${name}`,
)
const trackingCookies = ['_fbp', '_ga', '_ga_XL2K8T4Q9Z', '_gcl_au', '_gid', '_hjSessionUser_3141592'].map(
  (name) => `.shop.test ${name}`,
)

describe('the login page', () => {
  test('holds no form until its script has run, and signs in by fetch', async () => {
    await withContext(browser, async (context) => {
      const html = await htmlOf(shop, context, '/login')
      expect(html).not.toMatch(/<form|<input|<label/)

      const before = shop.counters.logins
      const page = await context.newPage()
      const posted: string[] = []
      page.on('request', (request) => {
        if (request.method() === 'POST')
          posted.push(`${request.resourceType()} ${new URL(request.url()).pathname}`)
      })
      await page.goto(shop.url('shop.test', '/login'))
      await fillSignIn(shop, page)
      await page.getByText('Hello, alice').waitFor()
      expect(posted[0]).toBe('fetch /api/login')
      expect(shop.counters.logins).toBe(before + 1)
    })
  })

  test('answers a wrong password with a message in the page and no cookie of a session', async () => {
    await withContext(browser, async (context) => {
      const page = await context.newPage()
      await page.goto(shop.url('shop.test', '/login'))
      await fillSignIn(shop, page, { password: 'not the password' })
      await page.getByRole('alert').waitFor()
      expect(await page.getByRole('alert').textContent()).toBe('Wrong email or password.')
      expect(new URL(page.url()).pathname).toBe('/login')
      expect(await cookieNames(context)).not.toContain('shop.test sid')
    })
  })

  test('works over plain http, without what needs https', async () => {
    await withContext(browser, async (context) => {
      await signInByPage(shop, context, { url: shop.httpUrl('shop.test', '/login') })
      const names = await cookieNames(context)
      expect(names).toContain('shop.test sid')
      expect(names).not.toContain('shop.test __Host-device')
      expect((await context.cookies()).some(({ secure }) => secure)).toBe(false)
    })
  })
})

describe('a signed-in browser', () => {
  test('holds every kind of cookie, and the trackers that came along', async () => {
    await withContext(browser, async (context) => {
      await signInByPage(shop, context)
      // The tracker's beacon is not a part of the sign-in; its plain cookie is there where third parties may set one.
      const names = async () => (await cookieNames(context)).filter((name) => name !== 'cdn.tracker.test uid')
      await expect
        .poll(names)
        .toEqual(
          ['cdn.tracker.test uid_chips', '.shop.test twin', ...sessionCookies, ...trackingCookies].sort(),
        )
      const cookies = await context.cookies()
      const sid = cookies.find(({ name }) => name === 'sid')
      expect(sid).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Lax' })
      expect(cookies.find(({ name }) => name === 'csrf')).toMatchObject({ httpOnly: false, expires: -1 })
      expect(cookies.find(({ name }) => name === 'chips')).toMatchObject({
        partitionKey: 'https://shop.test',
      })
    })
  })

  test('holds secrets in three kinds of storage, each with the canary', async () => {
    await withContext(browser, async (context) => {
      const page = await signInByPage(shop, context)
      const auth = await page.evaluate(() => localStorage.getItem('auth'))
      expect(JSON.parse(auth ?? '{}') as unknown).toMatchObject({
        user: 'alice',
        token: expect.stringContaining(shop.canary) as string,
      })
      expect(await page.evaluate(() => sessionStorage.getItem('tab'))).toContain(shop.canary)
      const stored = await context.storageState({ indexedDB: true })
      expect(JSON.stringify(stored.origins)).toContain(`${shop.canary}-cart`)

      const own = stored.cookies.filter(({ name }) => !/^_[a-z]|^uid/.test(name))
      expect(own.map(({ name }) => name).sort()).toEqual(
        ['twin', ...sessionCookies.map((name) => name.split(' ')[1])].sort(),
      )
      for (const { value } of own) expect(value).toContain(shop.canary)
      for (const { password } of Object.values(shop.accounts)) expect(password).toContain(shop.canary)
    })
  })

  test('calls the API of the other host with the bearer token after a preflight, and nobody else may', async () => {
    await withContext(browser, async (context) => {
      const preflights = shop.counters.preflights
      const page = await signInByPage(shop, context)
      expect(await page.getByTestId('calls').innerText()).toBe('me 200\nseen 200\ntab 200')
      expect(shop.counters.preflights).toBeGreaterThan(preflights)

      const orders = shop.url('api.shop.test', '/orders')
      expect(await statusOf(page, orders)).toBe(401)
      const token = await page.evaluate(
        () => (JSON.parse(localStorage.getItem('auth') ?? '') as { token: string }).token,
      )
      const withToken = { headers: { authorization: `Bearer ${token}` } }
      expect(await statusOf(page, orders, withToken)).toBe(200)
      await page.goto(shop.url('widget.test', '/blank'))
      await expect(statusOf(page, orders, withToken)).rejects.toThrow('Failed to fetch')
    })
  })

  test('may write only with the CSRF header that matches its cookie', async () => {
    await withContext(browser, async (context) => {
      const page = await signInByPage(shop, context)
      const csrf = (await context.cookies()).find(({ name }) => name === 'csrf')?.value ?? ''
      const write = (headers: Record<string, string>) =>
        statusOf(page, '/api/cart', { method: 'POST', headers })
      expect(await write({})).toBe(403)
      expect(await write({ 'x-csrf-token': `${csrf}x` })).toBe(403)
      expect(await write({ 'x-csrf-token': csrf })).toBe(200)
      expect(await statusOf(page, '/api/tab')).toBe(403)
    })
  })

  test('gets a new rotating cookie with every 25th answer', async () => {
    await withContext(browser, async (context) => {
      const page = await signInByPage(shop, context)
      const rotation = async () => (await context.cookies()).find(({ name }) => name === 'rot')?.value
      const seen = new Set<string | undefined>()
      for (let n = 0; n < 30; n++) {
        await statusOf(page, '/api/orders?page=1')
        seen.add(await rotation())
      }
      expect(seen.size).toBe(2)
    })
  })

  test('sees the total of the report, which only its script knows', async () => {
    await withContext(browser, async (context) => {
      const page = await signInByPage(shop, context)
      const html = await htmlOf(shop, context, '/report')
      await page.goto(shop.url('shop.test', '/report'))
      expect(await page.getByTestId('total').textContent()).toMatch(/^\d+\.\d\d EUR$/)
      expect(html).not.toContain('EUR')
    })
  })

  test('keeps what framed origins store: of the same site always, of a foreign site as the browser lets it', async () => {
    await withContext(browser, async (context) => {
      const page = await signInByPage(shop, context)
      await page.goto(shop.url('shop.test', '/embed'))
      const ready = (name: string) =>
        page.frameLocator(`iframe[title=${name}]`).locator('body').getAttribute('data-ready')
      expect(await ready('help')).toBe('stored')
      expect(['stored', 'denied']).toContain(await ready('widget'))
      const names = await cookieNames(context)
      expect(names).toEqual(expect.arrayContaining(['help.shop.test help-part', 'widget.test widget-part']))
      const { origins } = await context.storageState()
      const help = origins.find(({ origin }) => origin === new URL(shop.url('help.shop.test')).origin)
      expect(help?.localStorage[0]).toMatchObject({
        name: 'help-local',
        value: expect.stringContaining(shop.canary) as string,
      })
    })
  })
})
