import type { BrowserContext, Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import {
  createVault,
  defineRecipe,
  generateKey,
  memoryStore,
  type Recipe,
  type Session,
  type Vault,
} from '../../../src/index.ts'
import { useStage } from '../context/stage.ts'
import { whenPageCookie, whenPageItem } from './live-stage.ts'

const stage = useStage()

function shopRecipe(): Recipe {
  return defineRecipe({
    name: 'shop',
    url: stage.shop.url('shop.test', '/login'),
    async login(page, { secret }) {
      await page.getByLabel('Email').fill(await secret('email'))
      await page.getByLabel('Password').fill(await secret('password'))
      await page.getByRole('button', { name: 'Sign in' }).click()
    },
  })
}

function openVault(): Vault {
  return createVault({
    store: memoryStore(),
    key: generateKey(),
    browser: { browser: stage.browser },
    http: { lookup: stage.shop.lookup, ca: stage.shop.ca },
    secrets: { ...stage.shop.accounts.alice },
  })
}

async function onAccount(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.goto(stage.shop.url('shop.test', '/account'))
  await page.getByText('ready', { exact: true }).waitFor()
  return page
}

function names(session: Session): string[] {
  return session.state.cookies.map(({ name }) => name)
}

async function statusOf(session: Session): Promise<number> {
  const answer = await session.http(stage.shop.url('shop.test', '/api/seen'), {
    throwHttpErrors: false,
    method: 'POST',
  })
  return answer.statusCode
}

describe('a session and the contexts that wear it', () => {
  test('are logged out by the HTTP client, cookies at once', async () => {
    await using session = await openVault().open(shopRecipe(), { account: 'alice' })
    await stage.inContext(async (context) => {
      const visit = await session.attach(context)
      const page = await onAccount(context)
      expect(names(session)).toContain('sid')
      await session.http(stage.shop.url('shop.test', '/logout'))
      expect(names(session)).not.toContain('sid')
      await whenPageCookie(page, 'csrf', undefined)
      await visit.settle()
      expect((await context.cookies()).map(({ name }) => name)).not.toContain('sid')
      await visit.end()
      expect(names(session)).not.toContain('sid')
      expect(names(session)).not.toContain('csrf')
    })
  })

  test('are logged out by a page, storage too, in all of them', async () => {
    await using session = await openVault().open(shopRecipe(), { account: 'alice' })
    await stage.inContext((first) =>
      stage.inContext(async (second) => {
        const visits = [await session.attach(first), await session.attach(second)]
        const [one, two] = [await onAccount(first), await onAccount(second)]
        await one.goto(stage.shop.url('shop.test', '/logout'))
        await whenPageCookie(two, 'csrf', undefined)
        await whenPageItem(two, 'localStorage', 'auth', undefined)
        await whenPageItem(two, 'sessionStorage', 'tab', undefined)
        expect(names(session)).not.toContain('sid')
        const origin = new URL(one.url()).origin
        const stored = session.state.origins.find((entry) => entry.origin === origin)
        expect(stored?.localStorage.map(({ name }) => name) ?? []).not.toContain('auth')
        await two.goto(stage.shop.url('shop.test', '/account'))
        expect(new URL(two.url()).pathname).toBe('/login')
        await Promise.all(visits.map((visit) => visit.end()))
        expect(names(session)).not.toContain('sid')
      }),
    )
  })

  test('hear of each other and of the HTTP client, whichever writes', async () => {
    await using session = await openVault().open(shopRecipe(), { account: 'alice' })
    await stage.inContext((first) =>
      stage.inContext(async (second) => {
        const visits = [await session.attach(first), await session.attach(second)]
        const [one, two] = [await onAccount(first), await onAccount(second)]
        await one.evaluate(() => {
          document.cookie = 'basket=7; path=/'
          localStorage.setItem('theme', 'dark')
        })
        await whenPageCookie(two, 'basket', '7')
        await whenPageItem(two, 'localStorage', 'theme', 'dark')
        await two.evaluate(() => {
          document.cookie = 'basket=; path=/; max-age=0'
          localStorage.removeItem('theme')
        })
        await whenPageCookie(one, 'basket', undefined)
        await whenPageItem(one, 'localStorage', 'theme', undefined)
        const line = encodeURIComponent('seen=1; Path=/')
        await session.http(stage.shop.url('shop.test', `/set-cookie?line=${line}`))
        await Promise.all([whenPageCookie(one, 'seen', '1'), whenPageCookie(two, 'seen', '1')])
        await Promise.all(visits.map((visit) => visit.end()))
        expect(names(session)).toContain('seen')
        expect(names(session)).not.toContain('basket')
        expect(await statusOf(session)).toBe(200)
      }),
    )
  })

  test('are renewed as a whole', async () => {
    await using session = await openVault().open(shopRecipe(), { account: 'alice' })
    await stage.inContext(async (context) => {
      const visit = await session.attach(context)
      const page = await onAccount(context)
      await page.goto(stage.shop.url('shop.test', '/blank'))
      const before = session.state
      stage.shop.revoke('alice')
      expect((await session.http(stage.shop.url('shop.test', '/api/orders'))).statusCode).toBe(200)
      expect(session.epoch).toBe(2)
      await visit.settle()
      const sid = (state: typeof before): string | undefined =>
        state.cookies.find(({ name }) => name === 'sid')?.value
      const worn = (await context.cookies()).find(({ name }) => name === 'sid')?.value
      expect(worn).toBe(sid(session.state))
      expect(worn).not.toBe(sid(before))
      await page.goto(stage.shop.url('shop.test', '/account'))
      await page.getByText('ready', { exact: true }).waitFor()
      await visit.end()
      expect(session.epoch).toBe(2)
      expect(await session.check()).toBe('alive')
    })
  })

  test('are in step even when the visit fails, and let go of each other', async () => {
    await using session = await openVault().open(shopRecipe(), { account: 'alice' })
    const failing = session.browse(async (page) => {
      await page.goto(stage.shop.url('shop.test', '/logout'))
      throw new Error('the caller’s own')
    })
    await expect(failing).rejects.toThrow('the caller’s own')
  })

  test('are one pair at a time: a context that wears a session takes no second one', async () => {
    const vault = openVault()
    await using session = await vault.open(shopRecipe(), { account: 'alice' })
    await stage.inContext(async (context) => {
      const visit = await session.attach(context)
      await expect(session.attach(context)).rejects.toThrow(/wears a session already/)
      await visit.end()
      await (await session.attach(context)).end()
    })
  })

  test('part when the session is closed', async () => {
    const session = await openVault().open(shopRecipe(), { account: 'alice' })
    await stage.inContext(async (context) => {
      await session.attach(context)
      const page = await onAccount(context)
      await page.evaluate(() => (document.cookie = 'last=1; path=/'))
      await session.close()
      expect(names(session)).toContain('last')
      await page.evaluate(() => (document.cookie = 'later=1; path=/'))
      expect(names(session)).not.toContain('later')
    })
  })
})
