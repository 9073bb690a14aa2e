import type { Frame, Page } from 'playwright'
import type { CookieContext } from '../../src/bridge/jar/cookie-context.ts'
import { siteOf } from '../../src/policy/public-suffix.ts'
import type { CookieWire, Expected } from './cookie-wire.ts'
import type { Place } from './cookie-world.ts'

/** The ways in which a page has a browser make a request, done for real, and what the engine is told of them. */

export const manners = ['typed', 'link', 'post', 'fetch', 'iframe', 'nested'] as const
export type Manner = (typeof manners)[number]

export interface Asking {
  readonly manner: Manner
  /** The page that asks; nobody's when an address is typed. */
  readonly page: Pick<Place, 'secure' | 'host'>
  /** For `nested`: the page's frame that asks. */
  readonly frame?: Pick<Place, 'secure' | 'host'>
}

/** What an HTTP client can say of such a request. */
export function contextOf({ manner, page, frame }: Asking): CookieContext {
  const topLevelSite = siteOfPlace(page)
  switch (manner) {
    case 'typed':
      return {}
    case 'link':
      return { topLevelSite, navigation: true }
    case 'post':
      return { topLevelSite, navigation: true, method: 'POST' }
    case 'fetch':
    case 'iframe':
      return { topLevelSite }
    case 'nested':
      return frame !== undefined && siteOfPlace(frame) === topLevelSite
        ? { topLevelSite }
        : { topLevelSite, sameSite: 'cross-site' }
  }
}

function siteOfPlace({ secure, host }: Asking['page']): string {
  return siteOf(new URL(`${secure ? 'https' : 'http'}://${host}`))
}

/** Browsers refuse these before any cookie is looked at: mixed content, and forms that leave https. */
export function isBlocked({ manner, page, frame }: Asking, target: Place): boolean {
  const secure = page.secure || frame?.secure === true
  return secure && !target.secure && manner !== 'typed' && manner !== 'link'
}

const pagePlace = (place: Pick<Place, 'secure' | 'host'>): Place => ({ ...place, path: '/page' })

/** A tab that asks in all manners. */
export class Asker {
  readonly #wire: CookieWire
  readonly #page: Page
  #standsOn = ''

  private constructor(wire: CookieWire, page: Page) {
    this.#wire = wire
    this.#page = page
  }

  static async open(wire: CookieWire): Promise<Asker> {
    return new Asker(wire, await wire.context.newPage())
  }

  /** Makes the requests and waits until their answers have been taken in; several at once where pages do so. */
  async ask(asking: Asking, requests: readonly Expected[]): Promise<string[]> {
    const came = Promise.all(requests.map(({ header }) => header))
    if (asking.manner === 'typed') {
      for (const { href } of requests)
        await this.#navigate(() => this.#page.goto(href).catch(() => null), href)
      return came
    }
    const frame = await this.#stand(asking)
    switch (asking.manner) {
      case 'fetch':
      case 'nested':
        await fetchAll(frame, requests)
        break
      case 'iframe':
        await Promise.all(
          requests.map(({ href }) => this.#navigate(() => frame.evaluate(addFrame, href), href)),
        )
        break
      case 'link':
        for (const { href } of requests) await this.#navigate(() => frame.evaluate(follow, href), href)
        break
      case 'post':
        for (const { href } of requests) await this.#navigate(() => frame.evaluate(submit, href), href)
        break
    }
    return came
  }

  /** Chromium tells of a response when its cookies have been stored. */
  async #navigate(start: () => Promise<unknown>, href: string): Promise<void> {
    const answered = this.#page.waitForEvent('response', { predicate: (response) => response.url() === href })
    await Promise.all([answered, start()])
  }

  async #stand({ manner, page, frame }: Asking): Promise<Frame> {
    const url = this.#wire.url(pagePlace(page)).href
    if (this.#standsOn !== url) await this.#page.goto(url)
    this.#standsOn = url
    const main = this.#page.mainFrame()
    if (manner !== 'nested' || frame === undefined) return main
    const inner = this.#wire.url(pagePlace(frame)).href
    const known = this.#page.frames().find((one) => one !== main && one.url() === inner)
    if (known !== undefined) return known
    const [loaded] = await Promise.all([
      this.#page.waitForEvent('framenavigated', { predicate: (one) => one.url() === inner }),
      main.evaluate(addFrame, inner),
    ])
    await loaded.waitForLoadState()
    return loaded
  }

  close(): Promise<void> {
    return this.#page.close()
  }
}

/** `no-cors`: the question is what goes out, not whether the page may read what comes back. */
async function fetchAll(frame: Frame, requests: readonly Expected[]): Promise<void> {
  await frame.evaluate(
    async (hrefs) => {
      const ask = (href: string): Promise<unknown> => fetch(href, { mode: 'no-cors', credentials: 'include' })
      await Promise.all(hrefs.map(ask))
    },
    requests.map(({ href }) => href),
  )
}

function addFrame(href: string): void {
  const frame = document.createElement('iframe')
  frame.src = href
  document.body.append(frame)
}

function follow(href: string): void {
  location.href = href
}

function submit(href: string): void {
  const form = document.createElement('form')
  form.method = 'post'
  form.action = href
  document.body.append(form)
  form.submit()
  form.remove()
}
