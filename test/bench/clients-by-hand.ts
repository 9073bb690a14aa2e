import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { gotScraping } from 'got-scraping'
import { CookieJar } from 'tough-cookie'
import { Agent } from 'undici'
import type { Session } from '../../src/index.ts'
import { loadImpit } from '../site/foreign-clients.ts'

/** One request of one client; the text of its answer. */
export interface Asking {
  readonly name: string
  ask(url: string): Promise<unknown>
  close?(): Promise<void>
}

export const impitBrowser = 'chrome151'

/** What people write who have no session: the same cookies, put in by hand. */
export async function clientsByHand(session: Session, origin: string): Promise<Asking[]> {
  const headers = session.headersFor(`${origin}/`)
  const cookie = headers.find(([name]) => name === 'Cookie')?.[1] ?? ''
  const fixed = Object.fromEntries(headers.filter(([name]) => name !== 'Cookie'))
  return [
    undiciConstant(headers.flat()),
    gotDefaults(cookie),
    gotTuned(fixed, await jarOf(cookie, origin)),
    await impitWithJar(await jarOf(cookie, origin)),
  ]
}

async function jarOf(cookie: string, origin: string): Promise<CookieJar> {
  const jar = new CookieJar()
  for (const pair of cookie.split('; ')) await jar.setCookie(`${pair}; Path=/`, origin)
  return jar
}

export function undiciConstant(headers: string[]): Asking {
  const agent = new Agent()
  return {
    name: 'undici, constant cookie',
    async ask(url) {
      const { origin, pathname: path, search } = new URL(url)
      const { body } = await agent.request({ origin, path: path + search, method: 'GET', headers })
      return body.text()
    },
    close: () => agent.close(),
  }
}

/** What its README shows, and the session's cookies. */
function gotDefaults(cookie: string): Asking {
  return {
    name: 'got-scraping, defaults',
    ask: (url) => gotScraping(url, { headers: { cookie } }).text(),
  }
}

/** What somebody writes who has measured: no header generation, a keep-alive agent of its own, a tough-cookie jar. */
function gotTuned(fixed: Record<string, string>, cookieJar: CookieJar): Asking {
  const agent = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) }
  const got = gotScraping.extend({
    agent,
    cookieJar,
    http2: false,
    context: { headerGenerator: { getHeaders: () => fixed } },
  })
  return {
    name: 'got-scraping, tuned, tough-cookie jar',
    ask: (url) => got(url).text(),
    close() {
      agent.http.destroy()
      agent.https.destroy()
      return Promise.resolve()
    },
  }
}

async function impitWithJar(cookieJar: CookieJar): Promise<Asking> {
  const { Impit } = await loadImpit()
  const impit = new Impit({ browser: impitBrowser, cookieJar } as never)
  return {
    name: 'impit, tough-cookie jar',
    async ask(url) {
      const answer = await impit.fetch(url, {} as never)
      return (answer as unknown as Response).text()
    },
  }
}
