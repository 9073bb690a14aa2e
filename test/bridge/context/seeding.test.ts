import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { applyState } from '../../../src/bridge/context/apply.ts'
import { captureState } from './patient-capture.ts'
import type { OriginState } from '../../../src/state/state.ts'
import { item, itemsIn, originIn, stateOf, useStage } from './stage.ts'

const stage = useStage()

const signedIn = (host: string): OriginState => ({
  origin: stage.origin(host),
  localStorage: [item('auth', 'local token'), item('theme', 'dark')],
  sessionStorage: [item('tab', 'session token')],
})

const local = { auth: 'local token', theme: 'dark' }
const session = { tab: 'session token' }

async function logOut(page: Page): Promise<void> {
  await page.evaluate(() => {
    localStorage.clear()
    sessionStorage.clear()
  })
}

describe('a seeded origin', () => {
  test('finds its storage before its first script runs', async () => {
    stage.page(
      '/first',
      `document.title = localStorage.getItem('auth') + ', ' + sessionStorage.getItem('tab')`,
    )
    await stage.inContext(async (context) => {
      await applyState(context, stateOf(signedIn('shop.test')))
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/first'))
      expect(await page.title()).toBe('local token, session token')
    })
  })

  test('keeps a token that the app has refreshed, over a reload', async () => {
    await stage.inContext(async (context) => {
      await applyState(context, stateOf(signedIn('shop.test')))
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/blank'))
      await page.evaluate(() => {
        sessionStorage.setItem('tab', 'refreshed')
        localStorage.setItem('auth', 'refreshed')
      })
      await page.reload()
      expect(await itemsIn(page, 'sessionStorage')).toEqual({ tab: 'refreshed' })
      expect(await itemsIn(page, 'localStorage')).toEqual({ auth: 'refreshed', theme: 'dark' })
    })
  })

  test('stays logged out after a logout: reloaded, navigated, left and come back to, in another tab', async () => {
    await stage.inContext(async (context) => {
      await applyState(context, stateOf(signedIn('shop.test')))
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/blank'))
      await logOut(page)
      const steps = [
        () => page.reload(),
        () => page.goto(stage.shop.url('shop.test', '/blank?again')),
        () => page.goto(stage.shop.url('id.test', '/blank')),
        () => page.goto(stage.shop.url('shop.test', '/blank?back')),
        () => page.goto('about:blank'),
        () => page.goto(stage.shop.url('shop.test', '/blank')),
      ]
      for (const step of steps) {
        await step()
        if (!page.url().includes('//shop.test')) continue
        expect(await itemsIn(page, 'localStorage')).toEqual({})
        expect(await itemsIn(page, 'sessionStorage')).toEqual({})
      }
      const other = await context.newPage()
      await other.goto(stage.shop.url('shop.test', '/blank'))
      expect(await itemsIn(other, 'localStorage')).toEqual({})
    })
  })

  test('stays logged out when its very first script logs out and goes on at once', async () => {
    stage.page('/eager', `localStorage.clear(); sessionStorage.clear(); location.replace('/landed')`)
    stage.page('/landed', `document.title = localStorage.length + sessionStorage.length`)
    for (let round = 0; round < 5; round += 1)
      await stage.inContext(async (context) => {
        await applyState(context, stateOf(signedIn('shop.test')))
        const page = await context.newPage()
        await page.goto(stage.shop.url('shop.test', '/eager'))
        await page.waitForURL('**/landed')
        expect(await page.title()).toBe('0')
      })
  })

  test('stays logged out for the iframes of a page that logs out while it is parsed', async () => {
    stage.page(
      '/parent',
      `localStorage.clear(); sessionStorage.clear(); onmessage = (event) => { document.title += event.data }
      for (let n = 0; n < 3; n++) document.body.append(Object.assign(document.createElement('iframe'), { src: '/child' }))`,
    )
    stage.page('/child', `parent.postMessage(localStorage.length + sessionStorage.length)`)
    await stage.inContext(async (context) => {
      await applyState(context, stateOf(signedIn('shop.test')))
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/parent'))
      await page.waitForFunction(() => document.title.endsWith('000'))
    })
  })

  test('gives each new tab its sessionStorage once, and a pop-up that of its opener', async () => {
    await stage.inContext(async (context) => {
      await applyState(context, stateOf(signedIn('shop.test')))
      const first = await context.newPage()
      await first.goto(stage.shop.url('shop.test', '/blank'))
      await first.evaluate(() => {
        sessionStorage.setItem('tab', 'mine')
      })
      const second = await context.newPage()
      await second.goto(stage.shop.url('shop.test', '/blank'))
      expect(await itemsIn(second, 'sessionStorage')).toEqual(session)

      const [popup] = await Promise.all([
        first.waitForEvent('popup'),
        first.evaluate(() => {
          open('/blank?popup')
        }),
      ])
      await popup.waitForURL('**/blank?popup')
      expect(await itemsIn(popup, 'sessionStorage')).toEqual({ tab: 'mine' })

      const [foreign] = await Promise.all([
        first.waitForEvent('popup'),
        first.evaluate(
          (url) => {
            open(url)
          },
          stage.shop.url('id.test', '/blank'),
        ),
      ])
      await foreign.waitForURL('**/blank')
      expect(await itemsIn(foreign, 'sessionStorage')).toEqual({})
    })
  })

  test('is seeded in a pop-up, in an iframe of the same site, and after a redirect', async () => {
    await stage.inContext(async (context) => {
      await applyState(
        context,
        stateOf(signedIn('shop.test'), signedIn('api.shop.test'), signedIn('id.test')),
      )
      const page = await context.newPage()
      const target = encodeURIComponent(stage.shop.url('shop.test', '/blank'))
      await page.goto(stage.shop.url('help.shop.test', `/redirect?to=${target}`))
      expect(await itemsIn(page, 'localStorage')).toEqual(local)

      await page.evaluate(
        (src) => {
          document.body.append(Object.assign(document.createElement('iframe'), { src }))
        },
        stage.shop.url('api.shop.test', '/blank'),
      )
      await page.waitForFunction(() => frames.length === 1)
      const frame = page.frames()[1]
      await frame?.waitForURL('**/blank')
      expect(await frame?.evaluate(() => localStorage.getItem('auth'))).toBe('local token')

      const [popup] = await Promise.all([
        page.waitForEvent('popup'),
        page.evaluate(
          (url) => {
            open(url)
          },
          stage.shop.url('id.test', '/blank'),
        ),
      ])
      await popup.waitForURL('**/blank')
      expect(await itemsIn(popup, 'localStorage')).toEqual(local)
      expect(await itemsIn(popup, 'sessionStorage')).toEqual(session)
    })
  })

  test('is seeded in two tabs that arrive at the same time, and holds nothing that the app did not put there', async () => {
    await stage.inContext(async (context) => {
      await applyState(context, stateOf(signedIn('shop.test')))
      const tabs = await Promise.all([context.newPage(), context.newPage()])
      await Promise.all(tabs.map((page) => page.goto(stage.shop.url('shop.test', '/blank'))))
      for (const page of tabs) {
        expect(await itemsIn(page, 'localStorage')).toEqual(local)
        expect(await itemsIn(page, 'sessionStorage')).toEqual(session)
        await page.goto(stage.shop.url('id.test', '/blank'))
        await page.goto(stage.shop.url('shop.test', '/blank'))
        expect(await itemsIn(page, 'sessionStorage')).toEqual(session)
      }
    })
  })

  test('stays logged out in a tab that comes back while the seeds of another origin are taken in', async () => {
    const hosts = ['shop.test', 'o1.many.test', 'o2.many.test', 'o3.many.test', 'o4.many.test']
    await stage.inContext(async (context) => {
      await applyState(context, stateOf(...hosts.map(signedIn)))
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/blank'))
      await logOut(page)
      for (const host of hosts.slice(1)) {
        // Each first visit replaces the init script; coming back at once meets both.
        await page.goto(stage.shop.url(host, '/blank'), { waitUntil: 'commit' })
        await page.goto(stage.shop.url('shop.test', '/blank'), { waitUntil: 'commit' })
        expect(await itemsIn(page, 'sessionStorage')).toEqual({})
      }
    })
  })

  test("is seeded beside what the user's own init script puts there", async () => {
    await stage.inContext(async (context) => {
      await context.addInitScript(() => {
        if (self.origin !== 'null') localStorage.setItem('theme', 'light')
      })
      await applyState(context, stateOf(signedIn('shop.test')))
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/blank'))
      expect(await itemsIn(page, 'localStorage')).toEqual({ auth: 'local token', theme: 'light' })
    })
  })

  test('waits on when its first document has no storage, and says so', async () => {
    stage.page('/sandboxed', '', { 'content-security-policy': 'sandbox allow-scripts' })
    await stage.inContext(async (context) => {
      const told = new Promise((resolve) => {
        void applyState(context, stateOf(signedIn('shop.test')), { onReport: resolve }).then(async () => {
          const page = await context.newPage()
          await page.goto(stage.shop.url('shop.test', '/sandboxed'))
        })
      })
      expect(await told).toMatchObject({
        kind: 'origin',
        where: stage.origin('shop.test'),
        reason: 'refused',
      })
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/blank'))
      expect(await itemsIn(page, 'localStorage')).toEqual(local)
    })
  })
})

