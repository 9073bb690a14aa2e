import { describe, expect, test } from 'vitest'
import { captureState } from './patient-capture.ts'
import { applyState } from '../../../src/bridge/context/apply.ts'
import { watchOrigins } from '../../../src/bridge/context/visited.ts'
import type { StorageItem } from '../../../src/state/state.ts'
import { item, originIn, putItems, sorted, stateOf, useStage } from './stage.ts'

const stage = useStage()

describe('capture', () => {
  test('reads origins whose pages are closed, told or known', async () => {
    for (const told of [true, false])
      await stage.inContext(async (context) => {
        const watch = watchOrigins(context)
        for (const host of ['o1.many.test', 'o2.many.test', 'o3.many.test']) {
          const page = await context.newPage()
          await page.goto(stage.shop.url(host, '/seed?items=2'))
          await page.close()
        }
        watch.stop()
        expect([...watch.origins]).toEqual(
          ['o1', 'o2', 'o3'].map((name) => stage.origin(`${name}.many.test`)),
        )
        const { state, report } = await captureState(context, told ? { origins: watch.origins } : {})
        expect(report).toEqual([])
        expect(state.origins.map(({ localStorage }) => localStorage.length)).toEqual([2, 2, 2])
        expect(context.pages()).toEqual([])
      })
  })

  test('loses a hung page only its tab, reads the rest by another page, and is back within the deadline', async () => {
    await stage.inContext(async (context) => {
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/stuck?ms=600000'))
      const fine = await context.newPage()
      await fine.goto(stage.shop.url('id.test', '/seed'))
      await page.evaluate(() => {
        setTimeout(() => {
          ;(window as unknown as { hang(): void }).hang()
        }, 0)
      })
      const begun = performance.now()
      const { state, report } = await captureState(context, { timeout: 16_000 })
      // Half of its time for the hung page, half for the other one.
      expect(performance.now() - begun).toBeLessThan(25_000)
      expect(report).toEqual([
        expect.objectContaining({
          kind: 'sessionStorage',
          where: stage.origin('shop.test'),
          reason: 'timed-out',
        }),
      ])
      expect(originIn(state, stage.origin('shop.test'))?.localStorage).toEqual([item('stuck', 'yes')])
      expect(originIn(state, stage.origin('id.test'))?.localStorage).toHaveLength(3)
    })
  })

  test('reads what stands there now, however often the document has changed since it was last read', async () => {
    await stage.inContext(async (context) => {
      const page = await context.newPage()
      const local = async (host: string): Promise<readonly StorageItem[] | undefined> => {
        const { state, report } = await captureState(context)
        expect(report).toEqual([])
        return originIn(state, stage.origin(host))?.localStorage
      }
      let n = 0
      const write = async (): Promise<StorageItem[]> => {
        n += 1
        await putItems(page, 'localStorage', [item('n', String(n))])
        return [item('n', String(n))]
      }
      await page.goto(stage.shop.url('shop.test', '/blank'))
      expect(await write()).toEqual(await local('shop.test'))
      await page.reload()
      expect(await write()).toEqual(await local('shop.test'))
      await page.goto(stage.shop.url('shop.test', '/blank?again'))
      expect(await write()).toEqual(await local('shop.test'))
      await page.goto(stage.shop.url('id.test', '/blank'))
      expect(await write()).toEqual(await local('id.test'))
      await page.goBack()
      expect(await local('shop.test')).toEqual([item('n', '3')])
      expect(await write()).toEqual(await local('shop.test'))
    })
  })

  test('ends with the reason of its signal, and leaves no page of ours behind', async () => {
    await stage.inContext(async (context) => {
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/stuck?ms=600000'))
      await page.evaluate(() => {
        setTimeout(() => {
          ;(window as unknown as { hang(): void }).hang()
        }, 0)
      })
      const abort = new AbortController()
      const reason = new Error('enough')
      const capture = captureState(context, { signal: abort.signal })
      setTimeout(() => {
        abort.abort(reason)
      }, 300)
      await expect(capture).rejects.toBe(reason) // the page hangs for longer than this test may last
      await expect(captureState(context, { signal: abort.signal })).rejects.toBe(reason)
      await expect.poll(() => context.pages()).toEqual([page])
    })
  })

  test('reads a page that has replaced what reading needs', async () => {
    stage.page(
      '/hostile',
      `localStorage.setItem('real', 'value'); sessionStorage.setItem('real', 'tab')
       Storage.prototype.getItem = Storage.prototype.key = () => 'forged'
       Array.prototype.toJSON = () => 'forged'; JSON.stringify = () => 'forged'
       Promise.prototype.then = Array.from = () => { throw new Error('forged') }`,
    )
    await stage.inContext(async (context) => {
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/hostile'))
      const { state, report } = await captureState(context)
      expect(report).toEqual([])
      expect(state.origins).toEqual([
        {
          origin: stage.origin('shop.test'),
          localStorage: [item('real', 'value')],
          sessionStorage: [item('real', 'tab')],
        },
      ])
    })
  })

  test('reads an origin whose service worker would answer in its place', async () => {
    stage.shop.on('*', '/worker.js', (_, res) => {
      res.writeHead(200, { 'content-type': 'text/javascript' })
      res.end(
        `onfetch = (event) => event.respondWith(new Promise(() => {}))
         oninstall = () => skipWaiting(); onactivate = (event) => event.waitUntil(clients.claim())`,
      )
    })
    await stage.inContext(async (context) => {
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/seed'))
      await page.evaluate(async () => {
        await navigator.serviceWorker.register('/worker.js')
        await navigator.serviceWorker.ready
      })
      await page.close()
      const { state, report } = await captureState(context, { timeout: 30_000 })
      expect(report).toEqual([])
      expect(state.origins[0]?.localStorage).toHaveLength(3)
    })
  })

  test('merges the sessionStorage of tabs: what is news wins, nothing that a tab holds is lost', async () => {
    await stage.inContext(async (context) => {
      const origin = stage.origin('shop.test')
      const worn = { origin, localStorage: [], sessionStorage: [item('token', 'old'), item('gone', 'x')] }
      await applyState(context, stateOf(worn))
      const [older, younger] = [await context.newPage(), await context.newPage()]
      for (const page of [older, younger]) {
        await page.goto(stage.shop.url('shop.test', '/blank'))
        await page.evaluate(() => {
          sessionStorage.removeItem('gone')
        })
      }
      await putItems(older, 'sessionStorage', [item('token', 'refreshed'), item('older', '1')])
      await putItems(younger, 'sessionStorage', [item('younger', '2')])
      const { state } = await captureState(context)
      expect(sorted(originIn(state, origin)?.sessionStorage)).toEqual([
        item('older', '1'),
        item('token', 'refreshed'),
        item('younger', '2'),
      ])
    })
  })

  test('reads iframes of other origins beside pages of theirs, and passes by sandboxed ones', async () => {
    await stage.inContext(async (context) => {
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/seed'))
      for (const [url, sandbox] of [
        [stage.shop.url('api.shop.test', '/seed?items=4'), undefined],
        [stage.shop.url('help.shop.test', '/blank'), 'allow-scripts'],
      ] as const) {
        await page.evaluate(
          async ([src, sandboxed]) => {
            const frame = Object.assign(document.createElement('iframe'), { src })
            if (sandboxed !== undefined) frame.setAttribute('sandbox', sandboxed)
            const loaded = new Promise((resolve) => (frame.onload = resolve))
            document.body.append(frame)
            await loaded
          },
          [url, sandbox] as const,
        )
      }
      await putItems(page.frames()[1] ?? page, 'sessionStorage', [item('framed', '1')])
      const whole = await context.newPage()
      await whole.goto(stage.shop.url('api.shop.test', '/blank'))
      await putItems(whole, 'sessionStorage', [item('whole', '2')])
      const { state, report } = await captureState(context)
      expect(report).toEqual([])
      expect(originIn(state, stage.origin('api.shop.test'))?.sessionStorage).toEqual([
        item('framed', '1'),
        item('whole', '2'),
      ])
      expect(state.origins.map(({ origin, localStorage }) => [origin, localStorage.length])).toEqual([
        [stage.origin('shop.test'), 3],
        [stage.origin('api.shop.test'), 4],
      ])
    })
  })
})
