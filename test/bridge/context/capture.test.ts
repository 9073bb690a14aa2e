import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyState } from '../../../src/bridge/context/apply.ts'
import { captureState } from './patient-capture.ts'
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
      .sample(items, { numRuns: 40, seed: 11 })
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
