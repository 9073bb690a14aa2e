import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyState } from '../../../src/bridge/context/apply.ts'
import { captureState } from '../../../src/bridge/context/capture.ts'
import { watchOrigins } from '../../../src/bridge/context/visited.ts'
import type { StorageItem } from '../../../src/state/state.ts'
import { item, originIn, putItems, sorted, stateOf, useStage } from './stage.ts'

const stage = useStage()

const hardItems: StorageItem[] = [
  item('', 'an empty key'),
  item('empty', ''),
  item('length', '7'),
  item('getItem', 'not a function'),
  item('key', 'k'),
  item('__proto__', '{"polluted":true}'),
  item('constructor', 'c'),
  item('0', 'index'),
  item('emoji 🦊', '👩‍👩‍👧 ✓'),
  item('lone \ud800', 'low \udc00 high \udbff end'),
  item('nul\u0000key', 'a\u0000b'),
  item('line\u2028\u2029', '\r\n\t</script><!--'),
  item('quotes', `'"\`\${x}\\`),
  item('\ufeffbom', '\uffff\ufffe'),
]

describe('capture and apply', () => {
  test('carry every kind of key and value to another context, unchanged', async () => {
    const first = await stage.inContext(async (context) => {
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/blank'))
      await putItems(page, 'localStorage', hardItems)
      await putItems(page, 'sessionStorage', hardItems)
      return captureState(context)
    })
    const origin = stage.origin('shop.test')
    expect(first.report).toEqual([])
    expect(sorted(originIn(first.state, origin)?.localStorage)).toEqual(sorted(hardItems))
    expect(sorted(originIn(first.state, origin)?.sessionStorage)).toEqual(sorted(hardItems))

    const second = await stage.inContext(async (context) => {
      expect(await applyState(context, first.state)).toEqual([])
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/blank'))
      // Read anew, not taken from what was put on: `previous` and the seeding would both hide a loss.
      const held = await page.evaluate(() => [
        Array.from({ length: localStorage.length }, (_, at) => JSON.stringify(localStorage.key(at))),
        Array.from({ length: sessionStorage.length }, (_, at) => JSON.stringify(sessionStorage.key(at))),
      ])
      const names = hardItems.map(({ name }) => JSON.stringify(name)).sort()
      expect(held.map((keys) => keys.sort())).toEqual([names, names])
      return captureState(context)
    })
    expect(second.report).toEqual([])
    expect(second.state).toEqual(first.state)
  })

  test('carry any items of any origin: what is read back is what was put on', async () => {
    const text = fc.string({
      unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    })
    const name = fc.oneof(text, fc.constantFrom('', 'length', '__proto__', 'key', 'toString', '1'))
    const items = fc.uniqueArray(fc.record({ name, value: text }), {
      selector: (entry) => entry.name,
      maxLength: 6,
    })
    const origins = fc
      .sample(items, 40)
      .map((localStorage, at) => ({ origin: stage.origin(`r${String(at)}.many.test`), localStorage }))
      .filter(({ localStorage }) => localStorage.length > 0)
    const strange = origins
      .flatMap(({ localStorage }) => localStorage)
      .filter(({ value }) => /\p{Surrogate}/u.test(value))
    expect(strange.length).toBeGreaterThan(5)
    await stage.inContext(async (context) => {
      expect(await applyState(context, stateOf(...origins))).toEqual([])
      // Told to be visited, so that each is really read: pages of ours are seeded like all others.
      const { state, report } = await captureState(context, { origins: origins.map(({ origin }) => origin) })
      expect(report).toEqual([])
      const found = Object.fromEntries(
        state.origins.map((entry) => [entry.origin, sorted(entry.localStorage)]),
      )
      const wanted = Object.fromEntries(origins.map((entry) => [entry.origin, sorted(entry.localStorage)]))
      expect(found).toEqual(wanted)
      // The control: Playwright's own reading loses a key named "length" and every lone surrogate.
      const theirs = (await context.storageState()).origins
      expect(
        Object.fromEntries(theirs.map((entry) => [entry.origin, sorted(entry.localStorage)])),
      ).not.toEqual(wanted)
    })
  })

  test('carry a 5 MB item and leave out only the one that does not fit', async () => {
    const origin = stage.origin('shop.test')
    const local = [item('a', '1'), item('huge', 'ü'.repeat(4_900_000)), item('z', '2')]
    const session = [item('big', 'x'.repeat(2_100_000))]
    const other = { origin: stage.origin('id.test'), localStorage: [item('other', 'origin')] }
    await stage.inContext(async (context) => {
      const more = [...local.slice(0, 2), item('too much', 'x'.repeat(400_000)), ...local.slice(2)]
      const full = { origin, localStorage: more, sessionStorage: session }
      expect(await applyState(context, stateOf(full, other))).toEqual([
        expect.objectContaining({ kind: 'localStorage', name: 'too much', where: origin, reason: 'too-big' }),
      ])
      for (const host of ['shop.test', 'id.test']) {
        const page = await context.newPage()
        await page.goto(stage.shop.url(host, '/blank'))
      }
      const { state, report } = await captureState(context)
      expect(report).toEqual([])
      // Booleans: a difference of megabytes is no message for anybody.
      const found = originIn(state, origin)
      const isSame = (held: readonly StorageItem[] = [], wanted: readonly StorageItem[]): boolean =>
        JSON.stringify(sorted(held)) === JSON.stringify(sorted(wanted))
      expect(found?.localStorage.map(({ name }) => name).sort()).toEqual(['a', 'huge', 'z'])
      expect(isSame(found?.localStorage, local)).toBe(true)
      expect(isSame(found?.sessionStorage, session)).toBe(true)
      expect(originIn(state, other.origin)).toEqual(other)
    })
  })

  test('leave out what is no web origin, and say so', async () => {
    await stage.inContext(async (context) => {
      const nothing = ['javascript:alert(1)', 'file:///etc', 'null', 'about:blank', 'data:,x', '']
      const good = { origin: stage.origin('shop.test'), localStorage: [item('a', '1')] }
      const bad = nothing.map((origin) => ({ origin, localStorage: [item('a', '1')] }))
      const report = await applyState(context, stateOf(...bad, good))
      expect(report.map(({ kind, name, reason }) => [kind, name, reason])).toEqual(
        nothing.map((origin) => ['origin', origin, 'unsupported']),
      )
      const page = await context.newPage()
      await page.goto(stage.shop.url('shop.test', '/blank'))
      expect((await captureState(context)).state.origins).toEqual([good])
    })
  })

  test('replace what a used context holds: open pages, closed pages, an earlier state', async () => {
    await stage.inContext(async (context) => {
      const earlier = (host: string) => ({ origin: stage.origin(host), localStorage: [item('old', host)] })
      await applyState(context, stateOf(earlier('o1.many.test'), earlier('o2.many.test')))
      const open = await context.newPage()
      await open.goto(stage.shop.url('shop.test', '/blank'))
      await putItems(open, 'localStorage', [item('old', 'shop.test')])
      await putItems(open, 'sessionStorage', [item('old', 'tab')])
      for (const host of ['id.test', 'o1.many.test']) {
        const page = await context.newPage()
        await page.goto(stage.shop.url(host, '/seed'))
        await page.close()
      }
      const fresh = (host: string) => ({
        origin: stage.origin(host),
        localStorage: [item('new', host)],
        sessionStorage: [item('new', 'tab')],
      })
      const state = stateOf(fresh('shop.test'), fresh('o1.many.test'))
      expect(await applyState(context, state)).toEqual([])
      for (const host of ['id.test', 'o1.many.test', 'o2.many.test']) {
        const page = await context.newPage()
        await page.goto(stage.shop.url(host, '/blank'))
      }
      const found = await captureState(context)
      expect(found.state.origins).toEqual(state.origins)
      await open.reload()
      expect((await captureState(context)).state.origins).toEqual(state.origins)
    })
  })
})

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
      await page.goto(stage.shop.url('shop.test', '/stuck?ms=12000'))
      const fine = await context.newPage()
      await fine.goto(stage.shop.url('id.test', '/seed'))
      await page.evaluate(() => {
        setTimeout(() => {
          ;(window as unknown as { hang(): void }).hang()
        }, 0)
      })
      const begun = performance.now()
      const { state, report } = await captureState(context, { timeout: 4_000 })
      // The deadline, and what a machine with ten times more to do than it can needs to open a page.
      expect(performance.now() - begun).toBeLessThan(9_000)
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
      await page.goto(stage.shop.url('shop.test', '/stuck?ms=5000'))
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
      const begun = performance.now()
      await expect(capture).rejects.toBe(reason)
      expect(performance.now() - begun).toBeLessThan(4_000)
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
      const { state, report } = await captureState(context, { timeout: 3_000 })
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