describe('capture after a visit', () => {
  test('gives unvisited origins back as they were put on, the very same objects, and opens none of them', async () => {
    await stage.inContext(async (context) => {
      const hosts = ['shop.test', 'id.test', 'o1.many.test', 'o2.many.test']
      const state = stateOf(...hosts.map(signedIn))
      await applyState(context, state)
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/blank'))
      await page.evaluate(() => {
        localStorage.setItem('auth', 'refreshed')
        localStorage.removeItem('theme')
      })
      let opened = 0
      context.on('page', () => (opened += 1))
      const found = await captureState(context)
      expect(opened).toBe(0)
      expect(found.report).toEqual([])
      expect(originIn(found.state, stage.origin('shop.test'))).toEqual({
        ...signedIn('shop.test'),
        localStorage: [item('auth', 'refreshed')],
      })
      for (const host of hosts.slice(1))
        expect(originIn(found.state, stage.origin(host))).toBe(originIn(state, stage.origin(host)))
    })
  })

  test('sees a logout, although the page is closed, and keeps the sessionStorage that nobody saw deleted', async () => {
    await stage.inContext(async (context) => {
      const state = stateOf(signedIn('shop.test'), signedIn('id.test'))
      await applyState(context, state)
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/blank'))
      await page.evaluate(() => {
        localStorage.clear()
      })
      await page.goto(stage.shop.url('id.test', '/blank'))
      const found = await captureState(context)
      expect(originIn(found.state, stage.origin('shop.test'))).toEqual({
        origin: stage.origin('shop.test'),
        localStorage: [],
        sessionStorage: [item('tab', 'session token')],
      })
      expect(originIn(found.state, stage.origin('id.test'))).toBe(originIn(state, stage.origin('id.test')))
    })
  })

  test('drops an origin that the app has emptied', async () => {
    await stage.inContext(async (context) => {
      await applyState(context, stateOf(signedIn('shop.test')))
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/blank'))
      await logOut(page)
      expect((await captureState(context)).state.origins).toEqual([])
    })
  })
})
