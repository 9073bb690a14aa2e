import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Recipe } from '../../src/login/recipe.ts'
import { runLogin, type Harvest } from '../../src/login/run-login.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { atShop, passwordRecipe } from './recipes.ts'

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

const form =
  '<label>Email <input></label><label>Password <input type=password></label><button>Sign in</button>'

function page(path: string, body: string | ((req: IncomingMessage, res: ServerResponse) => string)): void {
  shop.on('shop.test', path, (req, res) => {
    const html = typeof body === 'string' ? body : body(req, res)
    if (!res.writableEnded) res.setHeader('content-type', 'text/html').end(`<!doctype html>${html}`)
  })
}

function json(path: string, facts: unknown, cookie?: string): void {
  shop.on('shop.test', path, (_, res) => {
    if (cookie !== undefined) res.setHeader('set-cookie', cookie)
    res.setHeader('content-type', 'application/json').end(JSON.stringify(facts))
  })
}

const has = (req: IncomingMessage, cookie: string): boolean => req.headers.cookie?.includes(cookie) === true

async function login(path: string, more: Partial<Recipe> = {}): Promise<Harvest> {
  const recipe = passwordRecipe(shop, { url: shop.url('shop.test', path), ...more })
  return runLogin(recipe, await atShop(shop, { browser: { browser } }))
}

/** A page that answers the button with a script. */
const scripted = (work: string): string => `<div>${form}</div><script>
document.querySelector('button').onclick = async () => { ${work} }</script>`

describe('evidence for and against a login', () => {
  test('an application that answers a wrong password with 200 and stays where it is', async () => {
    json('/polite/submit', { ok: false })
    page('/polite', scripted(`await fetch('/polite/submit', { method: 'POST' })`))
    // Whoever waited for the end of its time would wait beyond the end of this test.
    await expect(login('/polite', { timeout: 600_000 })).rejects.toMatchObject({ failure: 'rejected' })
  })

  test('a server that is out of order has not said no', async () => {
    shop.on('shop.test', '/broken/submit', (_, res) => {
      res.writeHead(503).end()
    })
    page('/broken', scripted(`await fetch('/broken/submit', { method: 'POST' })`))
    await expect(login('/broken')).rejects.toMatchObject({ failure: 'not-completed' })
  })

  test('a silent refresh that is refused while the page loads, and analytics that are refused, say nothing', async () => {
    shop.on('shop.test', '/noisy/refresh', (_, res) => {
      res.writeHead(401).end()
    })
    shop.on('stats.test', '/hit', (_, res) => {
      res.writeHead(403, { 'access-control-allow-origin': '*' }).end()
    })
    json('/noisy/submit', {}, 'noisy=canary-session; Path=/; HttpOnly')
    json('/noisy/me', { name: 'alice' })
    page(
      '/noisy',
      `<script>fetch('/noisy/refresh', { method: 'POST' })</script>${scripted(`
        await fetch('/noisy/submit', { method: 'POST' })
        await fetch('${shop.url('stats.test', '/hit')}', { method: 'POST' }).catch(() => undefined)
        await new Promise((resolve) => setTimeout(resolve, 1500))
        document.querySelector('div').innerHTML = 'Hello'
        location.assign('/noisy/home')`)}`,
    )
    page('/noisy/home', (req, res) => {
      if (!has(req, 'noisy=')) res.writeHead(302, { location: '/noisy' }).end()
      return 'Hello'
    })
    expect((await login('/noisy')).probe).toMatchObject({ dead: { status: 302, location: '/noisy' } })
  })

  test('a first step that is slow to become the second is not taken for a refusal', async () => {
    page(
      '/steps',
      `<form method=post action=/steps/2><label>Email <input name=email></label><button>Next</button></form>`,
    )
    page(
      '/steps/2',
      `<form method=post action=/steps/3><label>Password <input type=password></label><button>Sign in</button></form>`,
    )
    page('/steps/3', (_, res) => {
      res
        .setHeader('set-cookie', 'steps=canary-session; Path=/; HttpOnly')
        .writeHead(303, { location: '/steps/home' })
        .end()
      return ''
    })
    page('/steps/home', (req, res) => {
      if (!has(req, 'steps=')) res.writeHead(302, { location: '/steps' }).end()
      return 'Hello'
    })
    const harvest = await login('/steps', {
      async login(at, { secret }) {
        await at.getByLabel('Email').fill(await secret('email'))
        await at.getByRole('button').click()
        await at.getByLabel('Password').waitFor()
        await at.waitForTimeout(3_000)
        await at.getByLabel('Password').fill(await secret('password'))
        await at.getByRole('button').click()
      },
    })
    expect(harvest.state.cookies.map(({ name }) => name)).toContain('steps')
  })

  test('a second factor is told as such, not stored as a session', async () => {
    json('/factor/submit', {}, 'half=canary-half; Path=/; HttpOnly')
    page(
      '/factor',
      scripted(`await fetch('/factor/submit', { method: 'POST' }); location.assign('/factor/code')`),
    )
    page('/factor/code', (req, res) => {
      if (!has(req, 'half=')) res.writeHead(302, { location: '/factor' }).end()
      return '<label>Code <input autocomplete="one-time-code"></label>'
    })
    await expect(login('/factor')).rejects.toMatchObject({ code: 'needs-person' })
  })

  test('an application that asks for nothing after its login is proven by its own pages', async () => {
    json('/still/submit', {}, 'still=canary-session; Path=/; HttpOnly')
    page('/still', (req) =>
      has(req, 'still=')
        ? 'Hello'
        : scripted(
            `await fetch('/still/submit', { method: 'POST' }); document.querySelector('div').innerHTML = 'Hello'`,
          ),
    )
    const { probe } = await login('/still')
    expect(probe).toMatchObject({ url: shop.url('shop.test', '/still') })
    expect([probe?.alive.marks, probe?.dead.marks]).toEqual([[], ['type=password']])
  })

  test('pages that look different for every visitor prove nothing', async () => {
    json('/visit/submit', { ok: true })
    page('/visit', (req, res) => {
      if (!has(req, 'visitor=')) res.setHeader('set-cookie', 'visitor=canary-visitor; Path=/visit')
      return has(req, 'visitor=')
        ? `Welcome back${scripted(`await fetch('/visit/submit', { method: 'POST' }); document.querySelector('div').innerHTML = 'Try later'`)}`
        : scripted('')
    })
    const recipe: Partial<Recipe> = {
      timeout: 15_000,
      async login(at, tools) {
        await at.reload()
        await passwordRecipe(shop).login?.(at, tools)
      },
    }
    await expect(login('/visit', recipe)).rejects.toMatchObject({ failure: 'not-completed' })
  })
})
