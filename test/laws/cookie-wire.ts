import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, CDPSession } from 'playwright'
import { chromiumPath, launchChromium } from '../site/chromium.ts'
import { type Shop, startShop } from '../site/shop.ts'
import { allToLoopback, type Place, worldHosts } from './cookie-world.ts'

export interface Answer {
  /** Set-Cookie lines as byte strings. */
  readonly lines?: readonly string[]
  readonly date?: string
}

/** A real Chromium before a real server that answers every path of the cookie world, for looking at cookies only. */
export interface CookieWire {
  readonly shop: Shop
  readonly context: BrowserContext
  url(place: Place): URL
  /** Navigates as if the user had typed the URL; gives the Cookie header that came, and answers with these lines. */
  visit(url: URL, answer?: Answer): Promise<string>
  /** Marks a request so that the server knows it again, and says how to answer it. */
  readonly expect: (url: URL, answer?: Answer) => Expected
  close(): Promise<void>
}

export interface Expected {
  /** To be requested as it is. */
  readonly href: string
  /** The Cookie header that came; rejects when nothing came within ten seconds. */
  readonly header: Promise<string>
}

export interface WireOptions {
  /** A profile in which pages of other sites may have cookies; default: as the browser has it. */
  readonly thirdPartyCookies?: 'allowed'
  readonly args?: readonly string[]
}

const paths = ['/', '/a', '/a/*', '/ab', '/A/*', '/a%20b/*', '/b'] as const

export async function openCookieWire(options: WireOptions = {}): Promise<CookieWire> {
  const shop = await startShop()
  const desk = new Desk()
  answerEverywhere(shop, desk)
  const { context, close } = await openContext(shop, options)
  const tab: CDPSession = await context.newCDPSession(await context.newPage())
  return {
    shop,
    context,
    url: ({ secure, host, path }) => new URL(secure ? shop.url(host, path) : shop.httpUrl(host, path)),
    expect: (url, answer = {}) => desk.expect(url, answer),
    async visit(url, answer = {}) {
      const { href, header } = desk.expect(url, answer)
      await tab.send('Page.navigate', { url: href })
      return header
    },
    async close() {
      await close()
      await shop.close()
    },
  }
}

/** Who waits for which request. */
class Desk {
  #next = 0
  readonly #waiting = new Map<string, { answer: Answer; came: (header: string) => void }>()

  expect(url: URL, answer: Answer): Expected {
    const id = String(this.#next++)
    const marked = new URL(url)
    marked.searchParams.set('ask', id)
    const header = new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Error(`No request for ${url.href}`))
      }, 60_000)
      const came = (cookie: string): void => {
        clearTimeout(timer)
        resolve(cookie)
      }
      this.#waiting.set(id, { answer, came })
    })
    header.catch(() => undefined) // heard by whoever waits for it
    return { href: marked.href, header }
  }

  /** How to answer a request that came with these cookies. */
  answer(target: string, cookie: string): Answer {
    const id = new URL(target, 'http://desk').searchParams.get('ask') ?? ''
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    waiting?.came(cookie)
    return waiting?.answer ?? {}
  }
}

function answerEverywhere(shop: Shop, desk: Desk): void {
  for (const host of worldHosts) {
    for (const path of paths)
      shop.on(host, path, (req, res) => {
        send(res, desk.answer(req.url ?? '/', req.headers.cookie ?? ''))
      })
    shop.on(host, '/page', (_, res) => {
      res.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>page</title>')
    })
  }
}

/** What node:http sends in a header; the rest is written by hand, at the price of the connection. */
const sendable = /^[\t\u0020-\u007e\u0080-\u00ff]*$/

/** 204: pages stay where they are, which makes a navigation cheap. */
function send(res: ServerResponse, { lines = [], date }: Answer): void {
  const headers = [
    ...(date === undefined ? [] : [['Date', date]]),
    ...lines.map((line) => ['Set-Cookie', line]),
  ]
  if (lines.every((line) => sendable.test(line))) {
    res.sendDate = false
    res.writeHead(204, headers.flat()).end()
    return
  }
  const written = headers.map(([name = '', value = '']) => `${name}: ${value}`)
  const head = ['HTTP/1.1 204 No Content', 'Connection: close', ...written, '\r\n'].join('\r\n')
  res.socket?.end(head, 'latin1')
}

interface OpenedContext {
  readonly context: BrowserContext
  readonly close: () => Promise<void>
}

async function openContext(shop: Shop, options: WireOptions): Promise<OpenedContext> {
  const args = [...allToLoopback, ...(options.args ?? [])]
  if (options.thirdPartyCookies === undefined) {
    const browser = await launchChromium(shop, { args })
    return { context: await browser.newContext(), close: () => browser.close() }
  }
  // A setting of the profile, so there must be one.
  const profile = await mkdtemp(join(tmpdir(), 'sessionbridge-profile-'))
  await mkdir(join(profile, 'Default'))
  const preferences = { profile: { cookie_controls_mode: 0, block_third_party_cookies: false } }
  await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences))
  const { chromium } = await import('playwright')
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: await chromiumPath(),
    chromiumSandbox: false,
    args: [...shop.browserArgs, ...args],
  })
  return {
    context,
    async close() {
      await context.close()
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const times = Number(process.env.SESSIONBRIDGE_ROUNDS ?? '1')

/** How many cases to generate: so many in `npm test`, so many times more where `SESSIONBRIDGE_ROUNDS` says so. */
export function rounds(usual: number): number {
  return usual * times
}

/** Whether there is time for what takes minutes. */
export const isLong = times > 1

/** Milliseconds for a test whose cases are counted by `rounds`. */
export const patience = 600_000 * Math.max(1, times / 4)
