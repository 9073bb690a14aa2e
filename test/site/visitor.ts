import type { Browser, BrowserContext, Page } from 'playwright'
import type { ShopFront } from './address.ts'

/** A person at the shop: what tests do by hand in its pages. */
export async function withContext<T>(
  browser: Browser,
  use: (context: BrowserContext) => Promise<T>,
): Promise<T> {
  const context = await browser.newContext()
  try {
    return await use(context)
  } finally {
    await context.close()
  }
}

export interface SignInOptions {
  readonly account?: 'alice' | 'bob' | 'carol'
  readonly password?: string
  /** Default: the login page over https; `/sso` works as well. */
  readonly url?: string
}

/** Fills and submits the login form of the page, whichever of the two it is, and does not wait for more. */
export async function fillSignIn(shop: ShopFront, page: Page, options: SignInOptions = {}): Promise<void> {
  const { email, password } = shop.accounts[options.account ?? 'alice']
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(options.password ?? password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Signs in and waits until the account page has made all its calls. */
export async function signInByPage(
  shop: ShopFront,
  context: BrowserContext,
  options: SignInOptions = {},
): Promise<Page> {
  const page = await context.newPage()
  await page.goto(options.url ?? shop.url('shop.test', '/login'))
  await fillSignIn(shop, page, options)
  await page.getByText('ready', { exact: true }).waitFor()
  return page
}

/** `domain name` of each cookie of the context, sorted. */
export async function cookieNames(context: BrowserContext): Promise<string[]> {
  return (await context.cookies()).map(({ domain, name }) => `${domain} ${name}`).sort()
}

export interface FetchInit {
  readonly method?: string
  readonly headers?: Record<string, string>
}

/** Status of a `fetch` made by the page itself. */
export function statusOf(page: Page, url: string, init: FetchInit = {}): Promise<number> {
  return page.evaluate(async ({ target, options }) => (await fetch(target, options)).status, {
    target: url,
    options: init,
  })
}

/** A page's HTML as the browser gets it, cookies included, before any script of it has run. */
export async function htmlOf(shop: ShopFront, context: BrowserContext, path: string): Promise<string> {
  const page = await context.newPage()
  await page.goto(shop.url('shop.test', '/blank'))
  const html = await page.evaluate(async (url) => (await fetch(url)).text(), path)
  await page.close()
  return html
}
