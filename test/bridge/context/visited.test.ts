import { describe, expect, test } from 'vitest'
import { knownOrigins } from '../../../src/bridge/context/known-origins.ts'
import { askOrigins } from '../../../src/bridge/context/own-pages.ts'
import { watchOrigins } from '../../../src/bridge/context/visited.ts'
import { webOrigin } from '../../../src/bridge/context/web-origin.ts'
import { useStage } from './stage.ts'

const stage = useStage()

describe('watchOrigins', () => {
  test('sees pages, pop-ups and iframes, but no origin that only redirected, and no page of ours', async () => {
    await stage.inContext(async (context) => {
      const early = await context.newPage()
      await early.goto(stage.shop.url('shop.test', '/blank'))
      const watch = watchOrigins(context)
      expect([...watch.origins]).toEqual([stage.origin('shop.test')])

      const target = encodeURIComponent(stage.shop.url('help.shop.test', '/blank'))
      const page = await context.newPage()
      await page.goto(stage.shop.url('id.test', `/redirect?to=${target}`))
      await page.evaluate(
        async (src) => {
          const frame = document.body.appendChild(document.createElement('iframe'))
          await new Promise((resolve) => {
            frame.onload = resolve
            frame.src = src
          })
        },
        stage.shop.url('widget.test', '/blank'),
      )
      await Promise.all([
        page.waitForEvent('popup'),
        page.evaluate(
          (url) => {
            open(url)
          },
          stage.shop.url('api.shop.test', '/blank'),
        ),
      ])
      const ours = { origin: stage.origin('cdn.tracker.test'), expression: 'self.origin' }
      expect(await askOrigins(context, [ours], { timeout: 60_000 })).toEqual([
        { origin: ours.origin, text: ours.origin },
      ])

      const seen = ['shop.test', 'help.shop.test', 'widget.test', 'api.shop.test'].map((host) =>
        stage.origin(host),
      )
      expect([...watch.origins]).toEqual(seen)
      watch.stop()
      await page.goto(stage.shop.httpUrl('shop.test', '/blank'))
      expect([...watch.origins]).toEqual(seen)
    })
  })
})

describe('knownOrigins', () => {
  test('knows where closed pages stood without being told and without opening a page', async () => {
    await stage.inContext(async (context) => {
      for (const host of ['shop.test', 'id.test']) {
        const page = await context.newPage()
        await page.goto(stage.shop.url(host, '/blank'))
        await page.close()
      }
      let opened = 0
      context.on('page', () => (opened += 1))
      // Playwright's public way visits every origin and tells only those with localStorage: here, none.
      const known = await knownOrigins(context, { timeout: 60_000 })
      expect([...known]).toEqual([stage.origin('shop.test'), stage.origin('id.test')])
      expect(opened).toBe(0)
    })
  })
})

describe('webOrigin', () => {
  test('is the origin of http and https URLs, and nothing for all others', () => {
    expect(webOrigin('https://shop.test:8443/a?b#c')).toBe('https://shop.test:8443')
    expect(webOrigin('HTTP://user:secret@Shop.Test:80/')).toBe('http://shop.test')
    const others = [
      'about:blank',
      'blob:https://shop.test/1',
      'data:,x',
      'file:///a',
      'javascript:0',
      'chrome-error://x/',
      '',
      'null',
    ]
    for (const url of others) expect(webOrigin(url)).toBeUndefined()
  })
})
