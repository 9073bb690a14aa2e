import type { EventEmitter } from 'node:events'
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { Cell } from '../../../src/state/cell.ts'
import { eventually } from '../../conformance/wait.ts'
import { item, stateOf, useStage } from '../context/stage.ts'
import { cookie, cookieIn, goLive, setItem } from './live-stage.ts'

const stage = useStage()

const events = [
  'page',
  'response',
  'request',
  'close',
  'framenavigated',
  'Runtime.bindingCalled',
  'DOMStorage.domStorageItemAdded',
  'DOMStorage.domStorageItemUpdated',
  'DOMStorage.domStorageItemRemoved',
  'DOMStorage.domStorageItemsCleared',
]

/** Listeners of every kind that the bridge uses. */
function listeners(...things: readonly unknown[]): number {
  return things
    .flatMap((thing) => events.map((event) => (thing as EventEmitter).listenerCount(event)))
    .reduce((sum, count) => sum + count, 0)
}

interface OpenSessions {
  readonly ofBrowser: ReadonlySet<CDPSession>
  readonly ofPages: ReadonlySet<CDPSession>
}

/** Protocol sessions that were opened from now on and not let go. */
function countSessions(browser: Browser, context: BrowserContext): OpenSessions {
  const [ofBrowser, ofPages] = [new Set<CDPSession>(), new Set<CDPSession>()]
  const follow = (session: CDPSession, open: Set<CDPSession>): CDPSession => {
    open.add(session)
    const detach = session.detach.bind(session)
    session.detach = () => detach().finally(() => open.delete(session))
    return session
  }
  const openOfBrowser = browser.newBrowserCDPSession.bind(browser)
  const openOfPage = context.newCDPSession.bind(context)
  browser.newBrowserCDPSession = async () => follow(await openOfBrowser(), ofBrowser)
  context.newCDPSession = async (page) => follow(await openOfPage(page), ofPages)
  return { ofBrowser, ofPages }
}

class CountingCell extends Cell {
  subscriptions = 0
  override subscribe(listener: Parameters<Cell['subscribe']>[0]): () => void {
    this.subscriptions += 1
    const end = super.subscribe(listener)
    return () => {
      this.subscriptions -= 1
      end()
    }
  }
}

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

describe('detaching', () => {
  test('fifty times leaves no listener, no timer, no protocol session and no script behind', async () => {
    await stage.inContext(async (context) => {
      const sessions = countSessions(stage.browser, context)
      const open = (): CDPSession[] => [...sessions.ofBrowser, ...sessions.ofPages]
      const origin = stage.origin('shop.test')
      const cell = new CountingCell(
        { ...stateOf({ origin, localStorage: [item('k', '0')] }), cookies: [cookie('a', '0')] },
        1,
      )
      const page: Page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/blank'))
      const visit = async (n: number): Promise<void> => {
        const { live } = await goLive(context, cell)
        cell.setCookie(cookie('a', String(n)), 'test')
        setItem(cell, origin, 'localStorage', 'k', String(n))
        await live.finish()
      }
      await visit(1)
      const pageSession = await context.newCDPSession(page)
      await pageSession.detach()
      const [held, heard, ticking] = [open(), listeners(context, page, ...open()), timers()]
      // One of the browser for all cookies, one of the page for its storage; they live as long as these.
      expect([sessions.ofBrowser.size, sessions.ofPages.size]).toEqual([1, 1])
      for (let n = 2; n <= 51; n += 1) await visit(n)
      expect(open()).toEqual(held)
      expect(listeners(context, page, ...open())).toBe(heard)
      expect(cell.subscriptions).toBe(0)
      // One for each visit would be fifty; a few may be of vitest, which has just told something.
      expect(timers()).toBeLessThan(ticking + 25)
      await eventually(() => Promise.resolve(timers() <= ticking || undefined))
      expect(await page.evaluate(() => [document.cookie, localStorage.getItem('k')])).toEqual(['a=51', '51'])
      expect(heard).toBeLessThan(12) // the control of the count: some are the bridge's seeding and Playwright's own
    })
  })

  test('takes home what nobody has told: IndexedDB, and cookies written a moment ago', async () => {
    await stage.inContext(async (context) => {
      const { live, cell } = await goLive(context)
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/blank'))
      await page.evaluate(
        () =>
          new Promise<void>((resolve, reject) => {
            const opening = indexedDB.open('db', 1)
            opening.onupgradeneeded = () => opening.result.createObjectStore('s').put('v', 'k')
            opening.onerror = () => {
              reject(new Error('not opened'))
            }
            opening.onsuccess = () => {
              opening.result.close()
              resolve()
            }
          }),
      )
      await page.evaluate(() => (document.cookie = 'late=1; path=/'))
      await live.finish()
      expect(cookieIn(cell, 'late')).toBe('1')
      expect(cell.origin(stage.origin('shop.test'))?.indexedDB?.map(({ name }) => name)).toEqual(['db'])
    })
  })

  test('happens by itself when the context is closed; what was in step is home', async () => {
    const cell = new CountingCell()
    const context = await stage.browser.newContext()
    const { live } = await goLive(context, cell)
    const page = await context.newPage()
    await page.goto(stage.shop.url('shop.test', '/blank'))
    await page.evaluate(() => (document.cookie = 'a=1; path=/'))
    await live.settle()
    await context.close()
    await live.stop()
    expect(cell.subscriptions).toBe(0)
    expect(cookieIn(cell, 'a')).toBe('1')
    cell.setCookie(cookie('b', '2'), 'test')
    expect(cookieIn(cell, 'b')).toBe('2')
  })

  test('does not wait for a page that hangs', async () => {
    await stage.inContext(async (context) => {
      const { live, cell } = await goLive(context)
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/stuck?ms=600000'))
      await live.settle()
      void page.evaluate('hang()').catch(() => undefined)
      cell.setCookie(cookie('a', '1'), 'test')
      await live.finish() // the page hangs for longer than this test may last
      expect((await context.cookies()).map(({ name }) => name)).toContain('a')
    })
  })
})
