import type { Browser, BrowserContext } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { loginContextOptions } from '../../src/login/capture-identity.ts'
import { learnHeaderRules } from '../../src/login/learn/learn-headers.ts'
import { untilQuiet } from '../../src/login/quiet.ts'
import {
  watchRequests,
  type ObservedRequest,
  type RequestWatch,
} from '../../src/login/learn/watch-requests.ts'
import { launchChromium } from '../site/chromium.ts'
import { startShop, type Shop } from '../site/shop.ts'
import { stateOf } from './observed.ts'

let shop: Shop
let browser: Browser
let context: BrowserContext
let watch: RequestWatch

const token = 'canary-token-0123456789'

beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
  const script = (path: string, text: string): void => {
    shop.on('app.test', path, (_, res) => {
      res.setHeader('content-type', 'text/javascript').end(text)
    })
  }
  script(
    '/worker.js',
    `fetch('/by-worker', { headers: { 'x-worker-key': '${token}' } }).then(() => postMessage(1))`,
  )
  script(
    '/sw.js',
    `self.oninstall = () => self.skipWaiting()
     self.onactivate = (event) => event.waitUntil(clients.claim().then(() => fetch('/by-service-worker', { headers: { 'x-sw-key': '${token}' } })))`,
  )
  for (const path of ['/by-worker', '/by-service-worker', '/by-frame']) {
    shop.on('app.test', path, (_, res) => {
      res.setHeader('content-type', 'application/json').end('{}')
    })
  }
  shop.on('app.test', '/frame', (_, res) => {
    res
      .setHeader('content-type', 'text/html')
      .end(`<script>fetch('/by-frame', { headers: { 'x-frame-key': '${token}' } })</script>`)
  })
  shop.on('app.test', '/', (_, res) => {
    res
      .setHeader('content-type', 'text/html')
      .setHeader('set-cookie', 'sid=canary-sid; Path=/; HttpOnly')
      .end('<h1>App</h1>')
  })
})

beforeEach(async () => {
  context = await browser.newContext(await loginContextOptions(browser, undefined))
  watch = watchRequests(context)
})

afterEach(async () => {
  await context.close()
})

afterAll(async () => {
  await browser.close()
  await shop.close()
})

const find = (path: string): ObservedRequest | undefined =>
  watch.requests.find(({ url }) => new URL(url).pathname === path)

const header = (request: ObservedRequest | undefined, name: string): string | undefined =>
  request?.headers.find(([known]) => known.toLowerCase() === name)?.[1]

describe('watching requests', () => {
  test('sees those of pages, frames, workers and service workers, as they were sent', async () => {
    const page = await context.newPage()
    await page.goto(shop.url('app.test'))
    await page.evaluate(async () => {
      const frame = document.createElement('iframe')
      frame.src = '/frame'
      document.body.append(frame)
      await new Promise((resolve) => (new Worker('/worker.js').onmessage = resolve))
      await navigator.serviceWorker.register('/sw.js')
      await navigator.serviceWorker.ready
    })
    await expect.poll(() => find('/by-service-worker')?.status).toBe(200)
    await expect.poll(() => find('/by-frame')?.status).toBe(200)
    await watch.settled()
    const origin = new URL(shop.url('app.test')).origin
    for (const [path, name] of [
      ['/by-worker', 'x-worker-key'],
      ['/by-service-worker', 'x-sw-key'],
      ['/by-frame', 'x-frame-key'],
    ] as const) {
      const request = find(path)
      expect(header(request, name)).toBe(token)
      expect(header(request, 'cookie')).toBe('sid=canary-sid')
      expect(header(request, 'user-agent')).toMatch(/ Chrome\//)
      expect(request).toMatchObject({
        status: 200,
        contentType: 'application/json',
        pageOrigin: origin,
        topLevel: false,
      })
    }
    expect(find('/')).toMatchObject({ topLevel: true, resourceType: 'document' })
    expect(find('/frame')).toMatchObject({ topLevel: false, resourceType: 'document' })
    const { rules } = learnHeaderRules(watch.requests, stateOf([], { [origin]: { local: { key: token } } }))
    expect(rules.map((rule) => rule.header.toLowerCase()).sort()).toEqual([
      'x-frame-key',
      'x-sw-key',
      'x-worker-key',
    ])
  })

  test('a header that a redirect took to another origin teaches nothing about that origin', async () => {
    const page = await context.newPage()
    await page.goto(shop.url('app.test'))
    const away = shop.url('other.test', '/echo')
    await page.evaluate(
      ([to, value]) =>
        fetch(`/redirect?to=${encodeURIComponent(to)}`, { headers: { 'x-key': value } }).then((r) =>
          r.text(),
        ),
      [away, token] as const,
    )
    await watch.settled()
    const hop = watch.requests.find(({ url, method }) => url === away && method === 'GET')
    expect(header(hop, 'x-key')).toBe(token)
    expect(hop?.crossedOrigins).toBe(true)
    const origin = new URL(shop.url('app.test')).origin
    const { rules } = learnHeaderRules(watch.requests, stateOf([], { [origin]: { local: { key: token } } }))
    expect(rules.map(({ origins }) => origins)).toEqual([[origin]])
  })

  test('knows when the pages are quiet, though a body is never read and a stream never ends', async () => {
    shop.on('app.test', '/endless', (_, res) => {
      res.setHeader('content-type', 'text/event-stream').write(': hello\n\n')
    })
    const page = await context.newPage()
    await page.goto(shop.url('app.test'))
    await page.evaluate(async () => {
      new EventSource('/endless')
      await fetch('/by-frame')
    })
    // Whoever counted them would wait beyond the end of this test.
    const within = 600_000
    expect(await untilQuiet(watch, { quiet: 200, within, signal: new AbortController().signal })).toBe(true)
  })

  test('ends when told to, and can be called off', async () => {
    const page = await context.newPage()
    await page.goto(shop.url('app.test'))
    const seen = watch.stop().length
    await page.goto(shop.url('app.test', '/frame'))
    expect(watch.requests.length).toBe(seen)
    const off = new AbortController()
    const wait = untilQuiet(watch, { quiet: 60_000, within: 60_000, signal: off.signal })
    off.abort(new Error('enough'))
    await expect(wait).rejects.toThrow('enough')
  })
})
