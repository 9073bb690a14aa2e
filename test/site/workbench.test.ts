import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchChromium } from './chromium.ts'
import { type Shop, manyHosts, startShop } from './shop.ts'
import { cookieNames, withContext } from './visitor.ts'
import type { Echo } from './workbench.ts'

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

describe('third-party cookies', () => {
  test('are blocked by this Chromium or not; a visit to the tracker by redirect sets one in any case', async () => {
    await withContext(browser, async (context) => {
      const page = await context.newPage()
      const back = encodeURIComponent(shop.url('shop.test', '/blank'))
      await page.goto(shop.url('cdn.tracker.test', `/hop?to=${back}`))
      expect(new URL(page.url()).hostname).toBe('shop.test')
      expect(await cookieNames(context)).toEqual(['cdn.tracker.test uid'])
    })
  })
})

describe('the workbench', () => {
  test('echoes on every host what came over the wire', async () => {
    await withContext(browser, async (context) => {
      const page = await context.newPage()
      for (const host of ['shop.test', 'any.name.test', 'keycloak', 'me.github.io']) {
        await page.goto(shop.url(host, '/set-cookie?line=a%3D1'))
        await page.goto(shop.url(host, '/redirect?status=307&to=/echo'))
        const echo = JSON.parse(await page.locator('body').innerText()) as Echo
        expect(echo).toMatchObject({ host, method: 'GET', url: '/echo', secure: true })
        expect(echo.headers).toContainEqual(['Cookie', 'a=1'])
      }
      await expect(page.goto('https://example.com/')).rejects.toThrow('ERR_NAME_NOT_RESOLVED')
    })
  })

  test('has a page that hangs on demand', async () => {
    await withContext(browser, async (context) => {
      const page = await context.newPage()
      await page.goto(shop.url('shop.test', '/stuck?ms=600'))
      const hung = await page.evaluate(() => {
        const start = performance.now()
        document.querySelector('button')?.click()
        return performance.now() - start
      })
      expect(hung).toBeGreaterThanOrEqual(599)
      expect(await page.evaluate(() => localStorage.getItem('stuck'))).toBe('yes')
    })
  })

  test('fills fifty origins', async () => {
    await withContext(browser, async (context) => {
      const page = await context.newPage()
      const hosts = manyHosts()
      for (const host of [hosts[0], hosts[49]]) {
        await page.goto(shop.url(host ?? '', '/seed?items=4'))
        expect(await page.getAttribute('body', 'data-items')).toBe('4')
      }
      expect(hosts.at(-1)).toBe('o50.many.test')
      const { origins } = await context.storageState()
      expect(origins.map(({ localStorage }) => localStorage.length)).toEqual([4, 4])
    })
  })
})
