import type { Browser, BrowserContext, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyState } from '../../../src/bridge/context/apply.ts'
import { captureState } from '../../../src/bridge/context/capture.ts'
import { watchOrigins } from '../../../src/bridge/context/visited.ts'
import type { OriginState, SessionState, StorageItem } from '../../../src/state/state.ts'
import { launchChromium } from '../../site/chromium.ts'
import { type Shop, startShop } from '../../site/shop.ts'

let shop: Shop
let browser: Browser
beforeAll(async () => {
  shop = await startShop()
  browser = await launchChromium(shop)
})
afterAll(async () => {
  await browser.close()
  await shop.close()
})

/** Runs the test in a context of its own. */
async function inContext<T>(run: (context: BrowserContext) => Promise<T>): Promise<T> {
  const context = await browser.newContext()
  try {
    return await run(context)
  } finally {
    await context.close()
  }
}

const hardItems: StorageItem[] = [
  { name: '', value: 'an empty key' },
  { name: 'empty', value: '' },
  { name: 'length', value: '7' },
  { name: 'getItem', value: 'not a function' },
  { name: 'key', value: 'k' },
  { name: '__proto__', value: '{"polluted":true}' },
  { name: 'constructor', value: 'c' },
  { name: '0', value: 'index' },
  { name: 'emoji 🦊', value: '👩‍👩‍👧 ✓' },
  { name: 'lone \ud800', value: 'low \udc00 high \udbff end' },
  { name: 'nul\u0000key', value: 'a\u0000b' },
  { name: 'line\u2028\u2029', value: '\r\n\t</script><!--' },
  { name: 'quotes', value: `'"\`\${x}\\` },
  { name: '\ufeffbom', value: '\uffff\ufffe' },
]

const sorted = (items: readonly StorageItem[] = []): StorageItem[] =>
  [...items].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))

const originOf = (state: SessionState, origin: string): OriginState | undefined =>
  state.origins.find((entry) => entry.origin === origin)

async function fill(page: Page, items: readonly StorageItem[], kind: 'localStorage' | 'sessionStorage') {
  const json = JSON.stringify(items)
  await page.evaluate(
    ([text, storage]) => {
      for (const { name, value } of JSON.parse(text) as { name: string; value: string }[])
        (window as unknown as Record<string, Storage>)[storage]?.setItem(name, value)
    },
    [json, kind] as const,
  )
}

describe('capture and apply', () => {
  test('carry every kind of key and value to another context, unchanged', async () => {
    const origin = new URL(shop.url('shop.test')).origin
    const first = await inContext(async (context) => {
      const page = await context.newPage()
      await page.goto(shop.url('shop.test', '/blank'))
      await fill(page, hardItems, 'localStorage')
      await fill(page, hardItems, 'sessionStorage')
      return captureState(context)
    })
    expect(first.report).toEqual([])
    expect(sorted(originOf(first.state, origin)?.localStorage)).toEqual(sorted(hardItems))
    expect(sorted(originOf(first.state, origin)?.sessionStorage)).toEqual(sorted(hardItems))

    const second = await inContext(async (context) => {
      expect(await applyState(context, first.state)).toEqual([])
      const page = await context.newPage()
      await page.goto(shop.url('shop.test', '/blank'))
      return captureState(context)
    })
    expect(second.report).toEqual([])
    expect(second.state).toEqual(first.state)
  })

  test('reach origins whose pages are closed', async () => {
    await inContext(async (context) => {
      const watch = watchOrigins(context)
      for (const host of ['o1.many.test', 'o2.many.test', 'o3.many.test']) {
        const page = await context.newPage()
        await page.goto(shop.url(host, '/seed?items=2'))
        await page.close()
      }
      const { state, report } = await captureState(context, { origins: watch.origins })
      expect(report).toEqual([])
      expect(state.origins.map(({ localStorage }) => localStorage.length)).toEqual([2, 2, 2])
    })
  })
})
